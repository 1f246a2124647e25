"""From the clip index to the flow of every clip, through the store: made once, read ever after."""

import os
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
from mer.align.crop import Aligner, ClipTransform
from mer.align.landmarks import FoundLandmarks
from mer.apex import AnnotatedApex, ApexChooser, ApexSpotter, spotter_of
from mer.clip import ClipIndex, Note, clip_name
from mer.digests import frame_digests
from mer.errors import MerError
from mer.fingerprint import fingerprint
from mer.flow import Flow, FlowMaps
from mer.frames import Image, read_frame
from mer.keyframes import STEP_VERSION, KeyFrames, aligned_crops, apex_index, key_frames_of, needed_frames
from mer.magnify import Bounded, Magnifier, TemporalFilter
from mer.store import Store

_BATCH = 32
_CLIPS_TOGETHER = 16  # whose landmarks are found in one batch
LANDMARKS_VERSION = 1  # raise it when the landmarks that are found for equal settings change
APEX_VERSION = 1  # raise it when the apex that is spotted for equal settings changes
FLOW_VERSION = 1  # raise it when the flow that comes out for equal settings changes

OnClip = Callable[[int, int], None]


@dataclass
class _Work:
    """A clip on its way to its key frames; ``error`` where it cannot get there.

    ``spotter`` is what must find its apex yet; ``path`` is known once the apex is.
    """

    clip: pd.Series
    spotter: ApexSpotter | None = None
    spotted_path: Path | None = None
    path: Path | None = None
    landmarks_path: Path | None = None
    onset: Image | None = None
    found: FoundLandmarks | MerError | None = None
    frames: KeyFrames | None = None
    remark: str = ""
    error: MerError | None = None


@dataclass(frozen=True)
class Preparation:
    """The steps before the flow, and the store that keeps what they make."""

    store: Store
    aligner: Aligner
    apex: ApexChooser
    temporal: TemporalFilter

    def path(self, clip: pd.Series) -> Path:
        """Where the key frames of ``clip`` are kept under these settings; its apex is spotted first where it must be.

        Raises:
            MerError: one of its frames is missing, or its apex cannot be spotted.
        """
        work = self._begin(clip)
        if work.path is None and work.error is None:
            self._make([work])
        if work.path is None:
            raise work.error or MerError(f"key frames of {clip_name(clip)}", "none", "prepare them again")
        return work.path

    def key_frames(self, clip: pd.Series, path: Path | None = None) -> KeyFrames:
        """Read the key frames of ``clip``, or make and keep them; ``path`` where it is known already.

        Raises:
            MerError: they cannot be made.
        """
        kept = self.store.read(path or self.path(clip))
        if kept is not None:
            return KeyFrames(**kept)
        work = self._begin(clip)
        if work.error is None:
            self._make([work])
        if work.frames is None:
            raise work.error or MerError(f"key frames of {clip_name(clip)}", "none", "prepare them again")
        return work.frames

    def run(self, index: ClipIndex, on_clip: OnClip) -> tuple[ClipIndex, list[Path]]:
        """Make what is missing. Returns the clips that have key frames, refused ones noted, and their files.

        Raises:
            MerError: no clip is left, or none can get landmarks.
        """
        paths: list[Path | None] = []
        notes = []
        for start in range(0, len(index), _CLIPS_TOGETHER):
            rows = index.clips.iloc[start : start + _CLIPS_TOGETHER].iterrows()
            for work in self._ensure([clip for _, clip in rows]):
                paths.append(None if work.error else work.path)
                if work.error:
                    notes.append(Note(clip_name(work.clip), "refused", str(work.error)))
                elif work.remark:
                    notes.append(Note(clip_name(work.clip), "repaired", work.remark))
                on_clip(len(paths), len(index))
        kept = index.clips[[path is not None for path in paths]].reset_index(drop=True)
        if kept.empty:
            got = f"{len(index)} refused; the first: {notes[0].reason}" if notes else "none"
            raise MerError("one usable clip or more", got, "see `mer check`")
        return replace(index, clips=kept, notes=(*index.notes, *notes)), [path for path in paths if path is not None]

    def _ensure(self, clips: Sequence[pd.Series]) -> list[_Work]:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            work = list(pool.map(self._begin, clips))
        self._make([one for one in work if not one.error and not (one.path and one.path.is_file())])
        return work

    def _begin(self, clip: pd.Series) -> _Work:
        """The clip and what is known of it: where its landmarks and its key frames are kept, or its spotted apex."""
        work = _Work(clip)
        try:
            work.spotter = spotter_of(self.apex, clip)
            self._name_files(work)
        except MerError as error:
            work.error = error
        return work

    def _name_files(self, one: _Work) -> None:
        """Each file's key holds those of the steps before."""
        clip = one.clip
        names = (clip["dataset"], clip["subject"], clip["clip"])
        temporal = self.temporal.at(float(clip["fps"]))
        at = -1 if one.spotter else apex_index(clip, self.apex)
        digests = frame_digests(clip, clip["files"] if one.spotter else needed_frames(clip, at, temporal), self.store)
        found_by = self.aligner.landmark_state(clip)
        landmarks = fingerprint({"version": LANDMARKS_VERSION, "onset": digests[0], "found by": found_by})
        one.landmarks_path = self.store.path(names, "landmarks", landmarks)
        crops = {"landmarks": landmarks if found_by is not None else None, "crop": self.aligner.crop_state()}
        if one.spotter:
            state = {"version": APEX_VERSION, "frames": digests, **crops, "spotter": one.spotter.settings()}
            one.spotted_path = self.store.path(names, "apex", fingerprint(state))
            kept = self.store.read(one.spotted_path)
            if kept is None:
                return
            at = int(kept["frame"])
            one.spotter = None
            digests = digests[: len(needed_frames(clip, at, temporal))]
        one.clip = _with_apex(clip, at)
        state = {"version": STEP_VERSION, "frames": digests, "apex": at, **crops, "temporal": temporal.settings()}
        one.path = self.store.path(names, "key_frames", fingerprint(state))

    def _make(self, work: Sequence[_Work]) -> None:
        """Make and keep key frames; landmarks of all the clips are found together."""
        # A clip a thread: files, OpenCV and numpy do their work outside Python's lock.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(_read_onset, work))
            work = [one for one in work if one.onset is not None]
            self._find_landmarks(work)
            finish = partial(self._finish, in_parallel=len(work) == 1)
            list(pool.map(finish, work))

    def _finish(self, one: _Work, in_parallel: bool) -> None:
        try:
            one.frames = self._extract(one, in_parallel)
        except MerError as error:
            one.error = error
        one.onset = None

    def _extract(self, one: _Work, in_parallel: bool) -> KeyFrames:
        if isinstance(one.found, MerError):
            raise one.found
        if one.onset is None:
            raise ValueError("the onset frame is read before")
        one.remark = one.found.remark if one.found else ""
        points = one.found.points_px if one.found else None
        transform = self.aligner.transform(points, one.onset.shape[:2])
        if one.spotter is not None:
            self._spot(one, one.onset, transform, in_parallel)
        if one.path is None:
            raise ValueError("the apex is known by now")
        at, temporal = apex_index(one.clip, AnnotatedApex()), self.temporal.at(float(one.clip["fps"]))
        files = needed_frames(one.clip, at, temporal)
        made = key_frames_of(files, at, one.onset, transform, temporal, self.aligner.stabilise, in_parallel)
        self.store.write(one.path, vars(made))
        return made

    def _spot(self, one: _Work, onset: Image, transform: ClipTransform, in_parallel: bool) -> None:
        """Spot the apex on the crops of the whole clip; its curve is kept beside it, for plots."""
        if one.spotter is None or one.spotted_path is None:
            return
        crops = list(aligned_crops(one.clip["files"], onset, transform, self.aligner.stabilise, in_parallel))
        spotted = one.spotter.spot(np.stack(crops), transform.landmarks_px)
        curve = torch.from_numpy(np.ascontiguousarray(spotted.curve, np.float32))
        self.store.write(one.spotted_path, {"frame": torch.tensor(spotted.frame), "curve": curve})
        self._name_files(one)

    def _find_landmarks(self, work: Sequence[_Work]) -> None:
        """Landmarks of each clip: kept ones, or found in one batch and kept."""
        for one in work:
            one.found = self._kept_landmarks(one)
        missing = [one for one in work if one.found is None]
        if not missing:
            return
        onsets = [one.onset for one in missing if one.onset is not None]
        for one, found in zip(missing, self.aligner.find(onsets, [one.clip for one in missing]), strict=True):
            one.found = found
            self._keep_landmarks(one)

    def _kept_landmarks(self, one: _Work) -> FoundLandmarks | None:
        kept = self.store.read(one.landmarks_path) if one.landmarks_path else None
        if kept is None:
            return None
        return FoundLandmarks(kept["points_px"].numpy(), bytes(kept["remark"].tolist()).decode())

    def _keep_landmarks(self, one: _Work) -> None:
        if isinstance(one.found, FoundLandmarks) and one.landmarks_path:
            remark = torch.tensor(list(one.found.remark.encode()), dtype=torch.uint8)
            points = torch.from_numpy(np.ascontiguousarray(one.found.points_px, np.float32))
            self.store.write(one.landmarks_path, {"points_px": points, "remark": remark})


def _with_apex(clip: pd.Series, at: int) -> pd.Series:
    clip = clip.copy()
    clip["apex"] = int(clip["onset"]) + at
    return clip


def _read_onset(one: _Work) -> None:
    try:
        one.onset = read_frame(one.clip["files"][0])
    except MerError as error:
        one.error = error


def dataset_flow(
    clips: pd.DataFrame,
    paths: Sequence[Path],
    preparation: Preparation,
    magnifier: Magnifier,
    flow: Flow,
    settings: Mapping[str, Any],
    device: torch.device,
    on_clip: OnClip,
) -> FlowMaps:
    """Magnify and compute the flow of all clips in batches, or read it where the store has it.

    Args:
        clips: N rows of the clip index.
        paths: their key frames' files.
        preparation: reads those files.
        magnifier: applied to the apex frames.
        flow: flow method.
        settings: of magnifier and flow, for the store's key.
        device: where magnification runs.
        on_clip: told how many clips are done, of how many.
    """
    names = [path.relative_to(preparation.store.root).as_posix() for path in paths]
    key = fingerprint({"version": FLOW_VERSION, "clips": names, "settings": settings})
    dataset = "+".join(sorted(set(clips["dataset"])))
    path = preparation.store.path((dataset,), "flow", key)
    kept = preparation.store.read(path)
    if kept is None:
        flows: list[Tensor] = []
        # The next batch is read and magnified while the flow of this one is computed.
        for onsets, apexes in ahead(_pairs(clips, paths, preparation, magnifier.to(device), device)):
            flows.append(_flow(flow, onsets, apexes))
            on_clip(sum(map(len, flows)), len(clips))
        kept = {"flow": torch.cat(flows)}
        preparation.store.write(path, kept)
    return FlowMaps(kept["flow"])


@torch.no_grad()
def beyond_bound(
    clips: pd.DataFrame, paths: Sequence[Path], preparation: Preparation, magnifier: Bounded, device: torch.device
) -> Tensor:
    """The part of each clip's magnified motion where eq. 5 does not hold, ``(N,)``; ``magnifier`` is on ``device``."""
    batches = _batches(clips, paths, preparation, device)
    return torch.cat([magnifier.beyond_bound(frames["apex"] / 255, frames["band"]).cpu() for frames in batches])


def _batches(
    clips: pd.DataFrame, paths: Sequence[Path], preparation: Preparation, device: torch.device
) -> Iterator[dict[str, Tensor]]:
    """Key frames of some clips at a time, as float ``(B, 3, S, S)`` on ``device``, by name."""
    for start in range(0, len(clips), _BATCH):
        rows = clips.iloc[start : start + _BATCH].iterrows()
        read = [
            preparation.key_frames(clip, at) for (_, clip), at in zip(rows, paths[start : start + _BATCH], strict=True)
        ]
        names = ("onset", "apex", "band")
        yield {name: torch.stack([getattr(one, name) for one in read]).to(device).float() for name in names}


@torch.no_grad()
def _pairs(
    clips: pd.DataFrame, paths: Sequence[Path], preparation: Preparation, magnifier: Magnifier, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """Onsets and magnified apexes of some clips at a time, ``(B, 3, S, S)`` in [0, 1]."""
    for frames in _batches(clips, paths, preparation, device):
        onsets = frames["onset"] / 255
        yield onsets, magnifier.magnify(frames["apex"] / 255, frames["band"], onsets)


@torch.no_grad()
def _flow(flow: Flow, onsets: Tensor, apexes: Tensor) -> Tensor:
    return flow(onsets, apexes).cpu()
