"""Smic reads folders that say all, long clips that need the sheet, and the sheet with its formulas."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from openpyxl import load_workbook

from mer.clip import ClipIndex
from mer.datasets import Smic
from mer.errors import MerError
from tests.conftest import LabelsOf
from tests.fakes import SmicRow, smic_rows, write_images, write_smic
from tests.fakes.coded import touch_frames
from tests.fakes.smic import CROPPED, HEADER_VIS, LONG, RAW, SHEET

CLIPS = [["s01", "s01_ne_01", "negative"], ["s01", "s01_po_02", "positive"], ["s20", "s20_sur_01", "surprise"]]
WRONG_LABEL = SmicRow(18, "s18_sur_03", emotion="negative")  # as the distributed sheet has it
NOT_IN_SHEET = (
    *("s01_ne_02", "s02_sur_05", "s03_ne_03", "s03_ne_20", "s04_ne_05", "s04_ne_06", "s09_sur_02"),
)  # of the 164 clips


def clips_of(index: ClipIndex) -> list[list[str]]:
    names: list[list[str]] = index.clips[["subject", "clip", "label"]].to_numpy().tolist()
    return names


def said(index: ClipIndex) -> list[str]:
    return [str(note) for note in index.notes]


@pytest.mark.parametrize("frames", [RAW, CROPPED])
@pytest.mark.parametrize(
    ("modality", "dataset", "fps", "name"),
    [
        ("HS", "smic", 100, "image185126"),
        ("VIS", "smic_vis", 25, "185126"),
        ("NIR", "smic_nir", 25, "185126"),
    ],
)
def test_folders_carry_subject_label_and_clip(
    tmp_path: Path, modality: str, dataset: str, fps: int, name: str, frames: str
) -> None:
    root = write_smic(tmp_path, modality=modality, frames=frames, sheet=[])
    index = Smic(root, modality, frames).load()
    assert clips_of(index) == CLIPS
    assert index.notes == ()
    assert index.clips["dataset"].eq(dataset).all()
    assert index.clips["fps"].eq(fps).all()
    assert Path(index.clips["files"].iloc[0][0]).stem.removeprefix("reg_") == name
    assert index.clips[["onset", "offset"]].iloc[0].tolist() == [185126, 185131]


def test_cameras_lie_side_by_side(tmp_path: Path) -> None:
    write_smic(tmp_path, modality="HS", sheet=[])
    write_smic(tmp_path, smic_rows()[:1], modality="VIS", sheet=[])
    assert len(Smic(tmp_path, "HS").load()) == 3
    assert len(Smic(tmp_path, "VIS").load()) == 1


def test_folder_of_one_camera_may_be_given_itself(tmp_path: Path) -> None:
    root = write_smic(tmp_path, sheet=[])
    assert clips_of(Smic(root, frames=f"{RAW}/HS").load()) == CLIPS


def test_movements_that_are_no_micro_expressions_are_left_out(tmp_path: Path) -> None:
    root = write_smic(tmp_path)
    assert list((root / RAW).rglob("non_micro/*/*.jpg"))
    assert "n1" not in {clip.split("_")[1] for clip in Smic(root).load().clips["clip"]}


@pytest.mark.parametrize("subject", ["s1", "s01", "S01"])
def test_subjects_and_clips_are_spelled_with_two_digits(tmp_path: Path, subject: str) -> None:
    row = SmicRow(place=f"HS/{subject}/micro/negative/{subject}_ne_01")
    assert clips_of(Smic(write_smic(tmp_path, [row])).load()) == [["s01", "s01_ne_01", "negative"]]


@pytest.mark.parametrize(
    ("frames", "one", "other", "clip"),
    [(RAW, "HS/s1", "HS/s01", "micro/negative/s1_ne_01"), (LONG, "s01", "s1", "s1_ne_01")],
)
@pytest.mark.parametrize("sheet", [None, SHEET])
def test_two_folders_of_one_clip_are_refused(
    tmp_path: Path, frames: str, one: str, other: str, clip: str, sheet: str | None
) -> None:
    root = write_smic(tmp_path, [SmicRow()], frames=frames)
    shutil.copytree(root / frames / one, root / frames / other)
    index = Smic(root, frames=frames, sheet=sheet).load()
    assert len(index) == 0
    folders = ", ".join(f"{place}/{clip}" for place in sorted([one, other]))
    assert said(index) == [f"refused smic/s01/s01_ne_01: duplicate clip: folders {folders} differ"]


def test_gap_in_a_clips_folder_refuses_it(tmp_path: Path) -> None:
    row = SmicRow(on_disk=[185126, 185127, 185129])
    index = Smic(write_smic(tmp_path, [row])).load()
    assert len(index) == 0
    assert "gap in the numbering: 1 of the frames 185126..185129" in said(index)[0]


def test_folder_goes_before_the_sheets_label(tmp_path: Path) -> None:
    root = write_smic(tmp_path, [WRONG_LABEL])
    for corrections in (True, False):
        index = Smic(root, corrections=corrections).load()
        assert index.clips["label"].tolist() == ["surprise"]
        reason = "label negative in the sheet, surprise by its folder, which is used"
        assert said(index) == [f"repaired smic/s18/s18_sur_03: {reason}"]


def test_clip_that_the_sheet_lacks_is_taken_from_its_folder(tmp_path: Path) -> None:
    index = Smic(write_smic(tmp_path, sheet=smic_rows()[1:])).load()
    assert clips_of(index) == CLIPS
    assert said(index) == ["repaired smic/s01/s01_ne_01: no row in the sheet, taken from its folder"]


@pytest.mark.parametrize("frames", [RAW, LONG])
def test_row_without_a_folder_is_refused(tmp_path: Path, frames: str) -> None:
    index = Smic(write_smic(tmp_path, smic_rows()[1:], frames=frames, sheet=smic_rows()), frames=frames).load()
    assert clips_of(index) == CLIPS[1:]
    assert said(index) == ["refused smic/s01/s01_ne_01: row 2 of the sheet has no folder"]


def test_sheet_without_the_cameras_worksheet_is_refused(tmp_path: Path) -> None:
    root = write_smic(tmp_path, modality="VIS", sheet=[])
    pd.DataFrame({"Subject": [1]}).to_excel(root / SHEET, sheet_name="HS")
    with pytest.raises(MerError, match=r"worksheet VIS in .*; got HS; use the distributed sheet"):
        Smic(root, "VIS").load()


def test_near_infrared_has_no_worksheet_and_needs_none(tmp_path: Path) -> None:
    index = Smic(write_smic(tmp_path, modality="NIR", sheet=[WRONG_LABEL]), "NIR").load()
    assert clips_of(index) == CLIPS
    assert index.notes == ()


@pytest.mark.parametrize("column", ["Subject", "Filename", "OnsetF", "OffsetF", "Emotion"])
def test_missing_column_of_the_vis_worksheet_is_named(tmp_path: Path, column: str) -> None:
    header = ["other" if name == column else name for name in HEADER_VIS]
    root = write_smic(tmp_path, modality="VIS", header=header)
    with pytest.raises(MerError, match=f"{SHEET} without {column}"):
        Smic(root, "VIS").load()


def test_long_clips_take_onset_and_offset_from_the_sheet(tmp_path: Path) -> None:
    index = Smic(write_smic(tmp_path, frames=LONG), frames=LONG).load()
    assert sorted(clips_of(index)) == CLIPS
    assert index.notes == ()
    assert index.clips[["onset", "offset"]].iloc[0].tolist() == [185126, 185131]
    folder = Path(index.clips["files"].iloc[0][0]).parent
    assert len(index.clips["files"].iloc[0]) == 6
    assert len(list(folder.iterdir())) == 16


def test_formulas_without_values_are_computed_as_they_say(tmp_path: Path) -> None:
    index = Smic(write_smic(tmp_path, frames=LONG, formulas=True), frames=LONG).load()
    assert index.clips["offset"].tolist() == [185131, 186005, 17581044]
    reason = "formula of OffsetF without its value, 185131 computed"
    assert said(index)[0] == f"repaired smic/s01/s01_ne_01: {reason}"
    assert len(index.notes) == 3


def test_known_wrong_label_of_a_long_clip_is_corrected_on_demand(tmp_path: Path) -> None:
    root = write_smic(tmp_path, [WRONG_LABEL], frames=LONG)
    index = Smic(root, frames=LONG).load()
    assert index.clips["label"].tolist() == ["surprise"]
    reason = "label negative -> surprise (its folder, as all published lists)"
    assert said(index) == [f"repaired smic/s18/s18_sur_03: {reason}"]
    as_it_is = Smic(root, frames=LONG, corrections=False).load()
    assert as_it_is.clips["label"].tolist() == ["negative"]
    assert as_it_is.notes == ()


def test_long_clip_that_the_sheet_lacks_is_refused(tmp_path: Path) -> None:
    index = Smic(write_smic(tmp_path, frames=LONG, sheet=smic_rows()[1:]), frames=LONG).load()
    assert said(index) == ["refused smic/s01/s01_ne_01: no row in the sheet, so no onset and offset"]


def test_long_clips_without_the_sheet_ask_for_it(tmp_path: Path) -> None:
    root = write_smic(tmp_path, frames=LONG, sheet=[])
    with pytest.raises(MerError, match=rf"no worksheet HS in .*{SHEET}; .*dataset\.sheet=null for all frames"):
        Smic(root, frames=LONG).load()


def test_sheet_null_takes_all_frames_and_the_class_in_the_name(tmp_path: Path) -> None:
    index = Smic(write_smic(tmp_path, frames=LONG), frames=LONG, sheet=None).load()
    assert clips_of(index) == CLIPS
    assert index.clips[["onset", "offset"]].iloc[0].tolist() == [185121, 185136]
    assert {note.reason for note in index.notes} == {"no sheet: all frames of the folder taken as onset to offset"}


@pytest.mark.parametrize("subject", [3, "3", "s3", "s03"])
def test_subject_of_the_sheet_meets_its_folder_however_it_is_written(tmp_path: Path, subject: int | str) -> None:
    root = write_smic(tmp_path, [SmicRow(subject, "s3_ne_01")], frames=LONG)
    assert clips_of(Smic(root, frames=LONG).load()) == [["s03", "s03_ne_01", "negative"]]


def test_folder_without_subjects_is_refused(tmp_path: Path) -> None:
    write_images(tmp_path / RAW / "VIS" / "s1" / "micro" / "negative" / "s1_ne_01", ["00001.bmp"])
    with pytest.raises(MerError, match=r"folders s1, s2, \.\.\. in .*; got none; .*dataset\.modality=HS, VIS or NIR"):
        Smic(tmp_path).load()


def test_unknown_camera_is_refused() -> None:
    with pytest.raises(MerError, match=r"dataset\.modality to be one of HS, NIR, VIS; got 'RGB'"):
        Smic(None, "RGB")


@pytest.fixture(scope="module")
def labels(real_data: Path) -> pd.DataFrame:
    return pd.read_csv(real_data / "flow_images" / "smic" / "labels.csv")


@pytest.fixture(scope="module")
def real_root(labels: pd.DataFrame) -> Iterator[Path]:
    """The 164 clips' folders, spelled as on disk, with two empty frames each."""
    with TemporaryDirectory() as folder:
        for subject, clip, label in zip(labels["subject"], labels["clip"], labels["label"], strict=True):
            spelled, clip_spelled = (f"s{name[1:].removeprefix('0')}" for name in (subject, clip))
            place = Path(folder) / RAW / "HS" / spelled / "micro" / label / clip_spelled
            touch_frames(place, ["image000001.jpg", "image000002.jpg"])
        yield Path(folder)


@pytest.fixture(scope="module")
def real_sheet(real_data: Path) -> Path:
    return real_data / "annotations" / SHEET


@pytest.fixture(scope="module")
def long_roots(real_sheet: Path) -> Iterator[dict[str, Path]]:
    """Worksheet -> the real sheet with an empty file for every frame from onset to offset."""
    with TemporaryDirectory() as folder:
        roots = {}
        for modality, (width, prefix) in {"HS": (6, "image"), "VIS": (5, "")}.items():
            roots[modality] = root = Path(folder) / modality
            rows = pd.read_excel(real_sheet, sheet_name=modality).dropna(subset="Filename")
            for clip, onset, offset in zip(rows["Filename"], rows["OnsetF"], rows["OffsetF"], strict=True):
                place = root / LONG / f"s{int(clip.split('_')[0][1:]):02d}" / clip
                names = [f"{prefix}{number:0{width}d}.jpg" for number in range(int(onset), int(offset) + 1)]
                touch_frames(place, names)
            shutil.copy(real_sheet, root)
        yield roots


def test_real_folders_alone_make_the_published_164_clips(
    real_root: Path, labels: pd.DataFrame, labels_of: LabelsOf
) -> None:
    index = Smic(real_root).load()
    assert index.notes == ()
    clips = labels_of("smic").apply(index).clips
    assert clips["label"].value_counts().to_dict() == {"negative": 70, "positive": 51, "surprise": 43}
    assert clips["subject"].nunique() == 16
    columns = ["subject", "clip", "label"]
    assert set(map(tuple, clips[columns].to_numpy())) == set(map(tuple, labels[columns].to_numpy()))
    assert len(labels_of("megc3").apply(index)) == 164


def test_real_sheet_is_compared_with_the_real_folders(real_root: Path, real_sheet: Path, tmp_path: Path) -> None:
    (tmp_path / RAW).symlink_to(real_root / RAW)
    shutil.copy(real_sheet, tmp_path)
    index = Smic(tmp_path).load()
    assert len(index) == 164
    lacking = [note.clip.split("/")[2] for note in index.notes if note.reason.startswith("no row in the sheet")]
    assert sorted(lacking) == sorted(NOT_IN_SHEET)
    others = [str(note) for note in index.notes if not note.reason.startswith("no row in the sheet")]
    reason = "label negative in the sheet, surprise by its folder, which is used"
    assert others == [f"repaired smic/s18/s18_sur_03: {reason}"]


def test_real_sheet_makes_157_long_clips(long_roots: dict[str, Path]) -> None:
    index = Smic(long_roots["HS"], frames=LONG).load()
    assert index.clips["label"].value_counts().to_dict() == {"negative": 65, "positive": 51, "surprise": 41}
    assert [note.clip for note in index.notes] == ["smic/s18/s18_sur_03"]
    lengths = index.clips["files"].map(len)
    assert lengths.eq(index.clips["offset"] - index.clips["onset"] + 1).all()
    as_it_is = Smic(long_roots["HS"], frames=LONG, corrections=False).load()
    assert as_it_is.clips["label"].value_counts().to_dict() == {"negative": 66, "positive": 51, "surprise": 40}
    assert as_it_is.notes == ()


def test_real_vis_worksheet_makes_71_clips(long_roots: dict[str, Path]) -> None:
    index = Smic(long_roots["VIS"], "VIS", LONG).load()
    assert index.clips["label"].value_counts().to_dict() == {"positive": 28, "negative": 23, "surprise": 20}
    assert index.clips["subject"].nunique() == 8
    assert index.clips["dataset"].eq("smic_vis").all()
    as_it_is = Smic(long_roots["VIS"], "VIS", LONG, corrections=False).load()
    assert as_it_is.clips["label"].value_counts().to_dict() == {"positive": 28, "negative": 24, "surprise": 19}


def test_real_formulas_give_what_is_computed_without_their_values(
    real_sheet: Path, long_roots: dict[str, Path], tmp_path: Path
) -> None:
    book = load_workbook(real_sheet)  # openpyxl keeps the formulas and drops their values
    book.save(tmp_path / SHEET)
    (tmp_path / "frames").symlink_to(long_roots["HS"] / LONG)
    computed = Smic(tmp_path, frames="frames").load()
    assert sum("formula of OffsetF without its value" in note.reason for note in computed.notes) == 157
    stored = Smic(long_roots["HS"], frames=LONG).load()
    pd.testing.assert_frame_equal(computed.clips.drop(columns="files"), stored.clips.drop(columns="files"))
