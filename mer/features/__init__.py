"""From flow, and frames, to the network's inputs."""

from mer.features.augment import FlipBlur
from mer.features.augment_field import FieldAugment
from mer.features.branches import BranchFeatures
from mer.features.channels import CHANNELS
from mer.features.clips import ClipFeatures
from mer.features.motion_mask import MaskedFeatures
from mer.features.patches import LandmarkPatches
from mer.features.regions import RegionFeatures
from mer.features.strain import flow_direction, flow_magnitude, optical_strain

__all__ = [
    "CHANNELS",
    "BranchFeatures",
    "ClipFeatures",
    "FieldAugment",
    "FlipBlur",
    "LandmarkPatches",
    "MaskedFeatures",
    "RegionFeatures",
    "flow_direction",
    "flow_magnitude",
    "optical_strain",
]
