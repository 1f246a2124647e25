"""What all label schemes share: the clips that got a class are kept, and something must be left to tell apart."""

from collections import Counter
from collections.abc import Iterable, Sequence

from mer.clip import ClipIndex, Note
from mer.errors import MerError

_SHOWN = 5


def require_clips(index: ClipIndex) -> None:
    """Raise where the dataset has no clip to label.

    Raises:
        MerError: the index is empty; the message holds the first refusal.
    """
    if index.clips.empty:
        raise MerError("one usable clip or more", f"none, {refusals(index.notes)}", "check the dataset's folder")


def labelled(
    index: ClipIndex, labels: Sequence[str | None], classes: Iterable[str], notes: Iterable[Note]
) -> ClipIndex:
    """The clips that have a label, under that label.

    Args:
        index: the clips before the scheme.
        labels: one a clip; None leaves the clip out.
        classes: the classes in the order of the logits.
        notes: the scheme's own, set behind those taken before.
    """
    kept = [label for label in labels if label is not None]
    clips = index.clips[[label is not None for label in labels]].reset_index(drop=True)
    return ClipIndex(clips.assign(label=kept), (*index.notes, *notes), tuple(classes))


def frequent(labels: Iterable[str | None], min_clips: int, scheme: str, notes: Sequence[Note]) -> set[str]:
    """The labels that ``min_clips`` clips or more have.

    Raises:
        MerError: fewer than two are left to tell apart.
    """
    counts = Counter(label for label in labels if label is not None)
    classes = {label for label, count in counts.items() if count >= min_clips}
    if len(classes) < 2:
        shown = [f"{label} {count}" for label, count in counts.most_common(_SHOWN)]
        more = [f"{len(counts) - _SHOWN} more"] if len(counts) > _SHOWN else []
        wanted = f"two classes or more of {min_clips} clips or more under labels={scheme}"
        raise MerError(wanted, ", ".join([*(shown or ["none"]), *more, refusals(notes)]), "choose labels=")
    return classes


def refusals(notes: Iterable[Note]) -> str:
    """How many clips were refused, and the first of them."""
    refused = [note for note in notes if note.kind == "refused"]
    return f"{len(refused)} refused" + (f", the first: {refused[0]}" if refused else "")
