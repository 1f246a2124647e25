"""Casme2 reads the sheet as it is distributed, with its quirks, and says what it repaired or refused."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest

from mer.clip import ClipIndex, clip_name
from mer.datasets import Casme2
from mer.errors import MerError
from tests.conftest import LabelsOf
from tests.fakes import Casme2Row, write_casme2
from tests.fakes.casme2 import FRAMES, OBJECTIVE_SHEET, SHEET, write_objective_sheet, write_sheet
from tests.fakes.coded import touch_frames
from tests.fakes.workbook import write_workbook

SHEET_COUNTS = {
    "others": 99,
    "disgust": 63,
    "happiness": 32,
    "repression": 27,
    "surprise": 25,
    "sadness": 7,
    "fear": 2,
}
MISSING_ROW = ("sub24", "EP02_07", range(61, 107))


def load(root: Path, *rows: Casme2Row, corrections: bool = True) -> ClipIndex:
    return Casme2(write_casme2(root, rows), corrections=corrections).load()


def notes(index: ClipIndex) -> list[tuple[str, str]]:
    return [(note.kind, note.clip) for note in index.notes]


def test_clean_rows_load_without_a_note(casme2_root: Path) -> None:
    index = Casme2(casme2_root).load()
    assert [clip_name(clip) for _, clip in index.clips.iterrows()] == [
        "casme2/sub01/EP01_01f",
        "casme2/sub01/EP02_01f",
        "casme2/sub02/EP01_01f",
        "casme2/sub02/EP02_01f",
    ]
    assert index.notes == ()
    assert index.clips["fps"].eq(200).all()


def test_files_are_the_frames_from_onset_to_offset_in_order(tmp_path: Path) -> None:
    # Across 9 -> 10, where the order of the names is not that of the numbers; more frames than the interval on disk.
    clip = load(tmp_path, Casme2Row(onset=8, apex=10, offset=12, on_disk=range(1, 20))).clips.iloc[0]
    assert [Path(file).name for file in clip["files"]] == [f"img{number}.jpg" for number in range(8, 13)]
    assert all(Path(file).is_file() for file in clip["files"])
    assert (clip["onset"], clip["apex"], clip["offset"]) == (8, 10, 12)


@pytest.mark.parametrize(("cell", "subject"), [("01", "sub01"), ("1", "sub01"), ("26", "sub26")])
def test_subject_is_spelled_as_the_folders_are(tmp_path: Path, cell: str, subject: str) -> None:
    assert load(tmp_path, Casme2Row(subject=cell)).clips["subject"].tolist() == [subject]


def test_subject_kept_as_a_number_gets_its_zero_back(tmp_path: Path) -> None:
    index = load(tmp_path, Casme2Row(subject=1))
    assert index.clips["subject"].tolist() == ["sub01"]
    reason = "subject 1, a number in the sheet, read as sub01"
    assert [str(note) for note in index.notes] == [f"repaired casme2/sub01/EP01_01f: {reason}"]


@pytest.mark.parametrize(("cell", "text"), [(12, "12"), ("4+R7", "4+R7"), ("?", "?"), (None, "")])
def test_action_units_are_text_whatever_the_cell_holds(tmp_path: Path, cell: int | str | None, text: str) -> None:
    assert load(tmp_path, Casme2Row(units=cell)).clips["action_units"].tolist() == [text]


def test_emotion_and_name_are_read_without_stray_blanks(tmp_path: Path) -> None:
    root = write_casme2(tmp_path)
    write_sheet(root / SHEET, [("01 ", " EP01_01f", None, 8, 11, 12, None, "4+7", " Happiness ")])
    clips = Casme2(root).load().clips
    assert clips[["subject", "clip", "label"]].to_numpy().tolist() == [["sub01", "EP01_01f", "happiness"]]


def test_blank_row_at_the_end_of_the_sheet_is_no_clip(tmp_path: Path) -> None:
    root = write_casme2(tmp_path, [Casme2Row()])
    write_sheet(root / SHEET, [Casme2Row().cells, (None, None, None, None, None, None, None, " ", None)])
    index = Casme2(root).load()
    assert len(index) == 1
    assert index.notes == ()


@pytest.mark.parametrize(
    ("row", "frames", "note"),
    [
        (Casme2Row("07", "EP06_01", 15, 49, 68), (56, 89, 116), "onset 15 -> 56, apex 49 -> 89, offset 68 -> 116"),
        (
            Casme2Row("12", "EP09_02", 16, 59, 101),
            (161, 176, 206),
            "onset 16 -> 161, apex 59 -> 176, offset 101 -> 206",
        ),
    ],
)
def test_known_wrong_frames_are_corrected_and_noted(
    tmp_path: Path, row: Casme2Row, frames: tuple[int, int, int], note: str
) -> None:
    row = Casme2Row(row.subject, row.clip, row.onset, row.apex, row.offset, on_disk=range(10, 210))
    index = load(tmp_path, row)
    assert tuple(index.clips[["onset", "apex", "offset"]].iloc[0]) == frames
    assert notes(index) == [("repaired", f"casme2/sub{row.subject}/{row.clip}")]
    assert note in index.notes[0].reason


def test_sheet_that_is_corrected_already_takes_no_note(tmp_path: Path) -> None:
    index = load(tmp_path, Casme2Row("07", "EP06_01", 56, 89, 116))
    assert index.clips["onset"].tolist() == [56]
    assert index.notes == ()


def test_corrections_false_reads_the_sheet_as_it_is(tmp_path: Path) -> None:
    row = Casme2Row("07", "EP06_01", 15, 49, 68)
    root = write_casme2(tmp_path, [row], extra_frames=[MISSING_ROW])
    index = Casme2(root, corrections=False).load()
    assert tuple(index.clips[["onset", "apex", "offset"]].iloc[0]) == (15, 49, 68)
    assert len(index) == 1
    assert index.notes == ()


def test_row_missing_in_the_sheet_is_added_where_its_frames_are(tmp_path: Path) -> None:
    index = Casme2(write_casme2(tmp_path, extra_frames=[MISSING_ROW])).load()
    clip = index.clips.iloc[-1]
    assert (clip_name(clip), clip["label"]) == ("casme2/sub24/EP02_07", "disgust")
    assert (clip["onset"], clip["apex"], clip["offset"]) == (61, 91, 106)
    assert notes(index) == [("repaired", "casme2/sub24/EP02_07")]


def test_row_missing_in_the_sheet_is_not_added_without_its_frames(casme2_root: Path) -> None:
    assert "sub24" not in set(Casme2(casme2_root).load().clips["subject"])


def test_row_is_not_added_to_a_sheet_that_has_it(tmp_path: Path) -> None:
    index = load(tmp_path, Casme2Row("24", "EP02_07", 61, 91, 106, emotion="disgust"))
    assert index.clips["clip"].tolist() == ["EP02_07"]
    assert index.notes == ()


@pytest.mark.parametrize(
    ("on_disk", "reason"),
    [
        ([], "no frames on disk in {folder}"),
        ([3, 6, 7, 8], "gap in the numbering: 2 of the frames 3..6 missing, the first is 4"),
        ([4, 5, 6, 7, 8], "1 of the frames 3..6 missing, the first is 3"),
        ([3, 4, 5, 7, 8], "1 of the frames 3..6 missing, the first is 6"),
    ],
    ids=["none", "between", "onset", "apex"],
)
def test_clip_without_all_frames_to_its_apex_is_refused(tmp_path: Path, on_disk: list[int], reason: str) -> None:
    index = load(tmp_path, Casme2Row(on_disk=on_disk), Casme2Row(clip="EP02_01f"))
    assert index.clips["clip"].tolist() == ["EP02_01f"]
    reason = reason.format(folder=tmp_path / FRAMES / "sub01" / "EP01_01f")
    assert [str(note) for note in index.notes] == [f"refused casme2/sub01/EP01_01f: {reason}"]


def test_clip_without_apex_needs_all_its_frames(tmp_path: Path) -> None:
    index = load(tmp_path, Casme2Row(apex="/", on_disk=[3, 4, 5, 6, 8]))
    assert len(index) == 0
    assert notes(index) == [("refused", "casme2/sub01/EP01_01f")]


def test_frames_missing_after_the_apex_shorten_the_clip(tmp_path: Path) -> None:
    index = load(tmp_path, Casme2Row(onset=3, apex=5, offset=9, on_disk=[3, 4, 5, 6, 8, 9]))
    clip = index.clips.iloc[0]
    assert (clip["apex"], clip["offset"]) == (5, 6)
    assert [Path(file).stem for file in clip["files"]] == ["img3", "img4", "img5", "img6"]
    assert [str(note) for note in index.notes] == [
        "repaired casme2/sub01/EP01_01f: frames after 6 missing, offset 9 -> 6"
    ]


def test_cropped_frames_are_read_by_their_last_number(casme2_root: Path) -> None:
    folder = casme2_root / FRAMES / "sub01" / "EP01_01f"
    for frame in list(folder.iterdir()):
        frame.rename(folder / f"reg_{frame.name}")
    (casme2_root / FRAMES).rename(casme2_root / "Cropped")
    index = Casme2(casme2_root, frames="Cropped").load()
    assert index.notes == ()
    assert [Path(file).name for file in index.clips["files"].iloc[0]] == [f"reg_img{n}.jpg" for n in range(8, 13)]


@pytest.mark.parametrize("content", [b"", b"Subject,Filename\n", b"PK\x03\x04 cut off", b"<html>log in first</html>"])
def test_file_that_is_no_workbook_is_refused(casme2_root: Path, content: bytes) -> None:
    (casme2_root / SHEET).write_bytes(content)
    with pytest.raises(MerError, match=r"an xlsx workbook.*download the sheet again"):
        Casme2(casme2_root).load()


def test_objective_classes_are_joined_by_subject_and_clip(casme2_root: Path) -> None:
    rows: list[tuple[int | str, str, int]] = [("02", "EP01_01f", 7), (1, "EP01_01f", 3), ("01", "EP09_01", 1)]
    write_objective_sheet(casme2_root / OBJECTIVE_SHEET, rows)
    assert Casme2(casme2_root).load().clips["objective_class"].tolist() == ["III", "", "VII", ""]


def test_objective_sheet_of_another_name_is_found_where_it_is_named(casme2_root: Path) -> None:
    write_objective_sheet(casme2_root / "classes.xlsx", [("01", "EP01_01f", 5)])
    assert set(Casme2(casme2_root).load().clips["objective_class"]) == {""}
    assert "V" in set(Casme2(casme2_root, objective_sheet="classes.xlsx").load().clips["objective_class"])


@pytest.fixture(scope="module")
def real_sheet(real_data: Path) -> Path:
    return real_data / "annotations" / SHEET


@pytest.fixture(scope="module")
def real_root(real_data: Path, real_sheet: Path) -> Iterator[Path]:
    """The real sheets with an empty file for every frame that they or the corrected list count on."""
    rows = pd.read_excel(real_sheet, dtype={"Subject": str})
    intervals = [
        (f"sub{subject}", clip, range(onset, offset + 1))
        for subject, clip, onset, offset in zip(
            rows["Subject"], rows["Filename"], rows["OnsetFrame"], rows["OffsetFrame"], strict=True
        )
    ]
    corrected = [("sub07", "EP06_01", range(56, 117)), ("sub12", "EP09_02", range(161, 207))]
    with TemporaryDirectory() as folder:
        for subject, clip, numbers in [*intervals, *corrected]:
            touch_frames(Path(folder) / FRAMES / subject / clip, [f"img{number}.jpg" for number in numbers])
        for sheet in (SHEET, OBJECTIVE_SHEET):
            shutil.copy(real_data / "annotations" / sheet, folder)
        yield Path(folder)


@pytest.fixture(scope="module")
def real_index(real_root: Path) -> ClipIndex:
    return Casme2(real_root).load()


@pytest.fixture(scope="module")
def real_index_with_missing_row(real_root: Path, real_index: ClipIndex) -> ClipIndex:
    """As ``real_index``, which is read first, with the frames of the missing row on disk."""
    subject, clip, numbers = MISSING_ROW
    touch_frames(real_root / FRAMES / subject / clip, [f"img{number}.jpg" for number in numbers])
    return Casme2(real_root).load()


def test_every_row_of_the_real_sheet_loads(real_index: ClipIndex) -> None:
    assert real_index.clips["label"].value_counts().to_dict() == SHEET_COUNTS
    assert set(real_index.clips["subject"]) == {f"sub{number:02d}" for number in range(1, 27)}
    assert sorted(notes(real_index)) == [
        ("repaired", "casme2/sub04/EP12_01f"),
        ("repaired", "casme2/sub05/EP09_05f"),
        ("repaired", "casme2/sub07/EP06_01"),
        ("repaired", "casme2/sub12/EP09_02"),
    ]
    lengths = real_index.clips["files"].map(len)
    assert (lengths == real_index.clips["offset"] - real_index.clips["onset"] + 1).all()


def test_real_apex_frames_lie_inside_their_clips(real_index: ClipIndex) -> None:
    clips = real_index.clips
    without = clips[clips["apex"].isna()]
    assert sorted(without["subject"] + "/" + without["clip"]) == ["sub04/EP12_01f", "sub05/EP09_05f"]
    known = clips.dropna(subset="apex")
    assert (known["onset"] < known["apex"]).all()
    assert (known["apex"] <= known["offset"]).all()


def test_real_sheet_makes_the_papers_five_classes(real_index: ClipIndex, labels_of: LabelsOf) -> None:
    clips = labels_of("casme2").apply(real_index).clips
    assert len(clips) == 246
    assert clips["subject"].nunique() == 26


def test_frames_of_the_missing_row_make_the_papers_247_clips(
    real_index_with_missing_row: ClipIndex, labels_of: LabelsOf
) -> None:
    assert len(labels_of("casme2").apply(real_index_with_missing_row)) == 247


def test_missing_row_is_not_in_megc2019s_list(real_index_with_missing_row: ClipIndex, labels_of: LabelsOf) -> None:
    assert len(labels_of("megc3").apply(real_index_with_missing_row)) == 145


def test_real_sheet_makes_megc2019s_list(real_data: Path, real_index: ClipIndex, labels_of: LabelsOf) -> None:
    clips = labels_of("megc3").apply(real_index).clips
    assert clips["label"].value_counts().to_dict() == {"negative": 88, "positive": 32, "surprise": 25}
    assert clips["subject"].nunique() == 24
    published = pd.read_csv(real_data / "flow_images" / "casme2" / "labels.csv")
    columns = ["subject", "clip", "label"]
    assert set(clips[columns].itertuples(index=False, name=None)) == set(
        published[columns].itertuples(index=False, name=None)
    )


def test_real_objective_sheet_joins_every_row(real_index: ClipIndex, labels_of: LabelsOf) -> None:
    counts = {"I": 25, "II": 15, "III": 99, "IV": 26, "V": 20, "VI": 1, "VII": 69}
    assert real_index.clips["objective_class"].value_counts().to_dict() == counts
    assert len(labels_of("objective").apply(real_index)) == 185


def test_real_sheet_without_corrections_has_its_own_frames(real_root: Path, real_index: ClipIndex) -> None:
    as_it_is = Casme2(real_root, corrections=False).load()
    assert len(as_it_is) == len(real_index) == 255
    listed = as_it_is.clips[["subject", "clip", "onset", "apex", "offset"]].to_numpy().tolist()
    assert ["sub07", "EP06_01", 15, 49, 68] in listed
    assert ["sub12", "EP09_02", 16, 59, 101] in listed


def test_objective_classes_that_contradict_each_other_are_one_line(casme2_root: Path) -> None:
    rows = [("Subject", "Filename", "Objective Class"), ("01", "EP01_01f", 3), ("01", "EP01_01f", 4)]
    write_workbook(casme2_root / "CASME2-ObjectiveClasses.xlsx", {"Sheet1": rows})
    with pytest.raises(MerError, match=r"with III and IV for sub01/EP01_01f; remove the wrong row"):
        Casme2(casme2_root).load()
