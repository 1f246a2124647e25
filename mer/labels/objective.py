"""Label scheme of objective classes: what the face did, not what the person felt."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mer.action_units import objective_class, parse_action_units
from mer.clip import ClipIndex, Note, clip_name
from mer.errors import MerError, require_choice
from mer.labels.apply import labelled, refusals, require_clips
from mer.labels.published import read_published

OBJECTIVE_CLASSES = ("I", "II", "III", "IV", "V", "VI", "VII")
_ROMAN = {str(number): roman for number, roman in enumerate(OBJECTIVE_CLASSES, start=1)}


class ObjectiveClasses:
    """The objective classes of Davison et al. (2018), by default I to V.

    Class VI has next to no clips and VII is what fits nowhere else, so that both are left out unless named.

    Args:
        name: the scheme's name, kept in the run's folder.
        classes: those to keep, ``I`` or ``1`` to ``VII`` or ``7``, in the order of the logits.
        from_action_units: where the dataset gives no objective class, make it from the action units.
        published: dataset -> what is published of its clips, see ``Published``.

    Source: Davison, Merghani, Yap, J. Imaging 4(10), 119, 2018. DOI: 10.3390/jimaging4100119.
    """

    def __init__(
        self,
        name: str = "objective",
        classes: Sequence[str | int] = ("I", "II", "III", "IV", "V"),
        from_action_units: bool = False,
        published: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.name = name
        given = [_ROMAN.get(str(label), str(label)) for label in classes]
        self.classes = [require_choice("labels.classes", label, OBJECTIVE_CLASSES) for label in dict.fromkeys(given)]
        if len(self.classes) < 2:
            raise MerError("two classes or more", f"{len(self.classes)}", f"name them in labels.classes of {name}")
        self._from_action_units = from_action_units
        self.published = read_published(published, name, self.classes)

    def apply(self, index: ClipIndex) -> ClipIndex:
        """Return the clips of the classes kept. A class made from action units is noted as repaired.

        Raises:
            MerError: no clip is left.
        """
        require_clips(index)
        labels: list[str | None] = []
        notes, found = [], set()
        for _, clip in index.clips.iterrows():
            label, note = self._label(clip)
            is_kept = label in self.classes
            found.add(label or "none")
            labels.append(label if is_kept else None)
            if note is not None and (is_kept or note.kind == "refused"):
                notes.append(note)
        if all(label is None for label in labels):
            wanted = f"clips of the objective classes {', '.join(self.classes)}"
            raise MerError(wanted, f"{', '.join(sorted(found))}, {refusals(notes)}", "choose labels=")
        return labelled(index, labels, self.classes, notes)

    def _label(self, clip: pd.Series) -> tuple[str | None, Note | None]:
        given, units = str(clip["objective_class"]).strip().upper(), clip["action_units"]
        if given:
            label = _ROMAN.get(given, given)
            reason = f"objective class {given!r} is none of I to VII"
            return (label, None) if label in OBJECTIVE_CLASSES else (None, Note(clip_name(clip), "refused", reason))
        if not self._from_action_units:
            remedy = "set labels.from_action_units=true to make it from the action units"
            return None, Note(clip_name(clip), "refused", f"no objective class; {remedy}")
        label = objective_class(parse_action_units(units))
        if not label:
            reason = f"no objective class, and action units {units!r} leave it open"
            return None, Note(clip_name(clip), "refused", reason)
        return label, Note(clip_name(clip), "repaired", f"objective class {label} from action units {units!r}")
