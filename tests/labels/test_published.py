"""Published counts are read from the configuration and must agree with themselves."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from mer.errors import MerError
from mer.hydra_app import conf_dir
from mer.labels import LabelScheme, Published, read_published
from tests.conftest import LabelsOf

ENTRY = {"subjects": 2, "classes": {"a": 3, "b": 1}, "source": "Doe 2020", "per_subject": {"s1": 3, "s2": 1}}


def test_counts_are_read() -> None:
    found = read_published({"casme2": ENTRY}, "mine", ["a", "b"])
    assert found == {"casme2": Published(2, {"a": 3, "b": 1}, "Doe 2020", {"s1": 3, "s2": 1})}
    assert found["casme2"].clips == 4


def test_counts_a_subject_may_be_unknown() -> None:
    entry = {key: value for key, value in ENTRY.items() if key != "per_subject"}
    assert read_published({"casme2": entry}, "mine")["casme2"].per_subject == {}


def test_nothing_published_is_nothing() -> None:
    assert read_published(None, "mine") == {}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"subject": 2}, "missing or unknown: subject;"),
        ({"source": None}, "a source in labels.published.casme2 of mine; got None"),
        ({"source": " "}, "a source in"),
        ({"subjects": 0}, "subjects to be a number in"),
        ({"subjects": "two"}, "subjects to be a number in"),
        ({"classes": ["a", "b"]}, "name: number of clips in labels.published.casme2 of mine: classes"),
        ({"classes": {"a": -1, "b": 5}}, r"classes\.a to be a number in"),
        ({"classes": {"a": 2.5, "b": 1.5}}, r"classes\.a to be a whole number"),
        ({"classes": {"a": 3, "c": 1}}, "classes a, b in .*; got c;"),
        ({"per_subject": {"s1": 4}}, "2 subjects and 4 clips in .*; got 1 and 4"),
        ({"per_subject": {"s1": 3, "s2": 2}}, "2 subjects and 4 clips in .*; got 2 and 5"),
    ],
)
def test_malformed_entry_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(MerError, match=message):
        read_published({"casme2": ENTRY | changed}, "mine", ["a", "b"])


def test_missing_key_is_named() -> None:
    with pytest.raises(MerError, match="missing or unknown: source, subjects;"):
        read_published({"casme2": {"classes": {"a": 1}}}, "mine")


def test_entry_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(MerError, match="got 247; write it as a mapping"):
        read_published({"casme2": 247}, "mine")  # type: ignore[dict-item]


def test_scheme_checks_its_own_published_counts() -> None:
    with pytest.raises(MerError, match=r"classes good, bad in labels\.published\.casme2 of two; got a, b"):
        LabelScheme("two", {"good": ["joy"], "bad": ["fear"]}, published={"casme2": ENTRY})


@pytest.mark.parametrize(
    ("choice", "dataset", "clips", "subjects"),
    [
        ("casme2", "casme2", 247, 26),
        ("smic", "smic", 164, 16),
        ("megc3", "smic", 164, 16),
        ("megc3", "casme2", 145, 24),
        ("megc3", "samm", 133, 28),
        ("composite", "samm", 133, 28),
        ("raw", "casme2", 255, 26),
        ("raw", "samm", 159, 29),
        ("objective", "casme2", 185, 26),
    ],
)
def test_published_counts_of_the_choices(
    labels_of: LabelsOf, choice: str, dataset: str, clips: int, subjects: int
) -> None:
    found = labels_of(choice).published[dataset]
    assert (found.clips, found.subjects) == (clips, subjects)


@pytest.mark.parametrize("dataset", ["smic", "casme2"])
def test_megc3_counts_are_those_of_the_published_flow_images(
    real_data: Path, labels_of: LabelsOf, dataset: str
) -> None:
    sheet = pd.read_csv(real_data / "flow_images" / dataset / "labels.csv", dtype=str)
    found = labels_of("megc3").published[dataset]
    assert sheet["label"].value_counts().to_dict() == found.classes
    assert sheet["subject"].value_counts().to_dict() == found.per_subject


def test_one_action_unit_is_chosen_by_its_number() -> None:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", ["labels=action_unit", "labels.unit=4", "name=x"])
    assert instantiate(cfg.labels).classes == ["au4", "no_au4"]
    assert cfg.labels.name == "au4"


@pytest.mark.parametrize(
    ("choice", "classes"),
    [
        ("smic", "negative positive surprise"),
        ("samm", "happiness anger contempt surprise other"),
        ("casme", "disgust repression surprise tense"),
        ("casme3", "happy disgust fear anger sad surprise others"),
        ("mmew", "happiness surprise anger disgust fear sadness"),
        ("fourdme", "positive negative surprise repression others"),
        ("composite", "negative positive surprise"),
        ("objective", "I II III IV V"),
    ],
)
def test_classes_of_the_choices(labels_of: LabelsOf, choice: str, classes: str) -> None:
    assert labels_of(choice).classes == classes.split()


def subjects_of(sheet: pd.DataFrame) -> dict[str, int]:
    return ("sub" + sheet["Subject"]).value_counts().to_dict()


def test_casme2_counts_are_those_of_its_sheets(real_data: Path, labels_of: LabelsOf) -> None:
    read = {"dtype": str, "keep_default_na": False}
    coding = pd.read_excel(real_data / "annotations" / "CASME2-coding-20140508.xlsx", **read)
    objective = pd.read_excel(real_data / "annotations" / "CASME2-ObjectiveClasses.xlsx", **read)
    emotions = coding["Estimated Emotion"].str.strip()
    raw, five = labels_of("raw").published["casme2"], labels_of("casme2").published["casme2"]
    assert emotions.value_counts().to_dict() == raw.classes
    assert subjects_of(coding) == raw.per_subject
    # The papers' 247 clips hold sub24/EP02_07 (disgust), which the sheet has not.
    in_sheet = subjects_of(coding[emotions.isin(list(five.classes))])
    assert in_sheet | {"sub24": in_sheet["sub24"] + 1} == five.per_subject
    kept = objective[objective["Objective Class"].isin(list("12345"))]
    assert subjects_of(kept) == labels_of("objective").published["casme2"].per_subject
