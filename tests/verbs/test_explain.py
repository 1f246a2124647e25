"""mer explain: what it writes, whose network explains a clip, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from mer.explain.clips import read_clips
from mer.explain.pictures import ExplainedClip
from mer.synth import write_casme2
from mer.trained import load_run
from tests.fakes import write_flow_images
from tests.runner import only_run, run_mer, train_words

CPU = ("device=cpu",)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two subjects' flow images of noise."""
    folder = tmp_path_factory.mktemp("explain")
    write_flow_images(folder / "data", subjects=2, clips_per_subject=3)
    return trained(folder, *train_words(folder / "data", folder / "outputs"))


@pytest.fixture(scope="module")
def frames_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two subjects' synthetic clips, with landmarks and action units."""
    folder = tmp_path_factory.mktemp("explain_frames")
    write_casme2(folder / "casme2", subjects=2, clips_per_subject=3, duration_s=(0.025, 0.025))
    small = ("labels=megc3", "align=given", "align.size_px=64", "features.size=28", "model.depth=1", "model.widths=[4]")
    place = (f"dataset.root={folder / 'casme2'}", f"store={folder / 'store'}", f"outputs={folder / 'outputs'}")
    short = ("dataset=casme2", "flow=dis", "trainer.max_epochs=1", "trainer.accelerator=cpu")
    return trained(folder, "train", *short, *small, *place)


def trained(folder: Path, *words: str) -> Path:
    from mer.cli import main

    assert main(words) == 0
    return only_run(folder / "outputs")


def test_a_run_of_flow_images_is_drawn_without_regions(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_mer(capsys, "explain", f"run={run}", f"out={tmp_path}", "json=true", *CPU)
    assert result.code == 0, result.err
    assert "no landmarks here" in result.err
    told = json.loads(result.out)
    assert told == json.loads((tmp_path / "shares.json").read_text())
    assert told["method"] == "grad_cam"
    names = ["attention.npz", "attention.pdf", "attention.png", "gradcam.npz", "gradcam.pdf", "gradcam.png"]
    assert sorted(Path(file).name for file in told["files"]) == [*names, "shares.csv", "shares.json"]
    assert all(Path(file).stat().st_size > 100 for file in told["files"])
    table = pd.read_csv(tmp_path / "shares.csv")
    answers = pd.read_csv(run / "predictions.csv")
    assert len(table) == 3 * 2 * len(answers)  # maps; for the true and for the predicted class
    assert table["share"].isna().all()
    for reason, column in (("true", "target"), ("predicted", "prediction")):
        explained = table[(table["reason"] == reason) & (table["map"] == "fused")]
        merged = explained.merge(answers, on=["dataset", "subject", "clip"])
        assert (merged["explained"] == merged[f"{column}_y"]).all()
    with np.load(tmp_path / "gradcam.npz") as arrays:
        assert set(arrays["clip"]) <= {"/".join(one) for one in answers[["dataset", "subject", "clip"]].to_numpy()}
        assert arrays["fused"].shape[1:] == (28, 28)
        assert max(arrays["branch a"].max(), arrays["branch b"].max()) <= 1 + 1e-6


def test_every_class_is_explained_on_request(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("classes=all", "method=hires_cam", "json=true", "clips=[smic/s01/clip_02]")
    result = run_mer(capsys, "explain", f"run={run}", f"out={tmp_path}", *words, *CPU)
    assert json.loads(result.out)["method"] == "hires_cam"
    with np.load(tmp_path / "gradcam.npz") as arrays:
        assert set(arrays["clip"]) == {"smic/s01/clip_02"}
        assert sorted(arrays["explained"]) == ["negative", "positive", "surprise"]
    with np.load(tmp_path / "attention.npz") as arrays:
        assert arrays["a_01"].shape == (1, 28, 28)


def test_a_clip_is_explained_by_the_fold_that_never_saw_its_subject(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One fold's network gets a head of zeros: the maps of its own test subject vanish, and no others."""
    weights = run / "folds" / "smic-s02" / "model.safetensors"
    kept = load_file(weights)
    try:
        save_file(kept | {"head.weight": torch.zeros_like(kept["head.weight"])}, weights)
        words = ("clips=[smic/s01/clip_01,smic/s02/clip_01]", "classes=all")
        assert run_mer(capsys, "explain", f"run={run}", f"out={tmp_path}", *words, *CPU).code == 0
    finally:
        save_file(kept, weights)
    with np.load(tmp_path / "gradcam.npz") as arrays:
        strongest = dict.fromkeys(arrays["clip"], 0.0)
        for clip, heat in zip(arrays["clip"], arrays["fused"], strict=True):
            strongest[clip] = max(strongest[clip], float(heat.max()))
    assert strongest["smic/s02/clip_01"] == 0
    assert strongest["smic/s01/clip_01"] > 0


def test_probabilities_are_those_of_the_clip_and_its_fold(run: Path) -> None:
    read = load_run(run)
    found = read_clips(read, torch.device("cpu"), {})
    for fold in read.folds:
        rows = found.of_fold(fold)
        clips = found.clips.iloc[rows]
        assert set(clips["dataset"] + "-" + clips["subject"]) == {fold.name}
        probabilities = read.module(fold)(found.maps.select(rows.tolist())).softmax(1)
        own = [probabilities[place, read.classes.index(label)].item() for place, label in enumerate(clips["label"])]
        assert own == pytest.approx(clips["probability"].tolist(), abs=1e-5)


def test_shares_lie_beside_areas_and_faces_are_drawn_only_when_asked(
    frames_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[str, ExplainedClip]] = []

    def draw(rows: list[ExplainedClip], heading: str, folder: Path) -> list[Path]:
        drawn.append((heading, rows[0]))
        return []

    monkeypatch.setattr("mer.explain.run.plot_grad_cam", draw)
    name = "casme2/sub01/" + pd.read_csv(frames_run / "predictions.csv")["clip"][0]
    for show in ("true", "false"):
        words = (f"out={tmp_path / show}", f"show_faces={show}", f"clips=[{name}]")
        result = run_mer(capsys, "explain", f"run={frames_run}", *words, *CPU)
        assert result.code == 0, result.err
    assert "surprise" in result.out
    table = pd.read_csv(tmp_path / "false" / "shares.csv").query("map == 'fused' and reason == 'true'")
    assert len(table) == 6
    assert table[["area", "area_coded"]].notna().all(axis=None)
    assert ((table["area"] > 0.05) & (table["area"] < 0.4)).all()
    assert table["share"].dropna().between(0, 1).all()

    face = read_clips(load_run(frames_run), torch.device("cpu"), {}).onset(0)
    assert face is not None
    (with_face, shown), (without, outlined) = drawn
    assert (with_face, without) == ("onset", "flow to apex")
    np.testing.assert_array_equal(shown.picture, face.permute(1, 2, 0).numpy())
    assert np.abs(outlined.picture - shown.picture).mean() > 0.05
    assert shown.landmarks_px is None
    assert outlined.landmarks_px is not None
    assert len(shown.regions) >= 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run=none"], "a finished run's folder"),
        (["run="], "set run=DIR"),
        (["classes=some"], "classes to be one of"),
        (["method=mean"], "method to be one of"),
        (["clips=[smic/s01/none]"], "smic/s01/none"),
        (["clips=[]"], "clips= of"),
        (["show_faces=true"], "show_faces=false"),
        (["action_units.negative=4"], "a list for action_units.negative"),
        (["action_units.negative=[0]"], "action_units.negative to be a number"),
        (["+settings.dataset.roots=[none]"], "none"),
    ],
)
def test_bad_input_is_refused(
    words: list[str], says: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [f"run={run}", f"out={tmp_path / 'out'}", *CPU] if not words[0].startswith("run=") else [*CPU]
    result = run_mer(capsys, "explain", *given, *words)
    assert result.code == 2
    assert says in result.err
    assert not (tmp_path / "out").exists()


def test_clips_that_are_gone_are_named(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_flow_images(tmp_path / "fewer", subjects=2, clips_per_subject=2)
    words = (f"+settings.dataset.roots=[{tmp_path / 'fewer'}]", f"out={tmp_path / 'out'}")
    result = run_mer(capsys, "explain", f"run={run}", *words, *CPU)
    assert result.code == 2
    assert "2 not there: smic/s01/clip_03" in result.err


def test_other_networks_are_explained_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_flow_images(tmp_path / "data", subjects=2, clips_per_subject=3)
    words = ["train", "dataset=flow_images", f"dataset.roots=[{tmp_path / 'data'}]", f"outputs={tmp_path / 'a=b,c'}"]
    net = ("model=ststnet", "features=uveps", "features.size=28", "trainer.max_epochs=1", "trainer.accelerator=cpu")
    assert run_mer(capsys, *words[:-1], f"outputs='{tmp_path / 'a=b,c'}'", *net).code == 0
    folder = only_run(tmp_path / "a=b,c")
    result = run_mer(capsys, "explain", f"run={folder}", "json=true", *CPU)
    assert result.code == 0, result.err
    assert json.loads(result.out)["method"] == "hires_cam"
    assert "weighs each place by itself" in result.err
    assert "no spatial attention" in result.err
    assert (folder / "explain" / "gradcam.png").is_file()
