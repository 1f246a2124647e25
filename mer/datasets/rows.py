"""From annotated rows to the clip index: known corrections, checks against the frames on disk, notes of both."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from openpyxl.cell.cell import ERROR_CODES

from mer.clip import ClipIndex, Note, clip_index
from mer.datasets.sheet import Record, whole_number
from mer.datasets.tree import ClipFrames, DatasetTree, State

_NO_LABEL = ("nan", "<na>", *map(str.lower, ERROR_CODES))  # what programs write where there is nothing

# In place of a frame's number: the first or last one on disk. No cell of a sheet reads like this.
FIRST, LAST = "\0first", "\0last"


@dataclass(frozen=True)
class CodedRow:
    """One clip as a dataset's annotations give it; frame numbers are still the text of their cells.

    Attributes:
        subject: as the index is to spell it.
        clip: name inside the subject.
        label: raw emotion.
        onset: frame number, or ``FIRST``.
        apex: frame number; None where the dataset annotates no apex at all.
        offset: frame number, or ``LAST``.
        folder: of its frames, inside the frames' folder.
        action_units: as the sheet writes them.
        objective_class: ``I`` to ``VII``.
        fps: where it differs from the dataset's.
        dataset: where it differs from the adapter's.
        line: row of the sheet.
        repairs: what was repaired while the row was read.
        refusal: why the row cannot be used.
    """

    subject: str
    clip: str
    label: str
    onset: str
    apex: str | None
    offset: str
    folder: str
    action_units: str = ""
    objective_class: str = ""
    fps: float | None = None
    dataset: str = ""
    line: str = ""
    repairs: tuple[str, ...] = ()
    refusal: str = ""


def coded_row(record: Record, subject: str, **given: Any) -> CodedRow:
    """The row of a record whose columns have the names of ``CodedRow``; ``given`` stands in place of its cells."""
    cells = {name: record[name] for name in ("clip", "onset", "offset", "action_units", "line")}
    derived = {
        "label": record["label"].lower(),
        "apex": record.get("apex"),
        "folder": f"{subject}/{record['clip']}",
    }
    return CodedRow(**({"subject": subject} | cells | derived | given))


@dataclass(frozen=True)
class Correction:
    """What a published source corrects in one row.

    Attributes:
        changes: field of ``CodedRow`` -> right value.
        source: who says so.
    """

    changes: Mapping[str, str]
    source: str


@dataclass(frozen=True)
class Corrections:
    """All known corrections of a dataset.

    Attributes:
        changes: (subject, clip) -> correction.
        additions: rows that the sheet lacks, each with its source; used where their frames are on disk.
    """

    changes: Mapping[tuple[str, str], Correction] = field(default_factory=dict)
    additions: Sequence[tuple[CodedRow, str]] = ()


def build_index(
    dataset: str,
    fps: float,
    rows: Iterable[CodedRow],
    tree: DatasetTree,
    corrections: Corrections | None = None,
    fill_gaps: int = 0,
) -> ClipIndex:
    """Check ``rows`` against the frames in ``tree``. A row with something wrong leaves one note.

    A repaired row is used as the note says; a refused one is left out. An apex that cannot be used is left to the
    apex step. Frames missing after the apex shorten the clip.

    Args:
        dataset: name of rows that have none of their own.
        fps: of rows that have none of their own.
        rows: of the annotations.
        tree: where their frames lie.
        corrections: known ones, to be applied.
        fill_gaps: most frames missing in a row that the frame before them stands in for.
    """
    notes: list[Note] = []
    clips = []
    fitted = [_fit(row, tree, fill_gaps) for row in _each_once(_correct(rows, corrections or Corrections(), tree))]
    for row, clip, problems in _each_apart(dataset, fitted):
        if clip is None:
            notes.append(_note(dataset, row, "refused", problems))
            continue
        if row.repairs or problems:
            notes.append(_note(dataset, row, "repaired", [*row.repairs, *problems]))
        clips.append({"dataset": row.dataset or dataset, "fps": fps if row.fps is None else row.fps} | clip)
    return replace(clip_index(clips, notes), sources=dict(tree.seen))


def fit_to_frames(row: CodedRow, frames: ClipFrames, fill_gaps: int = 0) -> tuple[dict[str, Any] | None, list[str]]:
    """The clip that ``row`` and the frames on disk make, None where they make none, and what was wrong."""
    if frames.lack:
        return None, [frames.lack]
    onset, offset = (_frame_number(cell, frames) for cell in (row.onset, row.offset))
    for name, number, cell in (("onset", onset, row.onset), ("offset", offset, row.offset)):
        if number is None:
            return None, [f"{name} {cell!r} is no frame number"]
    if onset is None or offset is None or onset >= offset:
        return None, [f"onset {onset} is the offset" if onset == offset else f"onset {onset} after offset {offset}"]
    apex, problem = _usable_apex(row.apex, onset, offset)
    problems = [problem] if problem else []
    needed = offset if apex is None else apex
    whole, filled = _filled([number for number in sorted(frames.names) if onset <= number <= offset], onset, fill_gaps)
    last = onset + len(whole) - 1
    if last < needed or (apex is not None and whole[apex - onset] != apex):
        return None, [_missing(frames.names, onset, needed)]
    if filled:
        problems.append(f"gap in the numbering: {filled} frames missing, the ones before stand in for them")
    if last < offset:
        problems.append(f"frames after {last} missing, offset {offset} -> {last}")
    flawed = frames.flaws.keys() & set(whole) if frames.flaws else None
    if flawed:
        return None, [frames.flaws[min(flawed)]]
    fitted = {
        "subject": row.subject,
        "clip": row.clip,
        "label": "" if row.label in _NO_LABEL else row.label,
        "onset": onset,
        "apex": apex,
        "offset": last,
        "action_units": row.action_units,
        "objective_class": row.objective_class,
        "files": tuple(frames.names[number] for number in whole),
    }
    return fitted, problems


@dataclass(frozen=True)
class _Fitted:
    """A row beside the frames on disk; ``home`` and the clip's numbers tell which frames those are."""

    row: CodedRow
    clip: dict[str, Any] | None
    problems: list[str]
    home: State = None

    @property
    def place(self) -> tuple[object, ...] | None:
        """Equal for clips of the same frames."""
        return None if self.clip is None or self.home is None else (self.home, self.clip["onset"], self.clip["offset"])


def _fit(row: CodedRow, tree: DatasetTree, fill_gaps: int) -> _Fitted:
    if row.refusal:
        return _Fitted(row, None, [row.refusal])
    frames = tree.frames(row.folder)
    return _Fitted(row, *fit_to_frames(row, frames, fill_gaps), frames.home)


def _each_apart(dataset: str, found: Sequence[_Fitted]) -> Iterator[tuple[CodedRow, dict[str, Any] | None, list[str]]]:
    """Refuse clips of the very same frames: one of them is wrong, and LOSO may train on what it tests."""
    sharing: dict[object, list[CodedRow]] = {}
    for one in found:
        if one.place is not None:
            sharing.setdefault(one.place, []).append(one.row)
    for one in found:
        others = [row for row in sharing.get(one.place, ()) if row is not one.row]
        if others:
            yield one.row, None, [f"its frames are those of {_name(dataset, others[0])} too"]
        else:
            yield one.row, one.clip, one.problems


def _correct(rows: Iterable[CodedRow], corrections: Corrections, tree: DatasetTree) -> Iterator[CodedRow]:
    found = set()
    for row in rows:
        key = (row.subject, row.clip)
        found.add(key)
        yield _corrected(row, corrections.changes[key]) if key in corrections.changes else row
    for row, source in corrections.additions:
        if (row.subject, row.clip) not in found and tree.frames(row.folder).names:
            yield replace(row, repairs=(f"row missing in the sheet, added ({source})",))


def _corrected(row: CodedRow, correction: Correction) -> CodedRow:
    old = {name: getattr(row, name) for name in correction.changes}
    new = {name: value for name, value in correction.changes.items() if not _same_cell(old[name], value)}
    if not new:
        return row
    told = ", ".join(f"{name} {old[name]} -> {value}" for name, value in new.items())
    return replace(row, **new, repairs=(*row.repairs, f"{told} ({correction.source})"))  # type: ignore[arg-type]


def _same_cell(one: str, other: str) -> bool:
    number = whole_number(one)
    return one == other if number is None else number == whole_number(other)


def _each_once(rows: Iterable[CodedRow]) -> Iterator[CodedRow]:
    groups: dict[tuple[str, str, str], list[CodedRow]] = {}
    for row in rows:
        row = _plainly_named(row)
        # Rows without a name are refused one by one.
        key = (row.dataset, row.subject, row.clip) if row.subject and row.clip else ("", "", f"{len(groups)}")
        groups.setdefault(key, []).append(row)
    for same in groups.values():
        first = same[0]
        if len(same) == 1:
            yield first
            continue
        by_line = len({row.line for row in same}) > 1
        lines = ", ".join(row.line if by_line else row.folder for row in same)
        if all(replace(row, line="", repairs=()) == replace(first, line="", repairs=()) for row in same):
            yield replace(first, repairs=(*first.repairs, f"duplicate clip: equal rows {lines}, one used"))
        else:
            yield replace(first, refusal=f"duplicate clip: {'rows' if by_line else 'folders'} {lines} differ")


def _plainly_named(row: CodedRow) -> CodedRow:
    for what, name in (("subject", row.subject), ("clip", row.clip)):
        if row.refusal:
            break
        if not name:
            row = replace(row, refusal=f"no {what} in row {row.line}")
        elif name in (".", "..") or "/" in name or "\\" in name or not name.isprintable():
            row = replace(row, refusal=f"{what} {name!r} is no plain name")
    return row


def _note(dataset: str, row: CodedRow, kind: str, reasons: Iterable[str]) -> Note:
    """One line that any terminal can show, whatever names lie on the disk."""
    name, reason = (
        " ".join(text.encode(errors="backslashreplace").decode().split())
        for text in (_name(dataset, row), "; ".join(reasons))
    )
    return Note(name, kind, reason)


def _name(dataset: str, row: CodedRow) -> str:
    if row.subject and row.clip:
        return f"{row.dataset or dataset}/{row.subject}/{row.clip}"
    return f"{row.dataset or dataset}/row {row.line}"


def _frame_number(cell: str, frames: ClipFrames) -> int | None:
    if cell == FIRST:
        return min(frames.names)
    if cell == LAST:
        return max(frames.names)
    return whole_number(cell)


def _usable_apex(cell: str | None, onset: int, offset: int) -> tuple[int | None, str]:
    if cell is None:
        return None, ""
    apex = whole_number(cell)
    if apex is None:
        return None, f"missing apex ({cell!r}), left to apex=" if cell else "missing apex, left to apex="
    if onset < apex <= offset:
        return apex, ""
    where = "is the onset" if apex == onset else f"outside onset..offset {onset}..{offset}"
    return None, f"apex {apex} {where}, left to apex="


def _filled(numbers: Sequence[int], start: int, fill_gaps: int) -> tuple[list[int], int]:
    """The frames to use from ``start`` on, up to the first gap that is too long, and how many were filled."""
    if numbers and numbers[0] == start and numbers[-1] - start == len(numbers) - 1:
        return list(numbers), 0
    whole: list[int] = []
    filled = 0
    for number in numbers:
        missing = number - start - len(whole)
        if missing > (fill_gaps if whole else 0):
            break
        whole.extend(whole[-1:] * missing)
        filled += missing
        whole.append(number)
    return whole, filled


def _missing(on_disk: Mapping[int, str], onset: int, needed: int) -> str:
    present = sorted(number for number in on_disk if onset <= number <= needed)
    first = next((number for number, found in enumerate(present, start=onset) if found != number), onset + len(present))
    gap = "gap in the numbering: " if first > onset and present[-1] > first else ""
    return f"{gap}{needed - onset + 1 - len(present)} of the frames {onset}..{needed} missing, the first is {first}"
