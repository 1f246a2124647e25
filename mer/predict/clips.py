"""A movement of a video as the clip that training would make of it: its frames, its key frames, its maps."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import pandas as pd
import torch
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig
from torch import Tensor

from mer.align.landmarks import LandmarkSource
from mer.apex.interval import Interval
from mer.clip import clip_index
from mer.dataset_flow import dataset_flow
from mer.errors import MerError
from mer.flow import FlowMaps
from mer.flow.state import flow_state
from mer.frames import Image
from mer.hydra_app import plain
from mer.needs import Needs
from mer.preparation import Preparation
from mer.store import Store
from mer.trusted import trusted_config
from mer.whole_clips import NeededMaps


@dataclass(frozen=True)
class PreparedMovement:
    """What the network gets, and what people are shown.

    Attributes:
        maps: of this one clip.
        onset: aligned onset frame ``(3, S, S)``, RGB in [0, 1].
        apex: aligned apex frame, as ``onset``.
        magnified: magnified apex frame ``(3, S, S)``, RGB in [0, 1].
    """

    maps: FlowMaps
    onset: Tensor
    apex: Tensor
    magnified: Tensor


class MovementPath:
    """The steps from frames to maps by the settings of a model: the very functions that training calls.

    Args:
        settings: groups align, apex, magnify, flow and features of the model.
        landmarks: finds landmarks on onset frames, in the place of the settings' own source.
        device: where magnification and flow run.

    Raises:
        MerError: the settings name what mer does not offer, or align no faces.
    """

    def __init__(self, settings: Mapping[str, Any], landmarks: LandmarkSource, device: torch.device) -> None:
        cfg = trusted_config(dict(settings), "the model")
        self._cfg, self._device = cfg, device
        self._aligner = _aligner(cfg, landmarks)
        self._apex, self._flow = instantiate(cfg.apex), instantiate(cfg.flow)
        self._magnifier = instantiate(cfg.magnify).to(device)
        self._needs = Needs.of(instantiate(cfg.features))
        self._settings = {"magnify": plain(cfg.magnify), "flow": flow_state(self._flow, plain(cfg.flow))}

    @torch.no_grad()
    def prepare(self, clips: pd.DataFrame, folder: Path) -> PreparedMovement:
        """The maps of the one row ``clips`` of a clip index; ``folder`` is for what is made on the way.

        Raises:
            MerError: no face on its onset frame, or no key frames for another reason.
        """
        preparation = Preparation(Store(folder / "store"), self._aligner, self._apex, self._magnifier.temporal)
        path = preparation.path(clips.iloc[0])
        common = (clips, [path], preparation, self._magnifier, self._flow, self._settings, self._device)
        size = self._cfg.features.size
        needed = NeededMaps(*common, size, self._needs.n_frames or 0, lambda step: _untold)
        maps = needed.add(dataset_flow(*common, _untold, size), self._needs)
        key = preparation.key_frames(clips.iloc[0], path)
        onset, apex_frame, band = (
            one[None].to(self._device).float() for one in (key.onset, key.apex, key.band)
        )  # fmt: skip
        magnified = self._magnifier.magnify(apex_frame / 255, band, onset / 255)
        pictures = (onset / 255, apex_frame / 255, magnified.clamp(0, 1))
        return PreparedMovement(maps, *(one[0].cpu() for one in pictures))


class MovementFrames:
    """Keeps the frames of one movement in ``folder``, losslessly, until they are a clip.

    Args:
        name: of the video.
        interval: the movement's frames in the video.
        folder: empty.
    """

    def __init__(self, name: str, interval: Interval, folder: Path) -> None:
        self.interval, self.folder = interval, folder
        self._name = name
        self._files: list[str] = []
        self._seconds: list[float] = []

    def add(self, image: Image, seconds: float) -> None:
        """Keep the movement's next frame.

        Raises:
            MerError: the disk is full.
        """
        file = self.folder / f"{self.interval.onset + len(self._files)}.bmp"
        if not cv2.imwrite(str(file), cv2.cvtColor(image, cv2.COLOR_RGB2BGR)):
            raise MerError(f"to write {file}", "nothing written", "free disk space, or set TMPDIR to another folder")
        self._files.append(str(file))
        self._seconds.append(seconds)

    def clips(self) -> pd.DataFrame:
        """The one row of its clip index.

        Raises:
            MerError: the video ended before the movement.
        """
        onset, apex, offset = self.interval
        if len(self._files) != offset - onset + 1:
            got = f"{len(self._files)} in {self._name}"
            raise MerError(f"{offset - onset + 1} frames from frame {onset} on", got, "give frames of the video")
        span_s = self._seconds[-1] - self._seconds[0]
        name = {"dataset": "video", "subject": self._name, "clip": str(onset), "label": ""}
        numbers = {"fps": (offset - onset) / span_s, "onset": onset, "apex": apex, "offset": offset}
        return clip_index([name | numbers | {"files": tuple(self._files)}]).clips


def _aligner(cfg: DictConfig, landmarks: LandmarkSource) -> Any:
    if "landmarks" not in cfg.align:
        raise MerError(
            "a model of crops by the eyes", f"{cfg.align._target_}", "train one with align=fan, dlib or given"
        )
    values = {str(name): value for name, value in plain(cfg.align).items() if name not in ("_target_", "landmarks")}
    # Not by Hydra, which would take a source that is a dataclass for a configuration.
    return get_object(cfg.align._target_)(**values, landmarks=landmarks)


def _untold(done: int, total: int) -> None:
    return
