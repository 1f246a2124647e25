"""Whole clips for the models that need them: frames brought to one number, landmarks and flows, through the store."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mer.ahead import ahead
from mer.clip import clip_name
from mer.dataset_flow import clips_at_once, dataset_apex, dataset_flow
from mer.errors import MerError
from mer.flow import Flow, FlowMaps, resize_flow, resize_map
from mer.magnify import Magnifier, NoMagnification
from mer.needs import NEEDS, Needs
from mer.preparation import OnClip, Preparation
from mer.threads import thread_count
from mer.tim import interpolated_frames

CLIP_FRAMES_VERSION = 1  # raise it when the frames that come out for equal settings change
CLIP_FLOW_VERSION = 1  # raise it when the flows that come out for equal settings change
_CLIPS_TOGETHER = 16  # that are read side by side

Pairs = Callable[[Tensor], tuple[Tensor, Tensor]]  # T frames -> the first and the second ones of pairs


@dataclass(frozen=True)
class NeededMaps:
    """Makes what a model needs beside the flow from onset to magnified apex: a method a need of that name.

    Attributes:
        clips: N rows of the clip index.
        paths: their key frames' files.
        preparation: reads and makes their frames.
        magnifier: applied to the apex frames.
        flow: flow method.
        settings: of magnifier and flow, for the store's keys.
        device: where magnification runs, and flow if it can.
        size_px: side of the grid.
        n_frames: T; 0 where nothing of whole clips is needed.
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
    n_frames: int
    progress: Callable[[str], OnClip]

    def add(self, maps: FlowMaps, needs: Needs) -> FlowMaps:
        """``maps`` with all that ``needs`` names."""
        made = {name: getattr(self, name)() for name in NEEDS if name in needs.names}
        return replace(maps, **made)

    def apex(self) -> Tensor:
        return dataset_apex(
            self.clips, self.paths, self.preparation, self.magnifier, self.size_px, self.settings["magnify"],
            self.device, self.progress("apex frames"),
        )  # fmt: skip

    def landmarks(self) -> Tensor:
        return dataset_landmarks(self.clips, self.paths, self.preparation, self.size_px)

    def frames(self) -> Tensor:
        told = self.progress("clips' frames")
        return dataset_frames(self.clips, self.preparation, self.n_frames, self.size_px, told)

    def frame_flow(self) -> Tensor:
        return self._clip_flow("frame_flow", consecutive)

    def onset_flow(self) -> Tensor:
        return self._clip_flow("onset_flow", from_first)

    def unmagnified_flow(self) -> Tensor:
        settings = {**self.settings, "magnify": None}
        told = self.progress("unmagnified flow")
        as_filmed = NoMagnification(self.magnifier.temporal)
        return dataset_flow(
            self.clips, self.paths, self.preparation, as_filmed, self.flow, settings, self.device, told, self.size_px
        ).flow  # fmt: skip

    def _clip_flow(self, step: str, pairs: Pairs) -> Tensor:
        return dataset_clip_flow(
            self.clips, self.preparation, self.n_frames, self.size_px, step, pairs, self.flow, self.settings["flow"],
            self.device, self.progress(step.replace("_", " ")),
        )  # fmt: skip


def consecutive(frames: Tensor) -> tuple[Tensor, Tensor]:
    """Each of ``(T, ...)`` frames but the last, and the one after it."""
    return frames[:-1], frames[1:]


def from_first(frames: Tensor) -> tuple[Tensor, Tensor]:
    """The first of ``(T, ...)`` frames, ``T - 1`` times, and each later one."""
    return frames[:1].expand_as(frames[1:]), frames[1:]


def clip_frames(clip: pd.Series, preparation: Preparation, n_frames: int, in_parallel: bool = True) -> Tensor:
    """All aligned crops of ``clip``, unmagnified, brought to T frames by TIM: ``(T, 3, S, S)`` uint8; kept.

    Raises:
        MerError: a frame cannot be read; no face or landmarks; fewer than two frames.
    """
    path = preparation.crops_path(clip, "clip_frames", {"version": CLIP_FRAMES_VERSION, "frames": n_frames})
    kept = preparation.store.read(path, {"frames": ("U8", (n_frames, 3, "h", "w"))})
    if kept is not None:
        return kept["frames"]
    files = clip["files"]
    if len(files) < 2:
        raise MerError(f"two frames or more of {clip_name(clip)}", f"{len(files)}", "leave the clip out")
    made = interpolated_frames(preparation.crops(clip, in_parallel), len(files), n_frames)
    frames = torch.from_numpy(np.ascontiguousarray(made.transpose(0, 3, 1, 2)))
    preparation.store.write(path, {"frames": frames})
    return frames


def dataset_frames(
    clips: pd.DataFrame, preparation: Preparation, n_frames: int, size_px: int, on_clip: OnClip
) -> Tensor:
    """:func:`clip_frames` of every clip at ``size_px``: ``(N, T, 3, size, size)`` uint8.

    The store keeps them at the crop's size, for any ``size_px``; a killed run goes on where it stopped.
    """
    frames = torch.empty(len(clips), n_frames, 3, size_px, size_px, dtype=torch.uint8)
    make = partial(_sized_frames, preparation=preparation, n_frames=n_frames, size_px=size_px)
    for start in range(0, len(clips), _CLIPS_TOGETHER):
        rows = clips.iloc[start : start + _CLIPS_TOGETHER].iterrows()
        with ThreadPoolExecutor(thread_count()) as pool:
            for row, made in enumerate(pool.map(make, [clip for _, clip in rows]), start=start):
                frames[row] = made
                on_clip(row + 1, len(clips))
    return frames


def dataset_landmarks(clips: pd.DataFrame, paths: Sequence[Path], preparation: Preparation, size_px: int) -> Tensor:
    """The landmarks of every clip, ``(N, 68, 2)`` float32 in px of its crop at ``size_px``.

    Raises:
        MerError: a clip has none.
    """
    points = []
    for (_, clip), path in zip(clips.iterrows(), paths, strict=True):
        key = preparation.key_frames(clip, path)
        if not len(key.landmarks_px):
            raise MerError(f"landmarks of {clip_name(clip)}", "none", "set align=fan, dlib or given")
        # Pixel centres, not corners, are mapped onto each other, as the images' are.
        scale = size_px / key.onset.shape[-1]
        points.append(key.landmarks_px * scale + (scale - 1) / 2)
    return torch.stack(points)


@torch.no_grad()
def dataset_clip_flow(
    clips: pd.DataFrame,
    preparation: Preparation,
    n_frames: int,
    size_px: int,
    step: str,
    pairs: Pairs,
    flow: Flow,
    settings: Any,
    device: torch.device,
    on_clip: OnClip,
) -> Tensor:
    """Flow between pairs of a clip's T frames, ``(N, T - 1, 2, size, size)`` in px of that grid.

    Computed at the crop's size, a clip at a time, and kept at ``size_px``: a killed run goes on where it stopped.

    Args:
        clips: N rows of the clip index.
        preparation: makes their frames, see :func:`clip_frames`.
        n_frames: T.
        size_px: side in px that the flow is resized to.
        step: name of the flow's files.
        pairs: frames of a clip -> the first and the second ones of T - 1 pairs.
        flow: flow method.
        settings: of the flow, for the store's key.
        device: where it runs, if it can.
        on_clip: told how many clips are done, of how many.
    """
    store = preparation.store
    frames = {"version": CLIP_FRAMES_VERSION, "frames": n_frames}
    state = {"version": CLIP_FLOW_VERSION, "clip": frames, "flow": settings, "size": size_px}
    kept_at = [preparation.crops_path(clip, step, state) for _, clip in clips.iterrows()]
    flows = torch.empty(len(clips), n_frames - 1, 2, size_px, size_px)
    missing, form = [], {"flow": ("F32", (n_frames - 1, 2, size_px, size_px))}
    for row, path in enumerate(kept_at):
        kept = store.read(path, form)
        if kept is None:
            missing.append(row)
        else:
            flows[row] = kept["flow"]
    made = (clip_frames(clip, preparation, n_frames) for _, clip in clips.iloc[missing].iterrows())
    # The next clip is read while the flow of this one is computed.
    for done, (row, one) in enumerate(zip(missing, ahead(made), strict=True), start=len(clips) - len(missing) + 1):
        flows[row] = torch.cat([resize_flow(part, size_px) for part in _flow_of_pairs(one, pairs, flow, device)])
        store.write(kept_at[row], {"flow": flows[row]})
        on_clip(done, len(clips))
    return flows


def _sized_frames(clip: pd.Series, preparation: Preparation, n_frames: int, size_px: int) -> Tensor:
    frames = clip_frames(clip, preparation, n_frames, in_parallel=False)
    return resize_map(frames.float(), size_px).round().clamp(0, 255).to(torch.uint8)


def _flow_of_pairs(frames: Tensor, pairs: Pairs, flow: Flow, device: torch.device) -> Iterator[Tensor]:
    at_once = clips_at_once(device)
    first, second = (torch.split(part, at_once) for part in pairs(frames))
    for one, two in zip(first, second, strict=True):
        yield flow(one.to(device) / 255, two.to(device) / 255).cpu()
