"""Clips to label: ``clips_of(action_units=["12", "4"])``."""

from collections.abc import Sequence

from mer.clip import ClipIndex, clip_index


def clips_of(**columns: Sequence[str]) -> ClipIndex:
    """Clips ``casme2/sub01/<number>`` with these values in these columns."""
    same = {"dataset": "casme2", "subject": "sub01", "label": "others", "fps": 200, "onset": 1, "apex": 2, "offset": 2}
    return clip_index(
        same | {"clip": str(number), "files": ("a", "b")} | dict(zip(columns, values, strict=True))
        for number, values in enumerate(zip(*columns.values(), strict=True))
    )


def said(index: ClipIndex) -> list[str]:
    """The notes as a user reads them."""
    return [str(note) for note in index.notes]
