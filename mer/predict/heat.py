"""Where a model's networks look in one movement: Grad-CAM of the ensemble, drawn on the apex crop."""

import cv2
import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from mer.explain.grad_cam import grad_cam, method_for, on_crop
from mer.export import ReleasedModel
from mer.export.model import views_of
from mer.flow import FlowMaps
from mer.frames import Image
from mer.models.cam import CamLayers

_MOST_OPAQUE = 0.75  # so that the face stays visible below the strongest activation


def names_its_maps(model: ReleasedModel) -> bool:
    """Whether the networks of ``model`` tell of their last maps, without which there is no Grad-CAM."""
    return isinstance(getattr(model.nets[0], "cam_layers", None), CamLayers)


def mean_heat(model: ReleasedModel, maps: FlowMaps, class_index: int, size_px: int) -> Float[Tensor, "batch size size"]:
    """Grad-CAM of a class on crops of ``size_px``, ``(B, S, S)`` in [0, 1]; 1 where a clip's is largest.

    Each fold's fused map over its own largest value, so that each network counts as much, as in the probabilities;
    their mean over the folds, and over mirror images where the run took them; over its largest.

    Args:
        model: whose networks name their last maps.
        maps: of B clips.
        class_index: of the class whose logit is explained.
        size_px: side of the crop.
    """
    straight, *mirrored = (_of_folds(model, one, class_index, size_px) for one in views_of(maps, model.flip_average))
    mean = torch.stack([straight, *(heat.flip(-1) for heat in mirrored)]).mean(dim=0)
    largest = mean.amax(dim=(-2, -1), keepdim=True)
    return mean / torch.where(largest > 0, largest, 1)


def heat_picture(image: Float[Tensor, "3 size size"], heat: Float[Tensor, "size size"]) -> Image:
    """``heat`` in [0, 1] over the RGB ``image`` in [0, 1], which turns grey: RGB ``(S, S, 3)`` uint8."""
    rgb = np.ascontiguousarray(image.permute(1, 2, 0).numpy(), np.float32)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None] * 255
    share = heat.numpy()[..., None]
    colours = cv2.applyColorMap(np.rint(share * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    opaque: NDArray[np.float32] = _MOST_OPAQUE * np.sqrt(share)
    return np.asarray(np.rint(grey * (1 - opaque) + colours * opaque), np.uint8)


def _of_folds(model: ReleasedModel, maps: FlowMaps, class_index: int, size_px: int) -> Float[Tensor, "batch size size"]:
    inputs = model.features(maps)
    found = [grad_cam(net, inputs, class_index, method=method_for(net)).scaled() for net in model.nets]
    drawn = [on_crop(one.fused, one.grid, inputs[0].shape[-1], size_px) for one in found]
    return torch.stack(drawn).mean(dim=0)
