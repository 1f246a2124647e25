"""Composite joins datasets, and keeps people apart who have one name."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest

from mer.clip import ClipIndex, subject_keys
from mer.datasets import Casme2, Casme3, Composite, FlowImages, Folder, Samm, Smic
from mer.errors import MerError
from tests.conftest import LabelsOf
from tests.fakes import FolderRow, write_composite, write_folder, write_samm, write_smic
from tests.fakes.casme2 import FRAMES, SHEET
from tests.fakes.coded import sparse_numbers, touch_frames
from tests.fakes.smic import RAW


def test_parts_are_joined_in_their_order(tmp_path: Path) -> None:
    roots = write_composite(tmp_path)
    parts = {"smic": Smic(roots["smic"]), "casme2": Casme2(roots["casme2"]), "samm": Samm(roots["samm"])}
    index = Composite(parts).load()
    assert index.clips["dataset"].tolist() == ["smic"] * 3 + ["casme2"] * 4 + ["samm"] * 2
    assert index.clips["fps"].tolist() == [100.0] * 3 + [200.0] * 6
    assert index.notes == ()
    assert [index.clips.index[0], index.clips.index[-1]] == [0, 8]


def test_sources_and_notes_of_all_parts_are_kept(tmp_path: Path) -> None:
    roots = write_composite(tmp_path)
    for folder in (roots["smic"] / RAW / "HS/s1/micro/negative/s1_ne_01", roots["samm"] / "006/006_1_2"):
        shutil.rmtree(folder)
        folder.mkdir()
    index = Composite({"smic": Smic(roots["smic"]), "samm": Samm(roots["samm"])}).load()
    assert [note.clip for note in index.notes] == ["smic/s01/s01_ne_01", "samm/006/006_1_2"]
    parts = [Smic(roots["smic"]).load(), Samm(roots["samm"]).load()]
    assert set(index.sources) == {path for part in parts for path in part.sources}


def test_equal_names_of_two_datasets_are_two_people(tmp_path: Path) -> None:
    samm = Samm(write_samm(tmp_path / "samm"))
    own = Folder(write_folder(tmp_path / "own", [FolderRow(subject="006")]))
    clips = Composite({"samm": samm, "own": own}).load().clips
    assert clips["subject"].nunique() == 2
    assert sorted(set(subject_keys(clips))) == ["lab-006", "samm-006", "samm-007"]


def test_part_that_is_left_out_is_noted(tmp_path: Path) -> None:
    index = Composite({"smic": Smic(write_smic(tmp_path)), "samm": None}).load()
    assert index.clips["dataset"].unique().tolist() == ["smic"]
    assert [str(note) for note in index.notes] == ["refused composite/samm: left out"]


def test_part_without_a_usable_clip_leaves_the_others(tmp_path: Path) -> None:
    samm = write_samm(tmp_path / "samm")
    for folder in ("006", "007"):
        shutil.rmtree(samm / folder)
    index = Composite({"samm": Samm(samm), "smic": Smic(write_smic(tmp_path / "smic"))}).load()
    assert index.clips["dataset"].tolist() == ["smic"] * 3
    assert index.clips["onset"].dtype == "Int64"
    assert len(index.notes) == 2


@pytest.mark.parametrize("parts", [{}, {"smic": None}])
def test_nothing_to_join_is_refused(parts: dict[str, None]) -> None:
    with pytest.raises(MerError, match=r"got none; set dataset\.parts\.NAME\.root=DIR"):
        Composite(parts).load()


def test_one_dataset_in_two_parts_is_refused() -> None:
    with pytest.raises(MerError, match=r"each dataset in one part; got samm in two; leave one out"):
        Composite({"one": Samm("a"), "two": Samm("b")}).load()


def test_cameras_that_saw_the_same_people_are_refused() -> None:
    with pytest.raises(MerError, match="got smic in two"):
        Composite({"hs": Smic("a"), "vis": Smic("b", modality="VIS")}).load()


def test_parts_of_casme3_show_different_people(tmp_path: Path) -> None:
    with pytest.raises(MerError, match=f"no folder {tmp_path}/a"):
        Composite({"a": Casme3(tmp_path / "a"), "c": Casme3(tmp_path / "c", part="C")}).load()


def test_list_of_ones_own_that_names_another_parts_dataset_is_refused(tmp_path: Path) -> None:
    own = Folder(write_folder(tmp_path / "own", [FolderRow(dataset="samm")]))
    with pytest.raises(MerError, match="got samm in two"):
        Composite({"samm": Samm(write_samm(tmp_path / "samm")), "own": own}).load()


def test_error_of_a_part_is_that_parts_own(tmp_path: Path) -> None:
    with pytest.raises(MerError, match="expected the folder of SAMM; got none"):
        Composite({"smic": Smic(write_smic(tmp_path)), "samm": Samm(None)}).load()


@pytest.fixture(scope="module")
def real_index(real_data: Path) -> Iterator[ClipIndex]:
    """SMIC's 164 clips and CASME II's sheet with placeholder frames, and a fake SAMM."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        _write_smic(root / "smic", real_data)
        _write_casme2(root / "casme2", real_data)
        parts = {
            "smic": Smic(root / "smic"),
            "casme2": Casme2(root / "casme2", corrections=False, fill_gaps=100),
            "samm": Samm(write_samm(root / "samm")),
        }
        yield Composite(parts).load()


def _write_smic(root: Path, real_data: Path) -> None:
    labels = pd.read_csv(real_data / "flow_images" / "smic" / "labels.csv")
    for subject, clip, label in zip(labels["subject"], labels["clip"], labels["label"], strict=True):
        touch_frames(root / RAW / "HS" / subject / "micro" / label / clip, ["image000001.jpg", "image000002.jpg"])


def _write_casme2(root: Path, real_data: Path) -> None:
    rows = pd.read_excel(real_data / "annotations" / SHEET, dtype={"Subject": str})
    for _, row in rows.iterrows():
        onset, offset = row["OnsetFrame"], row["OffsetFrame"]
        apex = row["ApexFrame"] if isinstance(row["ApexFrame"], int) else onset
        numbers = sparse_numbers(onset, apex, offset)
        folder = root / FRAMES / f"sub{row['Subject']}" / row["Filename"]
        touch_frames(folder, [f"img{number}.jpg" for number in numbers])
    shutil.copy(real_data / "annotations" / SHEET, root)


def test_real_parts_make_megc2019s_composite(real_index: ClipIndex, labels_of: LabelsOf) -> None:
    clips = labels_of("megc3").apply(real_index).clips
    counts = clips.groupby("dataset")["label"].value_counts().to_dict()
    smic = {("smic", "negative"): 70, ("smic", "positive"): 51, ("smic", "surprise"): 43}
    casme2 = {("casme2", "negative"): 88, ("casme2", "positive"): 32, ("casme2", "surprise"): 25}
    assert counts == smic | casme2 | {("samm", "positive"): 1}
    assert subject_keys(clips).nunique() == 16 + 24 + 1


def test_real_subjects_stay_distinct(real_index: ClipIndex) -> None:
    clips = real_index.clips
    assert subject_keys(clips).nunique() == clips.groupby("dataset")["subject"].nunique().sum() == 16 + 26 + 2


def test_flow_images_are_joined_by_their_own_roots(tmp_path: Path) -> None:
    with pytest.raises(MerError, match=r"flows, which is flow images; join those with dataset\.roots="):
        Composite({"flows": FlowImages(str(tmp_path))}).load()
