"""From the clip index to the flow of every clip, through the store: made once, read ever after."""

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
from mer.flow import Flow, FlowMaps, resize_flow, resize_map
from mer.frames import Image, read_frame
from mer.keyframes import STEP_VERSION, KeyFrames, aligned_crops, apex_index, key_frames_of, needed_frames
from mer.magnify import Bounded, Magnifier, TemporalFilter
from mer.store import Store
from mer.store_form import Form
from mer.threads import thread_count

_BATCH = 32
_LARGEST_BATCH = 128  # on a GPU
_BYTES_A_CLIP = 2**28  # of a GPU's memory, with room for a flow network's
_CLIPS_TOGETHER = 16  # whose landmarks are found in one batch
LANDMARKS_VERSION = 1  # raise it when the landmarks that are found for equal settings change
APEX_VERSION = 1  # raise it when the apex that is spotted for equal settings changes
FLOW_VERSION = 2  # raise it when the flow that comes out for equal settings changes
APEX_FRAMES_VERSION = 1  # raise it when the magnified frames that come out for equal settings change

KEY_FRAMES: Form = {
    "onset": ("U8", (3, "h", "w")),
    "apex": ("U8", (3, "h", "w")),
    "band": ("F32", (3, "h", "w")),
    "landmarks_px": ("F32", ((0, 68), 2)),
}
LANDMARKS: Form = {"points_px": ("F32", (68, 2)), "remark": ("U8", ("n",))}
SPOTTED: Form = {"frame": ("I64", ()), "curve": ("F32", ("n",))}
FLOW: Form = {"flow": ("F32", (2, "h", "w"))}

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


def dataset_flow(
    clips: pd.DataFrame,
    paths: Sequence[Path],
    preparation: Preparation,
    magnifier: Magnifier,
    flow: Flow,
    settings: Mapping[str, Any],
    device: torch.device,
    on_clip: OnClip,
    size: int | None = None,
) -> FlowMaps:
    """Magnify and compute in batches the flow of all clips that the store has not.

    What is computed is kept batch by batch, so a killed run goes on where it stopped; at ``size``, no more than a batch
    is in memory at its full size.

    Args:
        clips: N rows of the clip index.
        paths: their key frames' files.
        preparation: reads those files.
        magnifier: applied to the apex frames.
        flow: flow method.
        settings: of magnifier and flow, for the store's key.
        device: where magnification runs, and flow if it can.
        on_clip: told how many clips are done, of how many.
        size: side in px that the flow is resized to; None keeps its own.
    """
    store = preparation.store
    kept_at = [_flow_path(store, path, settings) for path in paths]
    flows = _Rows(len(clips))
    missing = flows.put_kept(kept_at, lambda path: _kept_flow(store, path, size))
    todo = iter(missing)
    pairs = _pairs(clips.iloc[missing], [paths[row] for row in missing], preparation, magnifier.to(device), device)
    # The next batch is read and magnified while the flow of this one is computed.
    for onsets, apexes in ahead(pairs):
        for flow_px, row in zip(_flow(flow, onsets, apexes), todo, strict=False):
            store.write(kept_at[row], {"flow": flow_px})
            flows.put(row, _sized(flow_px, size))
        on_clip(flows.done, len(clips))
    return FlowMaps(flows.tensor)


class _Rows:
    """A tensor of N clips that is filled a clip at a time: a list of theirs would be there twice when it is stacked."""

    def __init__(self, n_clips: int) -> None:
        self._n_clips = n_clips
        self.tensor, self.done = torch.empty(0), 0

    def put(self, row: int, one: Tensor) -> None:
        """Copy a clip's tensor; all have the shape of the first."""
        if not self.done:
            self.tensor = torch.empty(self._n_clips, *one.shape, dtype=one.dtype)
        self.tensor[row] = one
        self.done += 1

    def put_kept(self, paths: Sequence[Path], read: Callable[[Path], Tensor | None]) -> list[int]:
        """Copy what ``read`` finds at each clip's path; the rows of the clips for which it finds nothing."""
        missing = []
        for row, path in enumerate(paths):
            kept = read(path)
            if kept is None:
                missing.append(row)
            else:
                self.put(row, kept)
        return missing


def _flow_path(store: Store, key_frames: Path, settings: Mapping[str, Any]) -> Path:
    """Beside its key frames: a clip's flow depends on no other clip."""
    state = {"version": FLOW_VERSION, "clip": key_frames.relative_to(store.root).as_posix(), "settings": settings}
    return key_frames.with_name(f"flow-{fingerprint(state)}{key_frames.suffix}")


def _kept_flow(store: Store, path: Path, size: int | None) -> Tensor | None:
    kept = store.read(path, FLOW)
    return None if kept is None else _sized(kept["flow"], size)


def _sized(flow_px: Tensor, size: int | None) -> Tensor:
    return flow_px if size is None else resize_flow(flow_px[None], size)[0]


@torch.no_grad()
def dataset_apex(
    clips: pd.DataFrame,
    paths: Sequence[Path],
    preparation: Preparation,
    magnifier: Magnifier,
    size_px: int,
    settings: Mapping[str, Any],
    device: torch.device,
    on_clip: OnClip,
) -> Tensor:
    """The magnified apex frame of every clip, RGB in [0, 1] in steps of 1/255, ``(N, 3, size, size)``.

    Kept in the store as bytes at this size: magnified anew it would differ in the last bit from machine to machine, and
    a run could not go on elsewhere. Only one batch is ever held at the crop's size. Arguments are those of
    :func:`dataset_flow`, ``settings`` those of the magnifier alone.
    """
    store, magnifier = preparation.store, magnifier.to(device)
    kept_at = [_apex_path(store, path, settings, size_px) for path in paths]
    frames = _Rows(len(clips))
    missing = frames.put_kept(kept_at, lambda path: _kept_apex(store, path, size_px))
    todo = iter(missing)
    for _, magnified in _pairs(clips.iloc[missing], [paths[row] for row in missing], preparation, magnifier, device):
        made = resize_map(magnified.clamp(0, 1), size_px).mul(255).round().to(torch.uint8).cpu()
        for frame, row in zip(made, todo, strict=False):
            store.write(kept_at[row], {"apex": frame})
            frames.put(row, frame)
        on_clip(frames.done, len(clips))
    return frames.tensor / 255


def _kept_apex(store: Store, path: Path, size_px: int) -> Tensor | None:
    kept = store.read(path, {"apex": ("U8", (3, size_px, size_px))})
    return None if kept is None else kept["apex"]


def _apex_path(store: Store, key_frames: Path, settings: Mapping[str, Any], size_px: int) -> Path:
    clip = key_frames.relative_to(store.root).as_posix()
    state = {"version": APEX_FRAMES_VERSION, "clip": clip, "settings": settings, "size": size_px}
    return key_frames.with_name(f"apex_frame-{fingerprint(state)}{key_frames.suffix}")


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
    batch = clips_at_once(device)
    for start in range(0, len(clips), batch):
        rows = clips.iloc[start : start + batch].iterrows()
        read = [
            preparation.key_frames(clip, at) for (_, clip), at in zip(rows, paths[start : start + batch], strict=True)
        ]
        _require_one_size(read)
        names = ("onset", "apex", "band")
        yield {name: torch.stack([getattr(one, name) for one in read]).to(device).float() for name in names}


def _require_one_size(read: Sequence[KeyFrames]) -> None:
    shapes = sorted({tuple(one.onset.shape[1:]) for one in read})
    if len(shapes) > 1:
        remedy = "remove the store's folder of this dataset, which mer did not write, and prepare it again"
        raise MerError("key frames of one size", f"{shapes[0]} and {shapes[1]} (height, width)", remedy)


def clips_at_once(device: torch.device) -> int:
    """Clips of a batch: on a GPU as many as its free memory takes, within bounds."""
    if device.type != "cuda":
        return _BATCH
    free_bytes, _ = torch.cuda.mem_get_info(device)
    return max(1, min(_LARGEST_BATCH, free_bytes // _BYTES_A_CLIP))


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
