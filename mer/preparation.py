"""From the clip index to the flow of every clip, through the store: made once, read ever after."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import torch
from torch import Tensor

from mer.align.crop import Aligner
from mer.apex import ApexChooser
from mer.clip import ClipIndex, Note, clip_name
from mer.errors import MerError
from mer.fingerprint import fingerprint
from mer.flow import Flow, FlowMaps
from mer.keyframes import KeyFrames, extract_key_frames, key_frames_state
from mer.magnify.temporal import TemporalFilter
from mer.store import Store

_BATCH = 32
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


@dataclass(frozen=True)
class Preparation:
    """The steps before the flow, and the store that keeps what they make."""

    store: Store
    aligner: Aligner
    apex: ApexChooser
    temporal: TemporalFilter

    def path(self, clip: pd.Series) -> Path:
        """Where the key frames of ``clip`` are kept under these settings."""
        state = key_frames_state(clip, self.aligner, self.apex, self.temporal)
        return self.store.path(clip["dataset"], "key_frames", fingerprint(state))

    def key_frames(self, clip: pd.Series, path: Path | None = None) -> KeyFrames:
        """Read the key frames of ``clip``, or make and keep them; ``path`` where it is known already."""
        path = path or self.path(clip)
        kept = self.store.read(path)
        if kept is not None:
            return KeyFrames(**kept)
        made = extract_key_frames(clip, self.aligner, self.apex, self.temporal)
        self.store.write(path, vars(made))
        return made

    def run(self, index: ClipIndex, on_clip: OnClip) -> tuple[ClipIndex, list[Path]]:
        """Make what is missing. Returns the clips that have key frames, refused ones noted, and their files.

        Raises:
            MerError: no clip is left.
        """
        paths: list[Path | None] = []
        notes = list(index.notes)
        for number, (_, clip) in enumerate(index.clips.iterrows()):
            try:
                paths.append(self._ensure(clip))
            except MerError as error:
                paths.append(None)
                notes.append(Note(clip_name(clip), "refused", str(error)))
            on_clip(number + 1, len(index))
        kept = index.clips[[path is not None for path in paths]].reset_index(drop=True)
        if kept.empty:
            raise MerError(
                "one usable clip or more", f"{len(index)} refused", f"the first: {notes[-len(index)].reason}"
            )
        return ClipIndex(kept, tuple(notes)), [path for path in paths if path is not None]

    def _ensure(self, clip: pd.Series) -> Path:
        path = self.path(clip)  # looks at every frame's file, so once a clip
        if not path.is_file():
            self.key_frames(clip, path)
        return path


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
    key = fingerprint({"version": FLOW_VERSION, "clips": [path.stem for path in paths], "settings": settings})
    dataset = "+".join(sorted(set(clips["dataset"])))
    path = preparation.store.path(dataset, "flow", key)
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
