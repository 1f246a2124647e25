"""Action units as coders write them, ``(R6 or R12)+L15``, as sets; and the objective class that a set makes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_HIGHEST = 80  # FACS numbers its action units and descriptors up to 80
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {ord("、"): ord(",")}
_NOT_CODED = ("", "nan", "none", "<na>")
_MARK = re.compile(r"\(\s*k\s*\)", re.IGNORECASE)  # 4DME puts (k) behind some units; it is no part of the number
_TOKEN = re.compile(
    r"""(?P<unit>(?:A[UD]\s*)?(?P<side>[LR]?)(?P<place>[TB]?)\s*(?P<number>[0-9]+)(?:\.0+)?
         (?P<intensity>[A-E](?:[/-][A-E])?|\s+[A-E](?=\s*(?:[+,;()]|\Z)))?(?P<doubt>\?)?(?=[\s+,;()]|\Z))
    |(?P<or>or(?=[\s(]|\Z))
    |(?P<unknown>\?(?=[\s+,;()]|\Z))
    |(?P<bracket>[()])
    |(?P<between>[\s+,;]+)
    |(?P<unread>[^\s+,;()]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_OBJECTIVE_CLASSES = {
    "I": "6 12 6+12 6+7+12 7+12",
    "II": "1+2 5 25 1+2+25 25+26 5+24",
    "III": "23 4 4+7 4+5 4+5+7 17+24 4+6+7 4+38",
    "IV": "10 9 4+9 4+40 4+5+40 4+7+9 4+9+17 4+7+10 4+5+7+9 7+10",
    "V": "1 15 1+4 6+15 15+17",
    "VI": "1+2+4 20",
}
_CLASS_OF = {
    frozenset(map(int, units.split("+"))): label for label, sets in _OBJECTIVE_CLASSES.items() for units in sets.split()
}


@dataclass(frozen=True, order=True)
class ActionUnit:
    """One action unit of FACS.

    Attributes:
        number: 1 to 80.
        side: ``L`` or ``R`` of the face; empty for both.
        place: ``T`` or ``B`` for the top or bottom lip alone; empty for both.
        intensity: ``A`` (trace) to ``E``, or a range as the coder left it, ``A/B``; empty where not scored.
    """

    number: int
    side: str = ""
    place: str = ""
    intensity: str = ""

    def __str__(self) -> str:
        return f"{self.side}{self.place}{self.number}{self.intensity}"


@dataclass(frozen=True)
class ActionUnits:
    """What one cell of a coding sheet says.

    Attributes:
        units: units that are there for certain.
        uncertain: units of which the coder left open whether they are there: ``R6`` and ``R12`` of ``(R6 or R12)+15``.
        is_unknown: the coder wrote ``?``: there may be more, and nobody knows what.
        unread: pieces of text that say no action unit.
    """

    units: frozenset[ActionUnit] = frozenset()
    uncertain: frozenset[ActionUnit] = frozenset()
    is_unknown: bool = False
    unread: tuple[str, ...] = ()

    @property
    def is_coded(self) -> bool:
        """Whether the cell says anything at all."""
        return self != ActionUnits()

    @property
    def is_exact(self) -> bool:
        """Whether ``units`` is the whole truth: coded, nothing uncertain, unknown or unread."""
        return bool(self.units) and not (self.uncertain or self.is_unknown or self.unread)

    def __str__(self) -> str:
        pieces = [str(unit) for unit in sorted(self.units)]
        if len(self.uncertain) == 1:
            pieces += [f"{unit}?" for unit in self.uncertain]
        elif self.uncertain:
            pieces.append("({})".format(" or ".join(str(unit) for unit in sorted(self.uncertain))))
        return "+".join([*pieces, *(["?"] if self.is_unknown else []), *self.unread])


def parse_action_units(text: object) -> ActionUnits:
    """Read the action units of one cell: any text, number or empty value.

    Units are parted by ``+``, commas (Chinese ones too), semicolons or blanks. ``or`` parts alternatives: of its
    brackets, or of the whole cell where there are none. A unit in all alternatives is certain, a unit in some is
    uncertain. What cannot be read is kept in ``unread``.
    """
    cell = str(text).translate(_FULL_WIDTH).strip().strip("'\"").strip()
    if cell.lower() in _NOT_CODED:
        return ActionUnits()
    reader = _Reader()
    for token in _TOKEN.finditer(_MARK.sub(" ", cell)):
        reader.take(token)
    found = reader.result()
    return found if found.is_coded else ActionUnits(unread=(cell,))


def numbers(units: Iterable[ActionUnit]) -> frozenset[int]:
    """The units' numbers, whatever their side, place and intensity."""
    return frozenset(unit.number for unit in units)


def objective_class(action_units: ActionUnits) -> str:
    """The objective class, ``I`` to ``VII``, that the numbers of the units make; empty where they leave it open.

    A set is looked up as it stands; sets that the table does not list, and ``?``, are class VII. The table reproduces
    687 of the 687 classes in the sheet of CAS(ME)^3 part A and 241 of the 255 in the authors' own sheet of CASME II.
    That one has eleven clips of 4+10, 4+5+10 and 4+9+10 in class IV and one of 4+10 in III, where the table says VII;
    one of 6+12+17 in I and one of 15 in IV. They are not added here: CAS(ME)^3 has 4+10 and 4+5+10 in VII.

    Source: Davison, Merghani, Yap, "Objective Classes for Micro-Facial Expression Recognition", J. Imaging 4(10), 119,
    2018, table of the classes. DOI: 10.3390/jimaging4100119.
    """
    if not action_units.is_coded or action_units.uncertain or action_units.unread:
        return ""
    return "VII" if action_units.is_unknown else _CLASS_OF.get(numbers(action_units.units), "VII")


def _action_unit(token: re.Match[str]) -> ActionUnit | None:
    digits = token["number"].lstrip("0")
    if not 1 <= len(digits) <= 2 or int(digits) > _HIGHEST:
        return None
    intensity = (token["intensity"] or "").strip().upper().replace("-", "/")
    return ActionUnit(int(digits), token["side"].upper(), token["place"].upper(), intensity)


@dataclass
class _Group:
    """What stands between two brackets: alternatives, each with its certain units, and all uncertain ones."""

    certain: list[set[ActionUnit]] = field(default_factory=lambda: [set()])
    uncertain: set[ActionUnit] = field(default_factory=set)

    def result(self) -> tuple[frozenset[ActionUnit], frozenset[ActionUnit]]:
        """Units in every alternative, and the other ones."""
        certain = frozenset(set.intersection(*self.certain))
        return certain, frozenset(self.uncertain.union(*self.certain)) - certain


class _Reader:
    """Takes a cell's tokens one by one; brackets lie on a stack, so that no text is too deep."""

    def __init__(self) -> None:
        self._stack = [_Group()]
        self._is_unknown = False
        self._unread: list[str] = []

    def take(self, token: re.Match[str]) -> None:
        kind, said, group = token.lastgroup, token.group(), self._stack[-1]
        unit = _action_unit(token) if kind == "unit" else None
        if unit is not None:
            (group.uncertain if token["doubt"] else group.certain[-1]).add(unit)
        elif kind == "or":
            group.certain.append(set())
        elif kind == "unknown":
            self._is_unknown = True
        elif said == "(":
            self._stack.append(_Group())
        elif said == ")" and len(self._stack) > 1:
            self._close()
        elif kind != "between":
            self._unread.append(said)

    def result(self) -> ActionUnits:
        while len(self._stack) > 1:  # how far an open bracket reaches nobody knows, so all in it is uncertain
            self._unread.append("(")
            self._stack[-1].certain.append(set())
            self._close()
        units, uncertain = self._stack[0].result()
        return ActionUnits(units, uncertain, self._is_unknown, tuple(self._unread))

    def _close(self) -> None:
        certain, uncertain = self._stack.pop().result()
        self._stack[-1].certain[-1] |= certain
        self._stack[-1].uncertain |= uncertain
