"""Where a trained network looks: Grad-CAM of both branches, attention by depth, shares inside action units' regions."""

from mer.explain.attention import attention_maps
from mer.explain.grad_cam import BranchMaps, cam_layers, grad_cam, on_crop
from mer.explain.regions import unit_polygons, units_mask
from mer.explain.shares import share_inside

__all__ = [
    "BranchMaps",
    "attention_maps",
    "cam_layers",
    "grad_cam",
    "on_crop",
    "share_inside",
    "unit_polygons",
    "units_mask",
]
