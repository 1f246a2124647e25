"""Label schemes made of the sheet's raw emotions."""

from collections.abc import Mapping, Sequence
from typing import Any

from mer.clip import ClipIndex, Note, clip_name
from mer.errors import MerError, require_integer
from mer.labels.apply import frequent, labelled, require_clips
from mer.labels.published import read_published


class LabelScheme:
    """Maps the sheet's raw emotions to classes.

    Args:
        name: the scheme's name, kept in the run's folder.
        classes: class -> raw emotions in it; the order of the classes is that of the logits.
        drop: raw emotions that the scheme has no class for.
        drop_in: dataset -> further raw emotions that are left out in that dataset alone.
        leave_out: single clips (``dataset/subject/clip``) that the published list does not hold.
        published: dataset -> what the scheme's paper says of its clips, see ``Published``.
    """

    def __init__(
        self,
        name: str,
        classes: Mapping[str, Sequence[str]],
        drop: Sequence[str] = (),
        drop_in: Mapping[str, Sequence[str]] | None = None,
        leave_out: Sequence[str] = (),
        published: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.name = name
        self.classes = list(classes)
        self._class_of = {raw: label for label, raws in classes.items() for raw in raws}
        self._drop = set(drop)
        self._drop_in = {dataset: set(raws) for dataset, raws in (drop_in or {}).items()}
        self._leave_out = set(leave_out)
        twice = [raw for raw in self._class_of if sum(raw in raws for raws in classes.values()) > 1]
        if twice:
            raise MerError(f"each emotion in one class of labels={name}", f"{twice[0]} in two", "remove it from one")
        if len(self.classes) < 2:
            raise MerError("two classes or more", f"{len(self.classes)}", f"name them in labels.classes of {name}")
        self.published = read_published(published, name, self.classes)

    def apply(self, index: ClipIndex) -> ClipIndex:
        """Return the clips that the scheme keeps, their ``label`` turned into the class.

        Raises:
            MerError: no clip is left.
        """
        require_clips(index)
        labels, notes = [], []
        for _, clip in index.clips.iterrows():
            raw = clip["label"]
            wanted = not (
                raw in self._drop | self._drop_in.get(clip["dataset"], set()) or clip_name(clip) in self._leave_out
            )
            if wanted and raw not in self._class_of:
                notes.append(Note(clip_name(clip), "refused", f"unknown label {raw!r} for labels={self.name}"))
            labels.append(self._class_of.get(raw) if wanted else None)
        if all(label is None for label in labels):
            found = ", ".join(sorted({str(raw) for raw in index.clips["label"]}))
            raise MerError(f"labels known to labels={self.name} ({', '.join(self._class_of)})", found, "choose labels=")
        return labelled(index, labels, self.classes, notes)


class RawEmotions:
    """The sheet's own emotions; those that occur are the classes, sorted.

    Args:
        name: the scheme's name, kept in the run's folder.
        drop: raw emotions to leave out.
        min_clips: emotions of fewer clips are left out.
        published: dataset -> what is published of its clips, see ``Published``.
    """

    def __init__(
        self,
        name: str = "raw",
        drop: Sequence[str] = (),
        min_clips: int = 1,
        published: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.name = name
        self._drop = set(drop)
        self._min_clips = require_integer("labels.min_clips", min_clips, 1, 1_000_000)
        self.published = read_published(published, name)

    def apply(self, index: ClipIndex) -> ClipIndex:
        """Return the clips whose emotion is kept.

        Raises:
            MerError: fewer than two emotions are left.
        """
        require_clips(index)
        raws = [None if raw in self._drop or not raw else str(raw) for raw in index.clips["label"]]
        notes = [
            Note(clip_name(clip), "refused", f"no emotion for labels={self.name}")
            for _, clip in index.clips.iterrows()
            if not clip["label"]
        ]
        classes = frequent(raws, self._min_clips, self.name, notes)
        labels = [raw if raw in classes else None for raw in raws]
        return labelled(index, labels, sorted(classes), notes)
