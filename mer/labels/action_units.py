"""Label schemes made of the action units that the coders saw."""

from collections.abc import Mapping, Sequence
from typing import Any

from mer.action_units import ActionUnits, numbers, parse_action_units
from mer.clip import ClipIndex, Note, clip_name
from mer.errors import require_integer
from mer.labels.apply import frequent, labelled, require_clips
from mer.labels.published import read_published

_SetKey = tuple[tuple[int, str], ...]


class ActionUnitSets:
    """One class for each set of action units, ``4+7``; the units of a set by number.

    Args:
        name: the scheme's name, kept in the run's folder.
        min_clips: sets of fewer clips are left out.
        sides: tell ``L12`` and ``R12`` from ``12``.
        published: dataset -> what is published of its clips, see ``Published``.
    """

    def __init__(
        self,
        name: str = "action_units",
        min_clips: int = 5,
        sides: bool = False,
        published: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.name = name
        self._min_clips = require_integer("labels.min_clips", min_clips, 1, 1_000_000)
        self._sides = sides
        self.published = read_published(published, name)

    def apply(self, index: ClipIndex) -> ClipIndex:
        """Return the clips of the sets that are frequent enough; clips whose units are not exact are refused.

        Raises:
            MerError: fewer than two sets are left.
        """
        require_clips(index)
        cells = [parse_action_units(cell) for cell in index.clips["action_units"]]
        keys = [self._key(cell) if cell.is_exact else None for cell in cells]
        named = {_set_name(key): key for key in keys if key is not None}
        names = [None if key is None else _set_name(key) for key in keys]
        notes = _refusals(index, [cell.is_exact for cell in cells], self.name)
        classes = frequent(names, self._min_clips, self.name, notes)
        labels = [name if name in classes else None for name in names]
        return labelled(index, labels, sorted(classes, key=named.__getitem__), notes)

    def _key(self, cell: ActionUnits) -> _SetKey:
        return tuple(sorted({(unit.number, unit.side if self._sides else "") for unit in cell.units}))


class OneActionUnit:
    """Two classes: clips with one action unit, ``au12``, and clips without it, ``no_au12``.

    Args:
        unit: the action unit's number.
        name: the scheme's name, kept in the run's folder; default: ``au<unit>``.
        published: dataset -> what is published of its clips, see ``Published``.
    """

    def __init__(
        self, unit: int, name: str | None = None, published: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        self._unit = require_integer("labels.unit", unit, 1, 80)
        self.name = name or f"au{self._unit}"
        self.classes = [f"au{self._unit}", f"no_au{self._unit}"]
        self.published = read_published(published, self.name, self.classes)

    def apply(self, index: ClipIndex) -> ClipIndex:
        """Return the clips that have the unit, or have it not, for certain; the others are refused.

        Raises:
            MerError: the clips left are all of one class, or none is left.
        """
        require_clips(index)
        labels = [self._label(parse_action_units(cell)) for cell in index.clips["action_units"]]
        notes = _refusals(index, [label is not None for label in labels], self.name)
        frequent(labels, 1, self.name, notes)
        return labelled(index, labels, self.classes, notes)

    def _label(self, cell: ActionUnits) -> str | None:
        if self._unit in numbers(cell.units):
            return self.classes[0]
        is_open = not cell.is_coded or cell.is_unknown or cell.unread or self._unit in numbers(cell.uncertain)
        return None if is_open else self.classes[1]


def _set_name(key: _SetKey) -> str:
    return "+".join(f"{side}{number}" for number, side in key)


def _refusals(index: ClipIndex, is_read: Sequence[bool], scheme: str) -> list[Note]:
    return [
        Note(clip_name(clip), "refused", _reason(clip["action_units"], scheme))
        for (_, clip), is_fine in zip(index.clips.iterrows(), is_read, strict=True)
        if not is_fine
    ]


def _reason(cell: str, scheme: str) -> str:
    return f"action units {cell!r} leave labels={scheme} open" if cell.strip() else "no action units"
