"""From key frames to a dataset's maps: of all clips together, or of some at a time where nobody keeps them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from mer.dataset_flow import dataset_flow
from mer.flow import Flow, FlowMaps
from mer.magnify import Magnifier
from mer.needs import Needs
from mer.preparation import OnClip, Preparation
from mer.whole_clips import NeededMaps

CLIPS_A_PART = 128  # a GPU's largest batch


@dataclass(frozen=True)
class DatasetMaps:
    """The flow of N clips and whatever else the model needs of them, through the store.

    Attributes:
        clips: N rows of the clip index.
        paths: their key frames' files.
        preparation: reads and makes their frames.
        magnifier: applied to the apex frames.
        flow: flow method.
        settings: of magnifier and flow, for the store's keys.
        device: where magnification runs, and flow if it can.
        size_px: side of the maps.
        needs: what is needed beside the flow.
        progress: name of a step -> what is told of its progress.
    """

    clips: pd.DataFrame
    paths: Sequence[Path]
    preparation: Preparation
    magnifier: Magnifier
    flow: Flow
    settings: Mapping[str, Any]
    device: torch.device
    size_px: int
    needs: Needs
    progress: Callable[[str], OnClip]

    def together(self) -> FlowMaps:
        """The maps of all clips."""
        return self._maps(slice(None), self.progress)

    def in_parts(self) -> Iterator[FlowMaps]:
        """The maps of some clips after the others: no more than a part of them is ever in memory."""
        told: dict[str, OnClip] = {}
        for start in range(0, len(self.clips), CLIPS_A_PART):

            def progress(step: str, start: int = start) -> OnClip:
                on_clip = told[step] = told.get(step) or self.progress(step)
                return lambda done, total: on_clip(start + done, len(self.clips))

            yield self._maps(slice(start, start + CLIPS_A_PART), progress)

    def _maps(self, rows: slice, progress: Callable[[str], OnClip]) -> FlowMaps:
        common = (
            self.clips.iloc[rows], self.paths[rows], self.preparation, self.magnifier, self.flow, self.settings,
            self.device,
        )  # fmt: skip
        maps = dataset_flow(*common, progress("flow"), self.size_px)
        return NeededMaps(*common, self.size_px, self.needs.n_frames or 0, progress).add(maps, self.needs)
