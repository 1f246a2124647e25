"""The model of a run: each fold's network as it was, their mean, and a card without anybody's name."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import softmax

from mer.errors import MerError
from mer.export import ReleasedModel, load_model
from mer.export.card import calibration_line, model_card
from mer.export.file import write_model
from mer.export.settings import portable
from mer.features.augment import flip_maps
from mer.metrics.calibration import calibrate
from mer.trained import load_run
from tests.fakes.trained import SETTINGS, random_maps, write_trained_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trained_run(tmp_path_factory.mktemp("run") / "run")


@pytest.fixture(scope="module")
def model(run: Path) -> ReleasedModel:
    return ReleasedModel.from_run(load_run(run))


@pytest.fixture
def own_run(run: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(run, tmp_path / "own"))


def test_logits_are_those_of_each_folds_module_bit_for_bit(run: Path, model: ReleasedModel) -> None:
    trained, maps = load_run(run), random_maps()
    logits = model.logits(maps)
    assert logits.shape == (3, 4, 3)
    for number, fold in enumerate(trained.folds):
        with torch.no_grad():
            assert torch.equal(logits[number], trained.module(fold)(maps))
    assert not torch.equal(logits[0], logits[1])


def test_probabilities_are_the_mean_over_folds_of_the_tempered_softmax(model: ReleasedModel) -> None:
    maps = random_maps()
    expected = softmax(model.logits(maps).double().numpy() / model.temperature, axis=-1).mean(axis=0)
    np.testing.assert_allclose(model.probabilities(maps).numpy(), expected, rtol=1e-5)
    assert model.temperature != pytest.approx(1, abs=0.01)


def test_networks_are_frozen_and_in_eval_mode(model: ReleasedModel) -> None:
    for net in model.nets:
        assert not net.training
        assert not any(one.requires_grad for one in net.parameters())


def test_mirror_images_are_averaged_where_the_run_did_so(tmp_path: Path) -> None:
    recognition = SETTINGS["recognition"] | {"flip_average": True}
    run = load_run(write_trained_run(tmp_path / "run", settings={"recognition": recognition}))
    model, maps = replace(ReleasedModel.from_run(run), temperature=1.0), random_maps()
    with torch.no_grad():
        expected = torch.stack([run.module(fold).probabilities(maps) for fold in run.folds]).mean(0)
    torch.testing.assert_close(model.probabilities(maps), expected)
    torch.testing.assert_close(model.probabilities(flip_maps(maps)), expected)
    write_model(model, tmp_path / "model.safetensors")
    torch.testing.assert_close(load_model(tmp_path / "model.safetensors").probabilities(maps), expected)
    assert not torch.allclose(replace(model, flip_average=False).probabilities(maps), expected)


def test_a_clips_probabilities_do_not_depend_on_the_others(model: ReleasedModel) -> None:
    maps = random_maps()
    alone = torch.cat([model.probabilities(maps.select([row])) for row in range(4)])
    torch.testing.assert_close(alone, model.probabilities(maps), rtol=1e-5, atol=1e-6)


def test_temperature_is_that_of_the_pooled_predictions(run: Path, model: ReleasedModel) -> None:
    table = pd.read_csv(run / "predictions.csv")
    targets = np.array([model.classes.index(label) for label in table["target"]])
    probabilities = table[[f"prob_{label}" for label in model.classes]].to_numpy()
    subjects = (table["dataset"] + "-" + table["subject"]).to_numpy(object)
    expected = calibrate(probabilities, targets, subjects)
    assert model.temperature == expected.temperature
    assert model.card["calibration"]["cross_fitted"]["ece"] == expected.cross_fitted.ece


def test_one_fold_can_be_taken_alone(run: Path, model: ReleasedModel) -> None:
    trained, maps = load_run(run), random_maps()
    one = ReleasedModel.from_run(trained, ["smic-s02"])
    assert one.n_folds == 1
    assert torch.equal(one.logits(maps)[0], model.logits(maps)[1])
    assert one.temperature == model.temperature
    for folds in (["nobody"], [], ["smic-s02", "smic-s02"]):
        with pytest.raises(MerError, match="fold"):
            ReleasedModel.from_run(trained, folds)


def test_card_tells_scores_and_counts_and_nobodys_name(run: Path, model: ReleasedModel) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert model.card["scores"]["uf1"] == {
        "value": metrics["uf1"],
        "low": metrics["intervals"]["uf1"][0],
        "high": metrics["intervals"]["uf1"][1],
    }
    assert model.card["datasets"] == {"smic": {"clips": 18, "subjects": 3}}
    text = model_card(model)
    assert f"{metrics['uf1']:.3f}" in text
    for word in ("no lie detector", "non-commercial", "smic | 18 | 3", "3 of the 3 folds"):
        assert word in text
    told = json.dumps([model.card, model.settings, model.network]) + text
    for private in ("s01", "s02", "someone", "landmarks.csv", "c0"):
        assert private not in told


def test_path_of_this_machine_is_left_out_of_the_settings(model: ReleasedModel) -> None:
    assert model.settings["align"]["landmarks"]["path"] is None
    assert model.settings["flow"] == {"_target_": "mer.flow.DISFlow", "preset": "medium"}
    assert set(model.settings) == {"align", "apex", "magnify", "flow", "features"}


def test_every_kind_of_path_becomes_null_and_nothing_else_does() -> None:
    given = {"home": "~someone", "windows": "C:\\clips", "deep": [{"unix": "clips/a"}], "name": "casme2", "size": 28}
    left = {"home": None, "windows": None, "deep": [{"unix": None}], "name": "casme2", "size": 28}
    assert portable(given) == left


@pytest.mark.parametrize(("after", "gains"), [(0.38, True), (0.42, False)])
def test_line_says_where_the_temperature_gains_nothing_on_other_subjects(after: float, gains: bool) -> None:
    fits = {"before": {"nll": 0.39, "ece": 0.132}, "after": {"nll": 0.37, "ece": 0.1}}
    cross_fitted = {"nll": after, "ece": 0.135, "ece_if_calibrated": 0.118}
    line = calibration_line({"calibration": {**fits, "cross_fitted": cross_fitted, "temperature": 1.14}})
    assert line.startswith(
        f"temperature 1.140, each subject's clips by that of the others: NLL 0.390 before, {after:.3f}"
    )
    assert "ECE 0.132, 0.135, where true probabilities of so few clips show 0.118" in line
    assert line.endswith("too few clips to gain by it") != gains


def test_names_cannot_bring_markup_into_the_card(tmp_path: Path) -> None:
    run = write_trained_run(tmp_path / "run", settings={"labels": {"name": "<script>alert(1)</script>|[x](y)"}})
    text = model_card(ReleasedModel.from_run(load_run(run)))
    assert "<script>" not in text
    assert "\\<script\\>" in text
    assert "[x](" not in text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: table.drop(columns="prob_surprise"), "without prob_surprise"),
        (lambda table: table.assign(prob_surprise=np.nan), "sum to 1"),
        (lambda table: table.assign(prob_surprise="much"), "sum to 1"),
        (lambda table: table.assign(target="joy"), "joy in"),
    ],
)
def test_predictions_that_cannot_be_calibrated_are_refused(own_run: Path, change: object, says: str) -> None:
    table = pd.read_csv(own_run / "predictions.csv")
    change(table).to_csv(own_run / "predictions.csv", index=False)  # type: ignore[operator]
    with pytest.raises(MerError, match=says):
        ReleasedModel.from_run(load_run(own_run))


def test_metrics_that_mer_did_not_write_are_refused(own_run: Path) -> None:
    metrics = json.loads((own_run / "metrics.json").read_text())
    (own_run / "metrics.json").write_text(json.dumps(metrics | {"intervals": {"uf1": "wide"}}))
    with pytest.raises(MerError, match=r"metrics\.json\.intervals"):
        ReleasedModel.from_run(load_run(own_run))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_model_predicts_the_same_on_a_gpu(model: ReleasedModel) -> None:
    maps = random_maps()
    expected = model.probabilities(maps)
    found = model.to("cuda").probabilities(maps.to("cuda"))
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-3, atol=1e-4)
