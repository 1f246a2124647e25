"""Movement of a clip's crops since onset: flow to each of them, without the head's."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d

from mer.align.drift import robust_rigid_fit
from mer.apex.regions import Box
from mer.apex.spot import Crops
from mer.features.strain import optical_strain
from mer.flow import build_flow

CELL_PX = 8
_BATCH = 16

Floats = NDArray[np.float32]


def flows_from_onset(grey: Crops, method: str) -> Iterator[Tensor]:
    """Flow from the first of ``(T, S, S)`` grey crops to all, the first included: batches ``(b, 2, S, S)``, px."""
    flow = build_flow(method)  # one a clip: OpenCV's holds buffers, and clips are worked on side by side
    frames = torch.from_numpy(grey)[:, None]
    onset = frames[:1].float() / 255
    yield torch.zeros(1, 2, *grey.shape[1:])
    for start in range(1, len(frames), _BATCH):
        batch = frames[start : start + _BATCH].float() / 255
        yield flow(onset.expand(len(batch), -1, -1, -1), batch)


def cell_flows(grey: Crops, method: str) -> Floats:
    """Flow from onset, mean of each cell of 8x8 px: ``(T, 2, S // 8, S // 8)``, px."""
    return np.concatenate([avg_pool2d(flow, CELL_PX).numpy() for flow in flows_from_onset(grey, method)])


def mean_strain(grey: Crops, boxes: Sequence[Box], method: str) -> Floats:
    """Optical strain from onset, mean of each box, summed over the boxes: ``(T,)``, dimensionless."""
    return np.concatenate([_box_means(flow, boxes).numpy() for flow in flows_from_onset(grey, method)])


def _box_means(flow: Tensor, boxes: Sequence[Box]) -> Tensor:
    return torch.stack([_strain_inside(flow, box).mean(dim=(1, 2)) for box in boxes]).sum(dim=0)


def _strain_inside(flow: Tensor, box: Box) -> Tensor:
    """Strain ``(b, H, W)`` of the box's px, from flow ``(b, 2, S, S)``; differences need one px more a side."""
    top, left = max(0, box.top - 1), max(0, box.left - 1)
    strain = optical_strain(flow[:, :, top : box.bottom + 1, left : box.right + 1])[:, 0]
    height, width = box.bottom - box.top, box.right - box.left
    return strain[:, box.top - top :, box.left - left :][:, :height, :width]


def without_head(flows: Floats, rigid: Box) -> Floats:
    """Take from cell flows ``(T, 2, h, w)`` the rotation and shift that most cells inside ``rigid`` share.

    The fit is ``mer.align.drift``'s, robust against what moves there by itself.
    """
    centres = cell_centres(flows.shape[2:])
    inside = cells_in([rigid], flows.shape[2:])
    pivot = centres[inside].mean(axis=0)
    x, y = (centres - pivot).T.reshape(2, *flows.shape[2:])
    still = np.empty_like(flows)
    for index, flow in enumerate(flows):
        turn, right, down = robust_rigid_fit((centres - pivot)[inside], flow.reshape(2, -1).T[inside])
        still[index] = flow - np.stack([right - turn * y, down + turn * x])
    return still


def cells_in(boxes: Sequence[Box], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Whether the centre of each of ``h * w`` cells lies in one of ``boxes``: ``(h * w,)``."""
    x, y = cell_centres(shape).T
    inside = [(box.left <= x) & (x < box.right) & (box.top <= y) & (y < box.bottom) for box in boxes]
    return np.asarray(np.any(inside, axis=0))


def cell_centres(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Centres ``(h * w, 2)``, x and y in px, of the cells of a map ``shape`` = (h, w)."""
    rows, columns = np.indices(shape)
    return np.stack([columns.ravel(), rows.ravel()], axis=1) * CELL_PX + (CELL_PX - 1) / 2
