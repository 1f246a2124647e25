"""The clip index: one row a clip, read once from a dataset's annotations and handed down the path."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from mer.errors import MerError

COLUMNS: Mapping[str, str] = {
    "dataset": "dataset's short name, `casme2`",
    "subject": "subject as the dataset's folders spell it, `sub01`",
    "clip": "clip's name inside the subject, `EP02_01f`",
    "label": "raw emotion of the sheet, or class once a label scheme is applied",
    "fps": "frames a second; NaN where a clip enters after the flow step",
    "onset": "onset frame's number in the dataset's own numbering",
    "apex": "apex frame's number; <NA> where the dataset gives none that can be used",
    "offset": "offset frame's number",
    "action_units": "action units as the sheet writes them",
    "objective_class": "objective class of the sheet, `I` to `VII`; empty where the dataset gives none",
    "files": "one frame's name (mer/frames.py) a frame of [onset, offset] in order; or the one flow image",
}
_TEXTS_THAT_MAY_LACK = ("action_units", "objective_class")
_NUMBERS = ("onset", "apex", "offset")


@dataclass(frozen=True)
class Note:
    """One row that was repaired or refused, and why."""

    clip: str
    kind: str
    reason: str

    def __str__(self) -> str:
        return f"{self.kind} {self.clip}: {self.reason}"


@dataclass(frozen=True)
class ClipIndex:
    """The clips of one or more datasets (columns as in ``COLUMNS``) and the notes taken while reading them.

    Attributes:
        clips: one row a clip.
        notes: rows that were repaired or refused.
        classes: the classes in the order of the logits, once a label scheme is applied.
        sources: each file and folder that was read and its state then, while no label scheme is applied.
    """

    clips: pd.DataFrame
    notes: tuple[Note, ...] = field(default=())
    classes: tuple[str, ...] = field(default=())
    sources: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.clips)


def clip_index(rows: Iterable[Mapping[str, Any]], notes: Iterable[Note] = ()) -> ClipIndex:
    """Build an index from rows that hold the keys of ``COLUMNS``.

    Raises:
        MerError: two rows name the same (dataset, subject, clip).
    """
    clips = pd.DataFrame(list(rows), columns=list(COLUMNS))
    for name in _NUMBERS:
        clips[name] = clips[name].astype("Int64")
    for name in _TEXTS_THAT_MAY_LACK:
        clips[name] = [text if isinstance(text, str) else "" for text in clips[name]]
    clips["fps"] = clips["fps"].astype("float64")
    twice = clips[clips.duplicated(["dataset", "subject", "clip"])]
    if len(twice):
        raise MerError("each clip once", f"{clip_name(twice.iloc[0])} twice", "remove the row or the root given twice")
    return ClipIndex(clips, tuple(notes))


def clip_name(clip: Mapping[str, Any] | pd.Series) -> str:
    """``dataset/subject/clip``, the name used in messages and files."""
    return f"{clip['dataset']}/{clip['subject']}/{clip['clip']}"


def subject_keys(clips: pd.DataFrame) -> pd.Series:
    """One key a clip, ``dataset-subject``: equal subject names of two datasets stay two subjects. Shape ``(N,)``."""
    return clips["dataset"].astype(str) + "-" + clips["subject"].astype(str)
