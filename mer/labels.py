"""Label schemes: which raw emotions make which class, and which clips a protocol leaves out."""

from collections.abc import Mapping, Sequence

from mer.clip import ClipIndex, Note, clip_name
from mer.errors import MerError


class LabelScheme:
    """Maps the sheet's raw emotions to classes.

    Args:
        name: the scheme's name, kept in the run's folder.
        classes: class -> raw emotions in it; the order of the classes is that of the logits.
        drop: raw emotions that the scheme has no class for.
        drop_in: dataset -> further raw emotions that are left out in that dataset alone.
        leave_out: single clips (``dataset/subject/clip``) that the published list does not hold.
    """

    def __init__(
        self,
        name: str,
        classes: Mapping[str, Sequence[str]],
        drop: Sequence[str] = (),
        drop_in: Mapping[str, Sequence[str]] | None = None,
        leave_out: Sequence[str] = (),
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

    def apply(self, index: ClipIndex) -> ClipIndex:
        """Return the clips that the scheme keeps, their ``label`` turned into the class.

        Raises:
            MerError: no clip is left.
        """
        if index.clips.empty:
            refused = [note for note in index.notes if note.kind == "refused"]
            got = f"none, {len(refused)} refused" + (f", the first: {refused[0]}" if refused else "")
            raise MerError("one usable clip or more", got, "check the dataset's folder")
        keep, notes = [], list(index.notes)
        for _, clip in index.clips.iterrows():
            raw = clip["label"]
            wanted = not (
                raw in self._drop | self._drop_in.get(clip["dataset"], set()) or clip_name(clip) in self._leave_out
            )
            if wanted and raw not in self._class_of:
                notes.append(Note(clip_name(clip), "refused", f"unknown label {raw!r} for labels={self.name}"))
            keep.append(wanted and raw in self._class_of)
        clips = index.clips[keep].reset_index(drop=True)
        if clips.empty:
            found = ", ".join(sorted({str(raw) for raw in index.clips["label"]}))
            raise MerError(f"labels known to labels={self.name} ({', '.join(self._class_of)})", found, "choose labels=")
        clips["label"] = clips["label"].map(self._class_of)
        return ClipIndex(clips, tuple(notes))
