"""`mer train` of models without a network, end to end on flow images of noise."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from mer.handcrafted import Majority
from mer.handcrafted.classifiers import TrainingClips, Vectors
from tests.fakes import write_flow_images
from tests.runner import run_mer
from tests.test_train import only_run

LABELS = ("negative", "negative", "negative", "positive", "surprise")


def train(capsys: pytest.CaptureFixture[str], folder: Path, *more: str) -> tuple[Path, str]:
    """Train on four subjects of five clips, three of them negative. Gives the run's folder and what was said."""
    write_flow_images(folder / "data", subjects=4, clips_per_subject=5, labels=LABELS)
    places = [f"dataset.roots=[{folder / 'data'}]", f"outputs={folder / 'outputs'}"]
    words = ["train", "dataset=flow_images", "features.size=28", "trainer.accelerator=cpu", *places, *more]
    result = run_mer(capsys, *words)
    assert result.code == 0, result.err
    return only_run(folder / "outputs"), result.err


def metrics_of(run: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((run / "metrics.json").read_text())
    return found


def test_majority_has_the_scores_of_one_class_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of 20 clips 12 are negative: F1 = 24 / (24 + 8), and UF1 a third of it; UAR a third."""
    run, _ = train(capsys, tmp_path, "model=majority")
    assert set(pd.read_csv(run / "predictions.csv")["prediction"]) == {"negative"}
    metrics = metrics_of(run)
    assert metrics["accuracy"] == pytest.approx(0.6)
    assert metrics["uf1"] == pytest.approx(0.75 / 3)
    assert metrics["uar"] == pytest.approx(1 / 3)
    assert (metrics["n_folds"], metrics["confusion"]) == (4, [[12, 0, 0], [4, 0, 0], [4, 0, 0]])


def test_chance_is_drawn_by_the_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = [
        pd.read_csv(train(capsys, tmp_path / str(number), "model=chance", f"seed={seed}")[0] / "predictions.csv")
        for number, seed in enumerate((0, 0, 1))
    ]
    pd.testing.assert_frame_equal(drawn[0], drawn[1])
    assert not drawn[0].equals(drawn[2])
    assert len(set(drawn[0]["prediction"])) > 1


def test_bi_woof_runs_and_goes_on_whatever_the_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, _ = train(capsys, tmp_path, "model=bi_woof")
    table = pd.read_csv(run / "predictions.csv")
    probabilities = table.filter(like="prob_")
    assert probabilities.sum(axis=1).tolist() == pytest.approx([1.0] * 20, abs=1e-5)
    assert [str(name).removeprefix("prob_") for name in probabilities.idxmax(axis=1)] == table["prediction"].tolist()
    (run / "metrics.json").unlink()
    again, said = train(capsys, tmp_path, "model=bi_woof", "engine=stacked")
    assert again == run
    assert said.count("was complete") == 4
    pd.testing.assert_frame_equal(pd.read_csv(run / "predictions.csv"), table)
    compared = run_mer(capsys, "compare", str(run))
    assert compared.code == 0, compared.err


def test_descriptor_setting_out_of_bounds_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_flow_images(tmp_path / "data", subjects=2)
    words = ["dataset=flow_images", f"dataset.roots=[{tmp_path / 'data'}]", f"outputs={tmp_path / 'outputs'}"]
    result = run_mer(capsys, "train", *words, "model=bi_woof", "model.descriptor.bins=1", "features.size=28")
    assert result.code == 2
    assert "model.descriptor.bins" in result.err
    assert "Traceback" not in result.err


def test_real_smic_flows_are_told_apart_better_than_by_chance(
    real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = real_data / "flow_images" / "smic"
    words = ["dataset=flow_images", "features.size=28", f"dataset.roots=[{root}]", f"outputs={tmp_path}", "json=true"]
    result = run_mer(capsys, "train", *words, "model=bi_woof")
    assert json.loads(result.out)["intervals"]["uar"][0] > 1 / 3


def test_equal_subject_names_of_two_roots_are_two_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[set[str]] = []
    original = Majority.probabilities

    def spy(self: Majority, training: TrainingClips, vectors: Vectors) -> NDArray[np.float32]:
        told.append(set(training.subjects))
        return original(self, training, vectors)

    monkeypatch.setattr(Majority, "probabilities", spy)
    for dataset in ("smic", "casme2"):
        write_flow_images(tmp_path / dataset, dataset=dataset)
    roots = f"dataset.roots=[{tmp_path / 'smic'},{tmp_path / 'casme2'}]"
    run_mer(capsys, "train", "dataset=flow_images", "model=majority", roots, f"outputs={tmp_path / 'outputs'}")
    people = {"smic-s01", "smic-s02", "casme2-s01", "casme2-s02"}
    assert sorted(map(sorted, told)) == sorted(sorted(people - {one}) for one in people)
