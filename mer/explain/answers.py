"""Each clip of a run explained by the fold that never saw its subject, for its true class and for the predicted one."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mer.explain.attention import attention_maps
from mer.explain.clips import RunClips
from mer.explain.grad_cam import BranchMaps, grad_cam, on_crop
from mer.recognition import MicroExpressionModule
from mer.trained import RunFold, TrainedRun

TRUE, PREDICTED, OTHER = "true", "predicted", "other"
_BATCH = 32


@dataclass(frozen=True)
class Explanation:
    """One clip, explained for one class.

    Attributes:
        row: the clip's.
        label: the class.
        reasons: why this class: ``true``, ``predicted``, both, or ``other``.
        maps: L of the clip drawn on its crop, ``(1, S, S)`` each, unscaled.
    """

    row: int
    label: str
    reasons: tuple[str, ...]
    maps: BranchMaps

    def named(self) -> dict[str, Float[Tensor, "size size"]]:
        """The maps by name: ``fused``, then ``branch a`` and so on."""
        names = ["fused", *(f"branch {name}" for name in self.maps.names)]
        return dict(zip(names, (one[0].cpu() for one in (self.maps.fused, *self.maps.branches)), strict=True))


def explanations(
    run: TrainedRun, found: RunClips, device: torch.device, method: str, every_class: bool
) -> Iterator[Explanation]:
    """Grad-CAM of all clips, each by its own fold's network; for every class, or the true and the predicted one."""
    for fold in run.folds:
        module = run.module(fold).to(device)
        rows = found.of_fold(fold)
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            inputs = _inputs(module, found, batch.tolist(), device)
            for number, label in enumerate(run.classes):
                clips = [found.clips.iloc[row] for row in batch]
                wanted = [place for place, clip in enumerate(clips) if every_class or _reasons(clip, label) != (OTHER,)]
                if not wanted:
                    continue
                maps = grad_cam(module.net, [one[wanted] for one in inputs], number, method=method)
                input_px = inputs[0].shape[-1]
                on_face = maps.map(partial(on_crop, grid=maps.grid, input_px=input_px, size_px=found.size_px))
                for place, clip in enumerate(wanted):
                    one = on_face.map(lambda drawn, place=place: drawn[place : place + 1])  # type: ignore[misc]
                    yield Explanation(int(batch[clip]), label, _reasons(clips[clip], label), one)


def attention(
    run: TrainedRun, found: RunClips, row: int, device: torch.device
) -> dict[str, list[Float[Tensor, "h w"]]]:
    """Of each branch the attention of its blocks on one clip, by the network of the clip's own fold."""
    module = run.module(_fold_of(run, found, row)).to(device)
    maps = attention_maps(module.net, _inputs(module, found, [row], device))
    return {name: [one[0].cpu() for one in blocks] for name, blocks in maps.items()}


def rows_most_surely_right(clips: pd.DataFrame, classes: tuple[str, ...]) -> list[int]:
    """Of each class that has clips the row with the highest probability of it; one that was predicted right first."""
    right = (clips["label"] == clips["prediction"]).to_numpy()
    surely = clips["probability"].to_numpy(np.float64) + right
    rows = [np.flatnonzero(clips["label"] == label) for label in classes]
    return [int(one[surely[one].argmax()]) for one in rows if len(one)]


def _inputs(
    module: MicroExpressionModule, found: RunClips, rows: list[int], device: torch.device
) -> tuple[Tensor, ...]:
    inputs: tuple[Tensor, ...] = module.features(found.maps.select(rows).to(device))
    return inputs


def _fold_of(run: TrainedRun, found: RunClips, row: int) -> RunFold:
    return run.fold(str(found.clips["fold"].iloc[row]))


def _reasons(clip: pd.Series, label: str) -> tuple[str, ...]:
    reasons = tuple(name for name, column in ((TRUE, "label"), (PREDICTED, "prediction")) if clip[column] == label)
    return reasons or (OTHER,)
