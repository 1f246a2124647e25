"""The clips of a finished run again: their maps, their landmarks, and what the fold that never saw them said."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from hydra.utils import instantiate
from jaxtyping import Float
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from mer.align.landmarks import N_LANDMARKS, Points
from mer.clip import clip_name
from mer.datasets import FlowSource
from mer.errors import MerError
from mer.experiment import build_preparation, load_index, prepare_maps
from mer.flow import FlowMaps
from mer.predictions import read_predictions
from mer.preparation import Preparation
from mer.trained import RunFold, TrainedRun


@dataclass(frozen=True)
class RunClips:
    """The clips that a run predicted.

    Attributes:
        clips: N rows of the clip index, with ``prediction``, ``probability`` of the target, and ``fold``.
        maps: of the N clips, at the features' size.
        size_px: side of the crop, on which activation is drawn; of flow images, of the features.
        landmarks_px: of each clip ``(68, 2)`` on its crop, None where it has none.
        preparation: reads their key frames; None for flow images, which have none.
    """

    clips: pd.DataFrame
    maps: FlowMaps
    size_px: int
    landmarks_px: tuple[Points | None, ...]
    preparation: Preparation | None = None

    def of_fold(self, fold: RunFold) -> NDArray[np.intp]:
        """Rows of the clips that ``fold`` was tested on."""
        return np.flatnonzero(self.clips["fold"] == fold.name)

    def onset(self, row: int) -> Float[Tensor, "3 size size"] | None:
        """The onset frame of a clip on its crop, RGB in [0, 1], where there are frames."""
        return None if self.preparation is None else self.preparation.key_frames(self.clips.iloc[row]).onset / 255


def read_clips(run: TrainedRun, device: torch.device, settings: Mapping[str, Any]) -> RunClips:
    """Prepare the clips of ``run`` again, from the store where it has them.

    Args:
        run: the finished run.
        device: where magnification and flow run, if they must.
        settings: what has changed since, as where the dataset lies.

    Raises:
        MerError: a clip that the run predicted is not there now.
    """
    accelerator = "cpu" if device.type == "cpu" else "gpu"
    config = OmegaConf.merge(run.config, {"trainer": {"accelerator": accelerator}}, OmegaConf.create(dict(settings)))
    if not isinstance(config, DictConfig):
        raise MerError("settings by name", type(settings).__name__, "set settings.dataset.root=DIR")
    index, maps = prepare_maps(config, load_index(config))
    rows = {clip_name(clip): row for row, (_, clip) in enumerate(index.clips.iterrows())}
    said = pd.concat(_predictions(run), ignore_index=True)
    names = [clip_name(clip) for _, clip in said.iterrows()]
    if absent := [name for name in names if name not in rows]:
        remedy = "set settings.dataset.root=DIR to where the run's dataset lies now"
        raise MerError(f"the {len(names)} clips of {run.path}", f"{len(absent)} not there: {absent[0]}, ...", remedy)
    kept = [rows[name] for name in names]
    clips = index.clips.iloc[kept].reset_index(drop=True)
    clips = clips.assign(**{name: said[name].to_numpy() for name in ("prediction", "probability", "fold")})
    return _with_landmarks(clips, maps.select(kept), _preparation(config))


def _with_landmarks(clips: pd.DataFrame, maps: FlowMaps, preparation: Preparation | None) -> RunClips:
    if preparation is None:
        return RunClips(clips, maps, maps.flow.shape[-1], (None,) * len(clips))
    landmarks: list[Points | None] = []
    for _, clip in clips.iterrows():
        frames = preparation.key_frames(clip)
        landmarks.append(frames.landmarks_px.numpy() if len(frames.landmarks_px) == N_LANDMARKS else None)
    return RunClips(clips, maps, frames.onset.shape[-1], tuple(landmarks), preparation)


def _predictions(run: TrainedRun) -> Iterator[pd.DataFrame]:
    for fold in run.folds:
        table = read_predictions(fold.folder / "predictions.csv")
        probability = [float(row[f"prob_{row['target']}"]) for _, row in table.iterrows()]
        yield table.assign(probability=probability, fold=fold.name)


def _preparation(config: DictConfig) -> Preparation | None:
    if isinstance(instantiate(config.dataset), FlowSource):
        return None
    return build_preparation(config, instantiate(config.magnify))
