"""From the clip index to the flow of every clip, through the store: made once, read ever after."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mer.align.crop import Aligner
from mer.align.landmarks import FoundLandmarks
from mer.apex import ApexChooser
from mer.clip import ClipIndex, Note, clip_name
from mer.digests import frame_digests
from mer.errors import MerError
from mer.fingerprint import fingerprint
from mer.flow import Flow, FlowMaps
from mer.frames import Image, read_frame
from mer.keyframes import STEP_VERSION, KeyFrames, key_frames_of, needed_frames
from mer.magnify.temporal import TemporalFilter
from mer.store import Store

_BATCH = 32
_CLIPS_TOGETHER = 16  # whose landmarks are found in one batch
LANDMARKS_VERSION = 1  # raise it when the landmarks that are found for equal settings change
FLOW_VERSION = 1  # raise it when the flow that comes out for equal settings changes

OnClip = Callable[[int, int], None]


class Magnifier(Protocol):
    """Magnifies key frames by their bands."""

    temporal: TemporalFilter

    def magnify(self, frames: Tensor, bands: Tensor) -> Tensor:
        """``(B, 3, H, W)``, ``(B, 3, H, W)`` -> ``(B, 3, H, W)``."""
        ...

    def to(self, device: torch.device) -> "Magnifier":
        """Move to ``device``."""
        ...


@dataclass
class _Work:
    """A clip on its way to its key frames; ``error`` where it cannot get there."""

    clip: pd.Series
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
        """Where the key frames of ``clip`` are kept under these settings.

        Raises:
            MerError: one of its frames up to the apex is missing.
        """
        return self._paths(clip)[0]

    def key_frames(self, clip: pd.Series, path: Path | None = None) -> KeyFrames:
        """Read the key frames of ``clip``, or make and keep them; ``path`` where it is known already.

        Raises:
            MerError: they cannot be made.
        """
        kept = self.store.read(path or self.path(clip))
        if kept is not None:
            return KeyFrames(**kept)
        work = self._begin(clip)
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
        self._make([one for one in work if one.path is not None and not one.path.is_file()])
        return work

    def _begin(self, clip: pd.Series) -> _Work:
        try:
            return _Work(clip, *self._paths(clip))
        except MerError as error:
            return _Work(clip, error=error)

    def _paths(self, clip: pd.Series) -> tuple[Path, Path]:
        """Files of the clip's key frames and of its landmarks: each key holds that of the step before."""
        names = (clip["dataset"], clip["subject"], clip["clip"])
        digests = frame_digests(clip, needed_frames(clip, self.apex), self.store)
        found_by = self.aligner.landmark_state(clip)
        landmarks = fingerprint({"version": LANDMARKS_VERSION, "onset": digests[0], "found by": found_by})
        state = {
            "version": STEP_VERSION,
            "frames": digests,
            "landmarks": landmarks if found_by is not None else None,
            "crop": self.aligner.crop_state(),
            "temporal": self.temporal.settings(),
        }
        key_frames = self.store.path(names, "key_frames", fingerprint(state))
        return key_frames, self.store.path(names, "landmarks", landmarks)

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
        if one.onset is None or one.path is None:
            raise ValueError("the onset frame is read before")
        one.remark = one.found.remark if one.found else ""
        points = one.found.points_px if one.found else None
        transform = self.aligner.transform(points, one.onset.shape[:2])
        files = needed_frames(one.clip, self.apex)
        made = key_frames_of(files, one.onset, transform, self.temporal, self.aligner.stabilise, in_parallel)
        self.store.write(one.path, vars(made))
        return made

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
        magnifier = magnifier.to(device)
        flows = []
        for start in range(0, len(clips), _BATCH):
            rows = clips.iloc[start : start + _BATCH]
            kept_at = paths[start : start + _BATCH]
            frames = [preparation.key_frames(clip, at) for (_, clip), at in zip(rows.iterrows(), kept_at, strict=True)]
            flows.append(_batch_flow(frames, magnifier, flow, device).cpu())
            on_clip(start + len(rows), len(clips))
        kept = {"flow": torch.cat(flows)}
        preparation.store.write(path, kept)
    return FlowMaps(kept["flow"])


@torch.no_grad()
def _batch_flow(frames: Sequence[KeyFrames], magnifier: Magnifier, flow: Flow, device: torch.device) -> Tensor:
    onset, apex, band = (
        torch.stack([getattr(frame, name) for frame in frames]).to(device).float() for name in ("onset", "apex", "band")
    )
    return flow(onset / 255, magnifier.magnify(apex / 255, band))
