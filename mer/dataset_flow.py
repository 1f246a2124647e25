"""From key frames to the flow and the magnified apex frames of every clip, through the store."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from mer.ahead import ahead
from mer.errors import MerError
from mer.fingerprint import fingerprint
from mer.flow import Flow, FlowMaps, resize_flow, resize_map
from mer.keyframes import KeyFrames
from mer.magnify import Bounded, Magnifier
from mer.preparation import OnClip, Preparation
from mer.store import Store
from mer.store_form import Form

_BATCH = 32
_LARGEST_BATCH = 128  # on a GPU
_BYTES_A_CLIP = 2**28  # of a GPU's memory, with room for a flow network's
FLOW_VERSION = 2  # raise it when the flow that comes out for equal settings changes
APEX_FRAMES_VERSION = 1  # raise it when the magnified frames that come out for equal settings change

FLOW: Form = {"flow": ("F32", (2, "h", "w"))}


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
