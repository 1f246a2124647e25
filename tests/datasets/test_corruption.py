"""Whatever happens to sheets and folders: one line of error, or an index in which every clip is what the disk says.

Each example spoils a small dataset in a few ways at random. What it must then be read as is worked out here from the
cells and the files alone, without mer's code.
"""

import csv
import datetime
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from mer.align import NoCrop
from mer.apex import AnnotatedApex, MiddleApex
from mer.clip import ClipIndex
from mer.datasets import Casme2, Folder, Samm, Smic
from mer.datasets.coded import CodedDataset
from mer.errors import MerError
from mer.keyframes import extract_key_frames
from mer.magnify import IIR
from tests.runner import run_mer

Draw = Callable[..., Any]
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
ON_DISK = range(3, 10)
ONSET, APEX, OFFSET = 4, 6, 8


def _jpeg(seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)
    return bytes(cv2.imencode(".jpg", noise)[1])


WHOLE = tuple(_jpeg(seed) for seed in range(7))


@dataclass(frozen=True, repr=False)
class Kind:
    """How one dataset is laid out: its adapter, sheet and names. ``columns`` are those that the adapter reads."""

    dataset: str
    adapter: Callable[..., CodedDataset]
    sheet: str
    worksheet: str
    header: tuple[str, ...]
    columns: Mapping[str, int]
    clips: tuple[tuple[object, str], ...]
    key: Callable[[str, str], tuple[str, str]]
    folder: Callable[[str, str], str]
    frame: str

    @property
    def adapter_name(self) -> str:
        """The dataset's name where the sheet gives none."""
        return "folder" if self.dataset == "lab" else self.dataset

    def row(self, place: int) -> list[object]:
        """The row of the clip at ``place``, nothing to repair."""
        subject, clip = self.clips[place]
        values = {"subject": subject, "clip": clip, "onset": ONSET, "apex": APEX, "offset": OFFSET, "units": "4+7"}
        values |= {"label": "Happiness", "path": self.folder(*self.key(str(subject), clip)), "fps": 30}
        values["dataset"] = self.dataset
        cells: list[object] = [None] * len(self.header)
        for name, column in self.columns.items():
            cells[column] = values[name]
        return cells


def _numbered(form: str, subject: str, clip: str) -> tuple[str, str]:
    number = frame_number(subject)
    return (subject if number is None else form.format(number)), clip


def _smic_key(subject: str, clip: str) -> tuple[str, str]:
    match = re.fullmatch(r"s0*([0-9]+)(_\w+)", clip, re.IGNORECASE)
    return _numbered("s{:02d}", subject, f"s{int(match[1]):02d}{match[2]}" if match else clip)


def _places(*names: str) -> dict[str, int]:
    return {name: place for place, name in enumerate(names) if name}


def _smic_folder(subject: str, clip: str) -> str:
    return f"HS_long/SMIC_HS_E/{subject.replace('s0', 's')}/{clip.replace('s0', 's')}"


CASME2 = Kind(
    "casme2",
    Casme2,
    "CASME2-coding-20140508.xlsx",
    "Sheet1",
    ("Subject", "Filename", "", "OnsetFrame", "ApexFrame", "OffsetFrame", "", "Action Units", "Estimated Emotion"),
    _places("subject", "clip", "", "onset", "apex", "offset", "", "units", "label"),
    (("01", "EP01_01f"), ("01", "EP02_01f"), ("02", "EP01_01f"), ("02", "EP03_02")),
    partial(_numbered, "sub{:02d}"),
    lambda subject, clip: f"CASME2-RAW/{subject}/{clip}",
    "img{}.jpg",
)
SAMM = Kind(
    "samm",
    Samm,
    "SAMM_Micro_FACS_Codes_v2.xlsx",
    "MICRO_ONLY",
    ("Subject", "Filename", "Onset Frame", "Apex Frame", "Offset Frame", "Action Units", "Estimated Emotion"),
    _places("subject", "clip", "onset", "apex", "offset", "units", "label"),
    (("006", "006_1_2"), ("006", "006_1_3"), ("011", "011_1_2"), ("011", "011_5_1")),
    partial(_numbered, "{:03d}"),
    lambda subject, clip: f"{subject}/{clip}",
    "006_{:05d}.jpg",
)
SMIC = Kind(
    "smic",
    partial(Smic, frames="HS_long/SMIC_HS_E"),
    "SMIC-HS-E_annotation.xlsx",
    "HS",
    ("Subject", "Filename", "", "OnsetF", "OffsetF", "Emotion"),
    _places("subject", "clip", "", "onset", "offset", "label"),
    ((1, "s1_ne_01"), (1, "s1_po_02"), (2, "s2_ne_01"), (2, "s2_sur_03")),
    _smic_key,
    _smic_folder,
    "image{:06d}.jpg",
)
FOLDER = Kind(
    "lab",
    partial(Folder, follow_links=False),
    "clips.csv",
    "",
    ("dataset", "subject", "clip", "path", "fps", "onset", "apex", "offset", "label", "action_units"),
    _places("dataset", "subject", "clip", "path", "fps", "onset", "apex", "offset", "label", "units"),
    (("anna", "smile"), ("anna", "frown"), ("ben", "smile"), ("ben", "jump")),
    lambda subject, clip: (subject, clip),
    lambda subject, clip: f"frames/{subject}/{clip}",
    "{}.jpg",
)
KINDS = (CASME2, SAMM, SMIC, FOLDER)


@dataclass
class Sample:
    """A dataset to spoil: the sheet's cells in memory, the frames on the disk already."""

    kind: Kind
    root: Path
    header: list[object] = field(init=False)
    rows: list[list[object]] = field(init=False)
    spoil_sheet: Callable[[bytes], bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.header = list(self.kind.header)
        self.rows = [self.kind.row(place) for place in range(len(self.kind.clips))]
        self.spoil_sheet = bytes
        for place in range(len(self.rows)):
            self.folder(place).mkdir(parents=True)
            for number, content in zip(ON_DISK, WHOLE, strict=True):
                self.frame(place, number).write_bytes(content)

    def folder(self, place: int) -> Path:
        subject, clip = self.kind.clips[place]
        return self.root / self.kind.folder(*self.kind.key(str(subject), clip))

    def frame(self, place: int, number: int) -> Path:
        return self.folder(place) / self.kind.frame.format(number)

    def write_sheet(self) -> None:
        path = self.root / self.kind.sheet
        if path.suffix == ".csv":
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([self.header, *self.rows])
        else:
            book = Workbook()
            book.worksheets[0].title = self.kind.worksheet
            for row in [self.header, *self.rows]:
                book.worksheets[0].append(row)
            book.save(path)
        path.write_bytes(self.spoil_sheet(path.read_bytes()))


NUMBERS = st.one_of(st.integers(-3, 12), st.sampled_from([10**9, 10**14, 10**17, 2**63, 10**30]))
ODD_CELLS = st.sampled_from(
    [
        *(None, "", " ", "/", "?", "abc", "nan", "NaN", "None", "#N/A", "=1+2", True, False),
        *(5.0, 5.5, "5", "5.0", " 5\xa0", "005", "5.5", "5E0", "+5", "5,0", "5 6", "\uff15", "\u0665", "\u200b5"),
        *("9" * 400, "1.0", 1.0, 1, 2, datetime.datetime(1900, 1, 5), "5\n", "first", "last"),
    ]
)
ODD_NAMES = st.sampled_from(
    [
        *(
            "",
            None,
            ".",
            "..",
            "/",
            "../..",
            "../sub02/EP01_01f",
            "/etc",
            "a/../b",
            "a\\b",
            "x" * 300,
            "x" * 300 + ".avi",
        ),
        *("a\nb", " ", "nan", True, 1, "1.0", 2.0, "01 ", "\xa001", "EP01_01F", "ep01_01f", "\u202e", "é", "表情"),
    ]
)


def odd_cell(sample: Sample, draw: Draw) -> None:
    column = draw(st.sampled_from(sorted(sample.kind.columns.values())))
    draw(st.sampled_from(sample.rows))[column] = draw(ODD_CELLS)


def other_number(sample: Sample, draw: Draw) -> None:
    columns = [sample.kind.columns[name] for name in ("onset", "apex", "offset") if name in sample.kind.columns]
    number = draw(NUMBERS)
    cell = draw(st.sampled_from([number, str(number), f"{number}.0"]))
    draw(st.sampled_from(sample.rows))[draw(st.sampled_from(columns))] = cell


def swapped_cells(sample: Sample, draw: Draw) -> None:
    row, columns = draw(st.sampled_from(sample.rows)), sorted(sample.kind.columns.values())
    one, other = draw(st.sampled_from(columns)), draw(st.sampled_from(columns))
    row[one], row[other] = row[other], row[one]


def odd_name(sample: Sample, draw: Draw) -> None:
    names = [name for name in ("subject", "clip", "path") if name in sample.kind.columns]
    draw(st.sampled_from(sample.rows))[sample.kind.columns[draw(st.sampled_from(names))]] = draw(ODD_NAMES)


def another_ones_cell(sample: Sample, draw: Draw) -> None:
    column = draw(st.sampled_from(sorted(sample.kind.columns.values())))
    draw(st.sampled_from(sample.rows))[column] = draw(st.sampled_from(sample.rows))[column]


def repeated_row(sample: Sample, draw: Draw) -> None:
    sample.rows.insert(draw(st.integers(0, len(sample.rows))), list(draw(st.sampled_from(sample.rows))))


def blank_row(sample: Sample, draw: Draw) -> None:
    sample.rows.insert(draw(st.integers(0, len(sample.rows))), [None] * len(sample.header))


def header_again(sample: Sample, draw: Draw) -> None:
    sample.rows.insert(draw(st.integers(0, len(sample.rows))), list(sample.header))


def deleted_row(sample: Sample, draw: Draw) -> None:
    if len(sample.rows) > 1:
        sample.rows.remove(draw(st.sampled_from(sample.rows)))


def lost_header(sample: Sample, draw: Draw) -> None:
    sample.header[draw(st.integers(0, len(sample.header) - 1))] = draw(st.sampled_from(["", "Frames", None]))


def column_twice(sample: Sample, draw: Draw) -> None:
    column = draw(st.integers(0, len(sample.kind.header) - 1))
    for row in [sample.header, *sample.rows]:
        row.append(row[column])
    if draw(st.booleans()):
        draw(st.sampled_from(sample.rows))[-1] = draw(ODD_CELLS)


def sheet_of_other_bytes(sample: Sample, draw: Draw) -> None:
    content = draw(st.sampled_from([b"", b"<html>log in</html>", b"PK\x03\x04", b"\xff\xfeS\0u\0", bytes(999)]))
    sample.spoil_sheet = lambda _: content


def sheet_cut_off(sample: Sample, draw: Draw) -> None:
    if sample.kind is not FOLDER:  # a list of lines that lacks some is whole in all that it says
        part = draw(st.floats(0, 0.99))
        sample.spoil_sheet = lambda data: data[: int(part * len(data))]


def sheet_of_flipped_bits(sample: Sample, draw: Draw) -> None:
    if sample.kind is not FOLDER:  # text has no checksum
        places = draw(st.lists(st.floats(0, 0.9999), min_size=1, max_size=3))

        def flip(data: bytes) -> bytes:
            flipped = bytearray(data)
            for place in places:
                flipped[int(place * len(data))] ^= 1 << int(place * 1e6) % 8
            return bytes(flipped)

        sample.spoil_sheet = flip


def _a_frame(sample: Sample, draw: Draw) -> Path | None:
    place, number = draw(st.integers(0, len(sample.kind.clips) - 1)), draw(st.sampled_from(ON_DISK))
    path = sample.frame(place, number)
    return path if path.is_file() and not path.is_symlink() else None


def missing_frame(sample: Sample, draw: Draw) -> None:
    if path := _a_frame(sample, draw):
        path.unlink()


def renamed_frame(sample: Sample, draw: Draw) -> None:
    if path := _a_frame(sample, draw):
        names = [f"img{number}.jpg" for number in (1, 2, 5, 11, 10**9)]
        names += [
            f"{'7' * 200}.jpg",
            "img.jpg",
            "img5 (1).jpg",
            "._img5.jpg",
            "img\uff15.jpg",
            "img1\uff15.jpg",
            "img\u06615.jpg",
        ]
        names += [f"{path.stem}.JPG", f"{path.stem}.jpg\n", f"0{path.name}", "5.jpg.txt"]
        path.rename(path.with_name(draw(st.sampled_from(names))))


def swapped_frames(sample: Sample, draw: Draw) -> None:
    one, other = _a_frame(sample, draw), _a_frame(sample, draw)
    if one and other and one != other:
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)


def doubled_number(sample: Sample, draw: Draw) -> None:
    if path := _a_frame(sample, draw):
        digits = re.findall("[0-9]+", path.stem)[-1]
        path.with_name(draw(st.sampled_from([f"x0{digits}.jpg", f"x{digits}.png"]))).write_bytes(WHOLE[0])


def spoilt_frame(sample: Sample, draw: Draw) -> None:
    if path := _a_frame(sample, draw):
        whole = path.read_bytes()
        cut = whole[: draw(st.integers(0, max(0, len(whole) - 1)))]
        path.write_bytes(draw(st.sampled_from([cut, cut.ljust(len(whole), b"\0"), b"", b"no picture"])))


def frame_of_another_kind(sample: Sample, draw: Draw) -> None:
    if path := _a_frame(sample, draw):
        path.unlink()
        what = draw(st.sampled_from(["folder", "out", "dangling", "loop", "parent", "inside"]))
        if what == "folder":
            path.mkdir()
            return
        targets = {"out": sample.root.parent / "out.jpg", "loop": path, "parent": path.parent.parent}
        inside = sample.frame(0, ON_DISK[0])
        path.symlink_to(targets.get(what, inside if what == "inside" else Path("nowhere.jpg")))


def folder_of_another_kind(sample: Sample, draw: Draw) -> None:
    place = draw(st.integers(0, len(sample.kind.clips) - 1))
    path = sample.folder(place)
    if path.is_symlink() or not path.is_dir():
        return
    what = draw(st.sampled_from(["gone", "file", "moved", "upper", "out", "dangling", "loop", "parent", "alias"]))
    outside = Path(tempfile.mkdtemp(dir=sample.root.parent)) / "clip"
    shutil.move(path, outside)
    if what == "file":
        path.touch()
    elif what == "moved":
        shutil.move(outside, path.with_name("elsewhere"))
    elif what == "upper":
        shutil.move(outside, path.with_name(path.name.swapcase()))
    elif what != "gone":
        alias = sample.folder((place + 1) % len(sample.kind.clips))
        targets = {"out": outside, "loop": path, "parent": path.parent, "alias": alias}
        path.symlink_to(targets.get(what, Path("nowhere")))


def link_to_the_parent(sample: Sample, draw: Draw) -> None:
    folder = sample.folder(draw(st.integers(0, len(sample.kind.clips) - 1)))
    for at in (folder, folder.parent):
        if at.is_dir() and not (at / "up").is_symlink():
            (at / "up").symlink_to("..")


SPOIL = (
    *(odd_cell, other_number, swapped_cells, odd_name, another_ones_cell, repeated_row, blank_row, header_again),
    *(deleted_row, lost_header, column_twice, sheet_of_other_bytes, sheet_cut_off, sheet_of_flipped_bits),
    *(missing_frame, renamed_frame, swapped_frames, doubled_number, spoilt_frame, frame_of_another_kind),
    *(folder_of_another_kind, link_to_the_parent),
)
# A sheet that cannot be read at all hides what else is wrong, so most examples leave its file alone.
FINE_SHEET = tuple(spoil for spoil in SPOIL if "sheet_" not in spoil.__name__ and spoil is not lost_header)


def text_of(kind: Kind, cell: object) -> str:
    """A cell's text: in a workbook 5.0 is 5, and a formula that nobody computed nothing; in a CSV as it stands."""
    if cell is None or (kind is not FOLDER and str(cell).startswith("=")):
        return ""
    is_whole = kind is not FOLDER and isinstance(cell, float) and cell.is_integer()
    return (str(cell).removesuffix(".0") if is_whole else str(cell)).replace("\u200b", "").strip()


def frame_number(text: str) -> int | None:
    match = re.fullmatch(r"([0-9]{1,15})(\.0+)?", text)
    return int(match[1]) if match else None


def numbers_on_disk(folder: Path) -> Counter[int]:
    """Numbers of the visible image files in ``folder``."""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    found = [re.fullmatch(r"(?:.*\D)?([0-9]{1,15})\.(jpg|png|JPG)", name) for name in names]
    kept = [match for match in found if match and match[0][0] != "." and (folder / match[0]).is_file()]
    return Counter(int(match[1]) for match in kept if not re.search(r"\d[0-9]*$", match[0][: match.start(1)]))


@dataclass(frozen=True)
class Expected:
    """What one row of the sheet says, as text."""

    key: tuple[str, str]
    line: int
    folder: str
    texts: dict[str, str]


def expected_rows(sample: Sample) -> list[Expected]:
    """The sheet's rows as its cells are to be understood."""
    found = []
    for line, row in enumerate(sample.rows, start=2):
        texts = {name: text_of(sample.kind, row[column]) for name, column in sample.kind.columns.items()}
        if any(texts.values()):
            key = sample.kind.key(texts["subject"], texts["clip"])
            found.append(Expected(key, line, texts.get("path", ""), texts))
    return found


def load_or_refuse(sample: Sample) -> ClipIndex | None:
    try:
        return sample.kind.adapter(sample.root).load()
    except MerError as error:
        require_one_line(error)
        return None


def require_one_line(said: object) -> None:
    assert "\n" not in str(said)


def check_index(sample: Sample, index: ClipIndex) -> None:
    rows: dict[tuple[str, str], list[Expected]] = {}
    for row in expected_rows(sample):
        rows.setdefault(row.key, []).append(row)
    reasons: dict[str, list[str]] = {}
    for note in index.notes:
        require_one_line(note)
        reasons.setdefault(note.clip, []).append(note.reason)
    refused = {note.clip for note in index.notes if note.kind == "refused"}
    kept = {f"{clip['dataset']}/{clip['subject']}/{clip['clip']}" for _, clip in index.clips.iterrows()}
    assert not kept & refused
    for row in (row for same in rows.values() for row in same):
        dataset = row.texts.get("dataset") or sample.kind.adapter_name
        names = {" ".join(f"{dataset}/{'/'.join(row.key)}".split()), f"{dataset}/row {row.line}"}
        assert names & (kept | refused), names
    for _, clip in index.clips.iterrows():
        same = rows[clip["subject"], clip["clip"]]
        same = [row for row in same if row.texts.get("dataset", clip["dataset"]) == clip["dataset"]]
        assert len({tuple(row.texts.items()) for row in same}) == 1, "rows that differ"
        name = f"{clip['dataset']}/{clip['subject']}/{clip['clip']}"
        check_clip(sample, clip, same[0], " ".join(reasons.get(name, [])))
    assert len(set(index.clips["files"])) == len(index)


def check_clip(sample: Sample, clip: pd.Series, row: Expected, said: str) -> None:
    texts, onset, offset = row.texts, int(clip["onset"]), int(clip["offset"])
    folder = sample.root / (row.folder or sample.kind.folder(*row.key))
    on_disk = numbers_on_disk(folder)
    bounds = {"onset": min(on_disk), "offset": max(on_disk)} if sample.kind is FOLDER else {}
    first, last = (bounds.get(name) if not texts[name] else frame_number(texts[name]) for name in ("onset", "offset"))
    assert onset == first
    assert offset == last or (offset < (last or 0) and f"offset {last} -> {offset}" in said)
    apex = frame_number(texts.get("apex", ""))
    if apex is not None and onset < apex <= (last or 0):
        assert clip["apex"] == apex
        assert apex <= offset
    else:
        assert clip["apex"] is pd.NA
        assert "apex" in said or sample.kind is SMIC or not texts["apex"]
    label = texts["label"].lower()
    assert clip["label"] == ("" if label in ("nan", "#n/a") else label)
    assert clip["action_units"] == texts.get("units", "")
    assert [Path(file).parent for file in clip["files"]] == [folder] * (offset - onset + 1)
    for number, file in enumerate(clip["files"], start=onset):
        assert on_disk[number] == 1
        assert re.fullmatch(rf"(.*[^0-9])?0*{number}\.(jpg|png)", Path(file).name, re.IGNORECASE)
        assert Path(file).is_file()
        assert os.path.realpath(file).startswith(os.path.realpath(sample.root) + os.sep)


def check_key_frames(clip: pd.Series) -> None:
    try:
        extract_key_frames(clip, NoCrop(8), AnnotatedApex(MiddleApex()), IIR())
    except MerError as error:
        require_one_line(error)
        return
    read = clip["files"][: AnnotatedApex(MiddleApex()).choose(clip) - int(clip["onset"]) + 1]
    assert all(Path(file).read_bytes() in WHOLE for file in read)


def spoilt(kind: Kind, parent: Path, data: st.DataObject, ways: Sequence[Callable[[Sample, Draw], None]]) -> Sample:
    (parent / "out.jpg").write_bytes(WHOLE[0])
    sample = Sample(kind, parent / "root")
    for spoil in data.draw(st.lists(st.sampled_from(ways), min_size=1, max_size=4)):
        spoil(sample, data.draw)
    sample.write_sheet()
    return sample


@pytest.mark.parametrize("kind", KINDS, ids=[kind.dataset for kind in KINDS])
@settings(deadline=None, derandomize=True, phases=PHASES, max_examples=40)
@given(data=st.data())
def test_spoilt_dataset_gives_right_clips_or_one_line(kind: Kind, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as parent:
        sample = spoilt(kind, Path(parent), data, FINE_SHEET)
        index = load_or_refuse(sample)
        if index is not None:
            check_index(sample, index)
            for _, clip in index.clips.iterrows():
                check_key_frames(clip)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.dataset for kind in KINDS])
@settings(deadline=None, derandomize=True, phases=PHASES, max_examples=15)
@given(data=st.data())
def test_spoilt_sheet_gives_the_right_clips_or_one_line(kind: Kind, data: st.DataObject) -> None:
    ways = [spoil for spoil in SPOIL if spoil not in FINE_SHEET]
    with tempfile.TemporaryDirectory() as parent:
        sample = spoilt(kind, Path(parent), data, ways)
        index = load_or_refuse(sample)
        if index is None:
            return
        for name, column in kind.columns.items():  # a column that the adapter does without has no cells
            if sample.header[column] != kind.header[column]:
                for row in sample.rows:
                    row[column] = "lab" if name == "dataset" else None
        check_index(sample, index)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.dataset for kind in KINDS])
def test_whole_dataset_is_read_whole(kind: Kind, tmp_path: Path) -> None:
    # Else the tests above could pass by refusing everything.
    sample = Sample(kind, tmp_path / "root")
    sample.write_sheet()
    index = load_or_refuse(sample)
    assert index is not None
    assert len(index) == 4
    assert index.notes == ()
    check_index(sample, index)
    for _, clip in index.clips.iterrows():
        check_key_frames(clip)


def test_sheet_of_ten_thousand_rows_is_read(tmp_path: Path) -> None:
    sample = Sample(FOLDER, tmp_path / "root")
    for number in range(10_000):
        row = FOLDER.row(0)
        row[FOLDER.columns["clip"]] = f"another{number}"
        row[FOLDER.columns["path"]] = f"absent/{number}"
        sample.rows.append(row)
    index = loaded(sample)
    assert (len(index), len(index.notes)) == (4, 10_000)


def loaded(sample: Sample) -> ClipIndex:
    sample.write_sheet()
    index = load_or_refuse(sample)
    assert index is not None
    check_index(sample, index)
    return index


def reason(index: ClipIndex, clip: str) -> str:
    (found,) = [note.reason for note in index.notes if note.clip == clip and note.kind == "refused"]
    return found


def test_two_clips_of_the_same_frames_are_both_refused(tmp_path: Path) -> None:
    # LOSO would train on the one and test on the other.
    sample = Sample(FOLDER, tmp_path / "root")
    sample.rows[2][FOLDER.columns["path"]] = "frames/anna/smile"
    index = loaded(sample)
    assert index.clips["clip"].tolist() == ["frown", "jump"]
    assert reason(index, "lab/ben/smile") == "its frames are those of lab/anna/smile too"
    assert reason(index, "lab/anna/smile") == "its frames are those of lab/ben/smile too"


def test_other_frames_of_the_same_folder_are_another_clip(tmp_path: Path) -> None:
    sample = Sample(FOLDER, tmp_path / "root")
    sample.rows[2][FOLDER.columns["path"]] = "frames/anna/smile"
    sample.rows[2][FOLDER.columns["onset"]] = 5
    assert len(loaded(sample)) == 4


@pytest.mark.parametrize("kind", [CASME2, SAMM, SMIC], ids=["casme2", "samm", "smic"])
def test_clip_that_links_to_another_ones_frames_is_refused_with_it(kind: Kind, tmp_path: Path) -> None:
    sample = Sample(kind, tmp_path / "root")
    shutil.rmtree(sample.folder(2))
    sample.folder(2).symlink_to(sample.folder(0))
    index = loaded(sample)
    assert index.clips["clip"].tolist() == [
        kind.key(str(kind.clips[place][0]), kind.clips[place][1])[1] for place in (1, 3)
    ]


def test_video_for_two_spellings_of_one_name_is_used_for_neither(tmp_path: Path) -> None:
    sample = Sample(CASME2, tmp_path / "root")
    shutil.rmtree(sample.folder(0))
    writer = cv2.VideoWriter(str(sample.folder(0)) + ".avi", cv2.VideoWriter.fourcc(*"MJPG"), 200, (16, 12))
    for _ in ON_DISK:
        writer.write(np.zeros((12, 16, 3), np.uint8))
    writer.release()
    for row, cells in zip(sample.rows, ((2, 3, 5), (4, 6, 8), (4, 6, 8), (4, 6, 8)), strict=True):
        row[3:6] = cells
    sample.rows.append([*sample.rows[0]])
    sample.rows[-1][1] = "ep01_01F"
    sample.write_sheet()
    index = load_or_refuse(sample)
    assert index is not None
    assert len(index) == 3
    assert "its frames are those of casme2/sub01/ep01_01F too" in reason(index, "casme2/sub01/EP01_01f")


def test_row_that_is_refused_takes_the_other_rows_of_its_clip_along(tmp_path: Path) -> None:
    sample = Sample(FOLDER, tmp_path / "root")
    sample.rows.append([*sample.rows[0]])
    sample.rows[-1][FOLDER.columns["path"]] = ""
    index = loaded(sample)
    assert len(index) == 3
    assert reason(index, "lab/anna/smile") == "duplicate clip: rows 2, 6 differ"


@pytest.mark.parametrize("name", ["EP01\n_01f", "EP01\u202e_01f", "EP01\xa001f"])
def test_name_that_cannot_be_shown_is_refused_though_its_folder_is_there(tmp_path: Path, name: str) -> None:
    sample = Sample(CASME2, tmp_path / "root")
    sample.rows[0][CASME2.columns["clip"]] = name
    sample.folder(0).rename(sample.folder(0).with_name(name))
    index = loaded(sample)
    assert len(index) == 3
    assert index.notes[0].reason == f"clip {name!r} is no plain name"


@pytest.mark.parametrize(("apex", "used"), [(3, None), (4, None), (5, 5), (8, 8), (9, None)])
def test_apex_outside_its_clip_is_never_used(tmp_path: Path, apex: int, used: int | None) -> None:
    sample = Sample(CASME2, tmp_path / "root")
    sample.rows[0][CASME2.columns["apex"]] = apex
    index = loaded(sample)
    assert index.clips["apex"].tolist() == [used or pd.NA, 6, 6, 6]
    assert len(index.notes) == (used is None)


@pytest.mark.parametrize("label", ["nan", "NaN", "<NA>", "#N/A", "#REF!"])
def test_label_of_programs_for_nothing_is_none(tmp_path: Path, label: str) -> None:
    sample = Sample(CASME2, tmp_path / "root")
    sample.rows[0][CASME2.columns["label"]] = label
    sample.write_sheet()
    assert Casme2(sample.root).load().clips["label"].tolist() == ["", *["happiness"] * 3]


@pytest.mark.parametrize("kind", KINDS, ids=[kind.dataset for kind in KINDS])
@pytest.mark.parametrize("word", ["first", "last"])
def test_words_for_frames_are_no_numbers(kind: Kind, tmp_path: Path, word: str) -> None:
    sample = Sample(kind, tmp_path / "root")
    sample.rows[0][kind.columns["onset"]] = word
    index = loaded(sample)
    assert len(index) == 3
    assert index.notes[0].reason == f"onset '{word}' is no frame number"


def test_names_on_the_disk_that_are_no_text_can_still_be_told(tmp_path: Path) -> None:
    sample = Sample(CASME2, tmp_path / "root")
    frame = bytes(sample.frame(0, 5))
    for name in (b"\xff5.jpg", b"a\n5.jpg"):
        Path(os.fsdecode(os.path.join(os.path.dirname(frame), name))).write_bytes(WHOLE[0])  # noqa: PTH118, PTH120
    index = loaded(sample)
    assert "two files are frame 5" in reason(index, "casme2/sub01/EP01_01f")
    assert str(index.notes[0]).encode()


CHECKED = (odd_cell, odd_name, lost_header, sheet_of_other_bytes, renamed_frame, spoilt_frame, folder_of_another_kind)


@pytest.mark.parametrize("kind", [CASME2, FOLDER], ids=["casme2", "folder"])
@settings(
    deadline=None,
    derandomize=True,
    phases=PHASES,
    max_examples=4,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_mer_check_of_a_spoilt_dataset_ends_well_or_in_one_line(
    kind: Kind, capsys: pytest.CaptureFixture[str], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as parent:
        sample = spoilt(kind, Path(parent), data, CHECKED)
        words = [f"dataset={kind.adapter_name}", f"dataset.root={sample.root}", "labels=raw", f"store={parent}/store"]
        result = run_mer(capsys, "check", *words, "images=decode")
    assert result.code in (0, 2)
    assert "Traceback" not in result.err
    if result.code == 2:
        assert len(result.err.splitlines()) == 1


def test_mer_check_shows_names_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = Sample(FOLDER, tmp_path / "root")
    sample.rows[0][FOLDER.columns["clip"]] = "[/red]"
    sample.rows[1][FOLDER.columns["label"]] = "disgust"
    shutil.rmtree(sample.folder(0))
    sample.write_sheet()
    words = ["dataset=folder", f"dataset.root={sample.root}", "labels=raw", f"store={tmp_path}/store"]
    result = run_mer(capsys, "check", *words)
    assert (result.code, result.err) == (0, "")
    assert "lab/anna/[/red]" in result.out
