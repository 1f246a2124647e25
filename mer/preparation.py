"""From the clip index to the key frames of every clip, through the store: made once, read ever after."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from mer.align.crop import Aligner, ClipTransform
from mer.align.landmarks import FoundLandmarks
from mer.apex import AnnotatedApex, ApexChooser, ApexSpotter, spotter_of
from mer.clip import ClipIndex, Note, clip_name
from mer.digests import frame_digests
from mer.errors import MerError
from mer.fingerprint import fingerprint
from mer.frames import Image, read_frame
from mer.keyframes import STEP_VERSION, KeyFrames, aligned_crops, apex_index, key_frames_of, needed_frames
from mer.magnify import TemporalFilter
from mer.store import Store
from mer.store_form import Form
from mer.threads import thread_count

_CLIPS_TOGETHER = 16  # whose landmarks are found in one batch
LANDMARKS_VERSION = 1  # raise it when the landmarks that are found for equal settings change
APEX_VERSION = 1  # raise it when the apex that is spotted for equal settings changes

KEY_FRAMES: Form = {
    "onset": ("U8", (3, "h", "w")),
    "apex": ("U8", (3, "h", "w")),
    "band": ("F32", (3, "h", "w")),
    "landmarks_px": ("F32", ((0, 68), 2)),
}
LANDMARKS: Form = {"points_px": ("F32", (68, 2)), "remark": ("U8", ("n",))}
SPOTTED: Form = {"frame": ("I64", ()), "curve": ("F32", ("n",))}

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
        kept = self.store.read(path or self.path(clip), KEY_FRAMES)
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
        with ThreadPoolExecutor(thread_count()) as pool:
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
        temporal = self.temporal.at(float(clip["fps"]))
        at = -1 if one.spotter else apex_index(clip, self.apex)
        digests = frame_digests(clip, clip["files"] if one.spotter else needed_frames(clip, at, temporal), self.store)
        names, crops = _names(clip), self._name_landmarks(one, digests[0])
        if one.spotter:
            state = {"version": APEX_VERSION, "frames": digests, **crops, "spotter": one.spotter.settings()}
            one.spotted_path = self.store.path(names, "apex", fingerprint(state))
            kept = self.store.read(one.spotted_path, SPOTTED)
            if kept is None:
                return
            at = int(kept["frame"])
            if not 0 <= at < len(clip["files"]):
                self.store.discard(one.spotted_path)
                return
            one.spotter = None
            digests = digests[: len(needed_frames(clip, at, temporal))]
        one.clip = _with_apex(clip, at)
        state = {"version": STEP_VERSION, "frames": digests, "apex": at, **crops, "temporal": temporal.settings()}
        one.path = self.store.path(names, "key_frames", fingerprint(state))

    def _name_landmarks(self, one: _Work, onset_digest: str) -> dict[str, Any]:
        """Name the landmarks' file. Returns what a clip's crops depend on beside its frames."""
        found_by = self.aligner.landmark_state(one.clip)
        landmarks = fingerprint({"version": LANDMARKS_VERSION, "onset": onset_digest, "found by": found_by})
        one.landmarks_path = self.store.path(_names(one.clip), "landmarks", landmarks)
        return {"landmarks": landmarks if found_by is not None else None, "crop": self.aligner.crop_state()}

    def crops_path(self, clip: pd.Series, step: str, settings: Mapping[str, Any]) -> Path:
        """Where what ``step`` makes of all aligned crops of ``clip`` under ``settings`` is kept.

        Raises:
            MerError: one of its frames is missing.
        """
        digests = frame_digests(clip, clip["files"], self.store)
        state = {"frames": digests, **self._name_landmarks(_Work(clip), digests[0]), "settings": settings}
        return self.store.path(_names(clip), step, fingerprint(state))

    def crops(self, clip: pd.Series, in_parallel: bool = True) -> Iterator[Image]:
        """The aligned crops ``(S, S, 3)`` of all frames of ``clip``, by the landmarks that are kept, or found and kept.

        Args:
            clip: a row of the clip index.
            in_parallel: read the frames on all cores; not where clips are read side by side already.

        Raises:
            MerError: a frame cannot be read, or has another size than the onset; no face or landmarks.
        """
        one = _Work(clip)
        self._name_landmarks(one, frame_digests(clip, clip["files"], self.store)[0])
        _read_onset(one)
        if one.onset is None:
            raise one.error or ValueError("an onset frame that is not read has an error")
        self._find_landmarks([one])
        transform = self._transform(one, one.onset)
        yield from aligned_crops(clip["files"], one.onset, transform, self.aligner.stabilise, in_parallel)

    def _make(self, work: Sequence[_Work]) -> None:
        """Make and keep key frames; landmarks of all the clips are found together."""
        # A clip a thread: files, OpenCV and numpy do their work outside Python's lock.
        with ThreadPoolExecutor(thread_count()) as pool:
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
        if one.onset is None:
            raise ValueError("the onset frame is read before")
        transform = self._transform(one, one.onset)
        one.remark = one.found.remark if isinstance(one.found, FoundLandmarks) else ""
        if one.spotter is not None:
            self._spot(one, one.onset, transform, in_parallel)
        if one.path is None:
            raise ValueError("the apex is known by now")
        at, temporal = apex_index(one.clip, AnnotatedApex()), self.temporal.at(float(one.clip["fps"]))
        files = needed_frames(one.clip, at, temporal)
        made = key_frames_of(files, at, one.onset, transform, temporal, self.aligner.stabilise, in_parallel)
        self.store.write(one.path, vars(made))
        return made

    def _transform(self, one: _Work, onset: Image) -> ClipTransform:
        if isinstance(one.found, MerError):
            raise one.found
        return self.aligner.transform(one.found.points_px if one.found else None, (onset.shape[0], onset.shape[1]))

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
        kept = self.store.read(one.landmarks_path, LANDMARKS) if one.landmarks_path else None
        if kept is None:
            return None
        return FoundLandmarks(kept["points_px"].numpy(), bytes(kept["remark"].tolist()).decode(errors="replace"))

    def _keep_landmarks(self, one: _Work) -> None:
        if isinstance(one.found, FoundLandmarks) and one.landmarks_path:
            remark = torch.tensor(list(one.found.remark.encode()), dtype=torch.uint8)
            points = torch.from_numpy(np.ascontiguousarray(one.found.points_px, np.float32))
            self.store.write(one.landmarks_path, {"points_px": points, "remark": remark})


def _names(clip: pd.Series) -> tuple[str, str, str]:
    return clip["dataset"], clip["subject"], clip["clip"]


def _with_apex(clip: pd.Series, at: int) -> pd.Series:
    clip = clip.copy()
    clip["apex"] = int(clip["onset"]) + at
    return clip


def _read_onset(one: _Work) -> None:
    try:
        one.onset = read_frame(one.clip["files"][0])
    except MerError as error:
        one.error = error
