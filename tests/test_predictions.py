"""predictions.csv: written, read, scored."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mer.errors import MerError
from mer.predictions import per_subject, predictions_table, read_predictions, score_predictions, write_predictions

CLASSES = ("negative", "positive", "surprise")
HEADER = "dataset,subject,target,prediction\n"


NUMBERS = ("010", "020", "1e5", "4")  # names that a careless reader turns into numbers,
WORDS = ("NA", "null", "a,b", "é")  # or into missing values


def clips(names: Sequence[str] = NUMBERS) -> pd.DataFrame:
    """Four clips whose rows are numbered from 7."""
    return pd.DataFrame(
        {
            "dataset": ["casme2", "samm"] * 2,
            "subject": ["001", "006"] * 2,
            "clip": names,
            "label": ["negative", "positive", "surprise", "negative"],
            "fps": 200.0,
        },
        index=range(7, 11),
    )


def probabilities() -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.ones(3), 4).astype(np.float32)


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.fixture
def reference_log(real_data: Path) -> pd.DataFrame:
    return read_predictions(real_data / "reference" / "ststnet_pytorch_predictions.csv")


def test_published_log_scores_as_its_authors_report(reference_log: pd.DataFrame) -> None:
    scores = score_predictions(reference_log, draws=0)["pooled"]
    assert scores["n_clips"] == 442
    assert scores["n_subjects"] == 68
    assert scores["accuracy"] == pytest.approx(0.7398, abs=5e-5)
    assert scores["uf1"] == pytest.approx(0.7209, abs=5e-5)
    assert scores["uar"] == pytest.approx(0.7250, abs=5e-5)
    assert "intervals" not in scores


def test_published_log_is_scored_per_dataset_too(reference_log: pd.DataFrame) -> None:
    scores = score_predictions(reference_log, draws=0)
    counts = {name: (rows["n_clips"], rows["n_subjects"]) for name, rows in scores["datasets"].items()}
    assert counts == {"casme2": (145, 24), "samm": (133, 28), "smic": (164, 16)}
    hits = sum(rows["accuracy"] * rows["n_clips"] for rows in scores["datasets"].values())
    assert hits / 442 == pytest.approx(scores["pooled"]["accuracy"])


def test_intervals_of_the_published_log_hold_its_scores(reference_log: pd.DataFrame) -> None:
    scores = score_predictions(reference_log, draws=300)["pooled"]
    for name, (low, high) in scores["intervals"].items():
        assert low < scores[name] < high
        assert high - low < 0.25


def test_table_holds_keys_labels_and_one_probability_a_class() -> None:
    given = probabilities()
    table = predictions_table(clips(), given, CLASSES)
    assert list(table) == ["dataset", "subject", "clip", "target", "prediction", *(f"prob_{name}" for name in CLASSES)]
    assert list(table.index) == [0, 1, 2, 3]
    assert table["target"].tolist() == ["negative", "positive", "surprise", "negative"]
    assert table["prediction"].tolist() == [CLASSES[number] for number in given.argmax(1)]
    np.testing.assert_allclose(table.iloc[:, 5:].to_numpy(float), given, rtol=0, atol=5e-7)


@pytest.mark.parametrize("names", [NUMBERS, WORDS])
def test_reading_and_writing_again_gives_the_same_bytes(tmp_path: Path, names: tuple[str, ...]) -> None:
    first, second = tmp_path / "a" / "predictions.csv", tmp_path / "b" / "predictions.csv"
    table = predictions_table(clips(names), probabilities(), CLASSES)
    write_predictions(table, first)
    back = read_predictions(first)
    write_predictions(back, second)
    assert first.read_bytes() == second.read_bytes()
    assert back["subject"].tolist() == ["001", "006", "001", "006"]
    assert back["clip"].tolist() == list(names)
    assert [path.name for path in first.parent.iterdir()] == ["predictions.csv"]


def test_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    written(tmp_path / "file", "")
    with pytest.raises(MerError, match="to write"):
        write_predictions(clips(), tmp_path / "file" / "predictions.csv")


def test_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(MerError, match=r"no file .*nowhere\.csv"):
        read_predictions(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dataset,subject,target\na,b,c\n", "without prediction;"),
        ("target,prediction\na,b\n", "without dataset, subject;"),
        (HEADER, "on every row"),
        (HEADER + "a,b,c,d\na,,c,d\n", "on every row"),
        (HEADER + "a,b,c\n", "on every row"),
        (HEADER + "a,b,c,d,e\n", "as long as the header"),
        (HEADER + "a,b,c,d\na,b,c,d,e\n", "a CSV with columns"),
        ("", "a CSV with columns"),
        ('dataset,"subject\n', "a CSV with columns"),
    ],
)
def test_file_that_is_no_predictions_table_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(MerError, match=message) as refusal:
        read_predictions(written(tmp_path / "predictions.csv", text))
    assert "predictions.csv" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_image_in_place_of_a_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff\xfe")
    with pytest.raises(MerError, match="expected a CSV with columns"):
        read_predictions(path)


def test_table_of_another_program_needs_no_clips_or_probabilities(tmp_path: Path) -> None:
    table = read_predictions(written(tmp_path / "p.csv", HEADER + "samm,006,NA,null\nsamm,007,NA,NA\n"))
    assert table["target"].tolist() == ["NA", "NA"]
    assert score_predictions(table, draws=0)["pooled"]["accuracy"] == 0.5


def test_classes_given_set_the_order_and_may_be_absent(tmp_path: Path) -> None:
    table = read_predictions(written(tmp_path / "p.csv", HEADER + "a,1,positive,positive\na,2,negative,positive\n"))
    scores = score_predictions(table, ("surprise", "positive", "negative"), draws=0)
    assert scores["classes"] == ["surprise", "positive", "negative"]
    assert scores["pooled"]["confusion"] == [[0, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert score_predictions(table, draws=0)["classes"] == ["negative", "positive"]


def test_label_outside_the_classes_is_refused_by_name(tmp_path: Path) -> None:
    table = read_predictions(written(tmp_path / "p.csv", HEADER + "a,1,positive,happy\n"))
    with pytest.raises(MerError, match="got happy"):
        score_predictions(table, CLASSES)


def test_accuracy_of_a_subject_is_of_that_dataset_alone() -> None:
    table = pd.DataFrame(
        [("smic", "s1", "a", "a"), ("smic", "s1", "b", "a"), ("samm", "s1", "b", "b")],
        columns=["dataset", "subject", "target", "prediction"],
    )
    assert per_subject(table) == {
        "smic-s1": {"clips": 2, "accuracy": 0.5},
        "samm-s1": {"clips": 1, "accuracy": 1.0},
    }
