"""`mer bench` measures two ways to the same frames, and every source of landmarks against true ones."""

import io
import json
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from rich.console import Console

from mer.align import FoundLandmarks
from mer.bench import loso, paper
from mer.bench.align import bench_alignment
from mer.bench.flow import make_pairs
from mer.bench.lbp_top import bench_lbp_top, in_a_loop, in_arrays, lbp_top_table
from mer.bench.magnify import IN_NUMPY, IN_OPENCV, WholeClip, in_torch
from mer.bench.sweep import landmark_sources
from mer.errors import MerError
from mer.features import FlipBlur
from mer.flow.bicubic import pixel_positions, sample_bicubic
from mer.frames import Image
from mer.magnify import EulerianMagnifier
from mer.models import STSTNet
from mer.synth.portrait import load_portrait
from tests.flow.flownet2.tiny import Tiny
from tests.runner import run_mer

MAGNIFY = ("--frames", "4", "--size", "32", "--repeats", "1", "--device", "cpu")


@pytest.fixture(autouse=True)
def no_fetching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any, **settings: Any) -> None:
        raise OSError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)


def test_bench_reports_both_times_and_their_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, "bench", "magnify", *MAGNIFY, "--json")
    rows = json.loads(result.out)
    assert list(rows) == ["magnify"]
    for row in rows["magnify"]:
        assert row["ratio"] == pytest.approx(row["instead_s"] / row["mer_s"])
        assert row["mer_s"] > 0


@pytest.mark.parametrize("in_numpy", [IN_NUMPY, IN_OPENCV])
def test_the_run_that_mer_is_measured_beside_gives_the_same_frames(in_numpy: WholeClip) -> None:
    clip = 0.4 + 0.2 * torch.rand(1, 6, 3, 48, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    theirs = torch.from_numpy(in_numpy(clip[0].permute(0, 2, 3, 1).numpy())).permute(0, 3, 1, 2)
    torch.testing.assert_close(EulerianMagnifier(matlab=True)(clip)[0], theirs, rtol=0, atol=1e-2)


def test_the_published_order_of_steps_gives_the_same_frames() -> None:
    clip = 0.4 + 0.2 * torch.rand(1, 6, 3, 48, 70, generator=torch.Generator().manual_seed(0))
    magnifier = EulerianMagnifier()
    torch.testing.assert_close(in_torch(clip, magnifier), magnifier(clip), rtol=0, atol=1e-5)


def test_bench_reports_both_parts_of_the_closed_form_and_many_clips_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(run_mer(capsys, "bench", "magnify", *MAGNIFY, "--json").out)["magnify"]
    found = {row["what"]: row for row in rows}
    assert {"band of the apex", "apex from its band", "apex, 16 clips at once"} <= set(found)
    many = found["apex, 16 clips at once"]
    assert many["clips_per_s"] == pytest.approx(16 / many["mer_s"])


def test_bench_measures_all_unless_told_what(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, "bench", *MAGNIFY, "--clips", "2", "--json")
    assert list(json.loads(result.out)) == ["magnify", "prepare", "align"]


def test_bench_refuses_an_unknown_word(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, "bench", "speed")
    assert result.code == 2
    assert "invalid choice" in result.err


def test_absent_sources_are_listed_with_their_reason(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    result = run_mer(capsys, "bench", "align", "--clips", "2", "--repeats", "1", "--device", "cpu")
    assert result.code == 0
    assert "fan is absent: expected 2D-FAN's weights; got no file" in result.out
    assert "dlib is absent: expected dlib; got dlib is not installed; pip install dlib-bin" in result.out
    assert "2 of 2" in result.out


def test_true_landmarks_have_no_error(tmp_path: Path) -> None:
    (row,) = bench_alignment(tmp_path / "clips", {}, n_clips=3, repeats=1)
    assert row["backend"] == "given"
    assert (row["ae"], row["ae_worst"], row["found"], row["clips"]) == (0, 0, 3, 3)


def test_error_is_that_of_the_faces_that_are_found(tmp_path: Path) -> None:
    class Shifted:
        """The truth, 3 px to the right; on the first clip nothing."""

        def find(self, onsets: Any, clips: Any) -> list[FoundLandmarks | MerError]:
            from mer.align import GivenLandmarks

            truth = GivenLandmarks(tmp_path / "clips" / "landmarks.csv").find(onsets, clips)
            shifted = [FoundLandmarks(one.points_px + np.float32([3, 0])) for one in truth]  # type: ignore[union-attr]
            return [MerError("a face", "none", ""), *shifted[1:]]

        def state(self, clip: Any) -> None:
            return None

    row, _ = bench_alignment(tmp_path / "clips", {"shifted": Shifted()}, n_clips=3, repeats=1)
    assert (row["found"], row["clips"]) == (2, 3)
    assert 0.005 < float(str(row["ae"])) < 0.05  # a face is some hundred px wide
    assert float(str(row["ae"])) <= float(str(row["ae_worst"]))


def test_dlib_finds_the_synthetic_faces(tmp_path: Path) -> None:
    pytest.importorskip("dlib")
    pytest.importorskip("face_recognition_models")
    from mer.align import DlibLandmarks

    row, _ = bench_alignment(tmp_path / "clips", {"dlib": DlibLandmarks()}, n_clips=2, repeats=1)
    assert row["found"] == 2
    assert float(str(row["ae"])) < 0.05


def test_contact_sheet_of_videos_names_and_leaves_out_those_without_a_face(
    tmp_path: Path, real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("dlib")
    pytest.importorskip("face_recognition_models")
    videos = [str(real_data / "video" / name) for name in ("mit_face.mp4", "no_face.mp4", "single_face.mp4")]
    words = ("bench", "align", "--clips", "2", "--repeats", "1", "--sheet", str(tmp_path / "sheet.png"), "--videos")
    result = run_mer(capsys, *words, *videos)
    assert result.code == 0
    assert "expected a face in video/video/no_face.mp4; got none on its onset frame" in result.err
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    assert sheet.shape[0] == 2 * (320 + 28)


def test_contact_sheet_of_a_file_that_is_no_video_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("dlib")
    pytest.importorskip("face_recognition_models")
    words = ("bench", "align", "--clips", "2", "--repeats", "1", "--sheet", str(tmp_path / "sheet.png"), "--videos")
    result = run_mer(capsys, *words, str(tmp_path / "absent.mp4"))
    assert result.code == 2
    assert "expected a video; got" in result.err


def test_contact_sheet_without_any_source_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    words = ("bench", "align", "--clips", "2", "--repeats", "1", "--sheet", str(tmp_path / "sheet.png"))
    result = run_mer(capsys, *words)
    assert result.code == 2
    assert "expected landmarks for the contact sheet; got neither 2D-FAN nor dlib; expected 2D-FAN's" in result.err


class Slow:
    """Landmarks that take a tenth of a second a clip, and are nowhere near a face."""

    def find(self, onsets: Sequence[Image], clips: Sequence[pd.Series]) -> list[FoundLandmarks | MerError]:
        time.sleep(0.1 * len(clips))
        return [FoundLandmarks(np.zeros((68, 2), np.float32)) for _ in clips]

    def state(self, clip: pd.Series) -> str:
        return "slow"


def test_sweep_makes_no_key_frames_again(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mer.bench.sweep._MOST_SUBJECTS", 2)
    monkeypatch.setattr("mer.verbs.bench.landmark_sources", lambda *_: {"slow": Slow()})
    rows = json.loads(run_mer(capsys, "bench", "sweep", "--clips", "3", "--device", "cpu", "--json").out)["sweep"]
    assert [row["landmarks"] for row in rows] == ["given", "slow"]
    assert rows[1]["prepare_s"] > 0.3
    for row in rows:
        assert row["what"] == "3 clips of 224 px, 20 settings"
        assert row["sweep_over_prepare"] == pytest.approx(row["sweep_s"] / row["prepare_s"])
        assert row["key_frames_made_again"] == 0
        assert row["sweep_s"] == pytest.approx(20 * row["per_setting_s"])
        assert row["prepare_s"] > 0


def test_landmarks_that_a_sweep_is_measured_with_take_a_networks_time(tmp_path: Path) -> None:
    pytest.importorskip("face_alignment")
    pytest.importorskip("dlib")
    sources = landmark_sources(tmp_path, None, "cpu")
    assert list(sources) == ["dlib", "2D-FAN, random weights"]
    assert list(landmark_sources(tmp_path, "mine.pth", "cpu")) == ["dlib", "2D-FAN"]
    face = load_portrait().image[..., ::-1].astype(np.uint8)
    (found,) = sources["2D-FAN, random weights"].find([face.copy()], [pd.Series({"clip": "a"})])
    assert isinstance(found, FoundLandmarks)


def test_flow_methods_are_measured_on_pairs_with_known_motion(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("mer.bench.flow.FlowNet2Network", Tiny)
    words = ("bench", "flow", "--pairs", "4", "--size", "64", "--repeats", "1", "--device", "cpu", "--json")
    rows = {row["method"]: row for row in json.loads(run_mer(capsys, *words).out)["flow"]}
    assert {"scikit-image TV-L1", "tvl1", "dis", "farneback", "no motion at all"} <= set(rows)
    assert rows["flownet2, random weights"]["ms"] > 0
    assert "error_small_px" not in rows["flownet2, random weights"]
    still, ours, theirs = rows["no motion at all"], rows["tvl1"], rows["scikit-image TV-L1"]
    assert ours["error_large_px"] < 0.5 * still["error_large_px"]
    assert theirs["ratio"] == 1
    assert ours["ratio"] == pytest.approx(theirs["ms"] / ours["ms"])


def test_flow_methods_that_are_not_there_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skimage.registration", None)
    monkeypatch.setattr("mer.bench.flow.METHODS", ("dis", "farnebeck"))
    monkeypatch.setattr("mer.bench.flow.FlowNet2Network", Tiny)
    result = run_mer(capsys, "bench", "flow", "--pairs", "2", "--size", "64", "--repeats", "1", "--device", "cpu")
    assert "scikit-image TV-L1 is absent" in result.out
    assert "farnebeck is absent: expected flow to be one of" in result.out


def test_flow_of_one_pair_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--pairs" in run_mer(capsys, "bench", "flow", "--pairs", "1").err


def test_made_pairs_move_as_their_truth_tells() -> None:
    pairs = make_pairs(3, 96)
    lengths = pairs.truth.norm(dim=1).amax((1, 2))
    torch.testing.assert_close(lengths.double(), pairs.peak_px)
    x, y = pixel_positions(pairs.first)
    back = sample_bicubic(pairs.second, x + pairs.truth[:, 0], y + pairs.truth[:, 1])
    inner = (..., slice(10, -10), slice(10, -10))
    unmoved, moved_back = ((frames - pairs.first)[inner][2].abs().mean() for frames in (pairs.second, back))
    assert moved_back < 0.75 * unmoved


def test_bench_trains_folds_by_every_engine_beside_a_plain_loop(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loso, "_time_parallel", lambda each, folds, training: 1.0)  # workers start in seconds
    words = ("--folds", "1", "--epochs", "1", "--repeats", "1", "--device", "cpu")
    rows = json.loads(run_mer(capsys, "bench", "loso", *words, "--json").out)["loso"]
    ways = ["plain loop", "sequential", "stacked", "parallel"]
    assert [row["way"] for row in rows] == ways * 2
    assert {row["times_plain"] for row in rows if row["way"] == "plain loop"} == {1.0}
    assert all(row["clip_epochs_per_s"] > 0 for row in rows)
    assert "times the plain loop" in loso.loso_table(rows, "x").columns[3].header


def test_networks_of_the_bench_are_one_function_written_twice() -> None:
    case = loso.CASES["STSTNet"]
    counts = {sum(weight.numel() for weight in build().parameters()) for build in (case.net, case.plain_net)}
    assert counts == {1683}


def test_paper_bench_counts_operations_by_hand_and_their_share_of_the_peak() -> None:
    """A forward of one convolution and one linear layer, and twice that backward, but for the input's gradient."""
    net = partial(STSTNet, 5)
    tiny = loso.Case(net, net, loso.CASES["STSTNet"].features, FlipBlur, 256, 1e-3)
    (row,) = paper.bench_paper("cpu", "32-true", peak_tflops=2.0, case=tiny, n_clips=52, epochs=1)
    assert row["share_of_peak"] == pytest.approx(row["tflop_per_s"] / 2)
    flop = 2 * (2 * 30 * 30 * 16 * 27 + 3 * 400 * 5)
    assert row["tflop_per_s"] == pytest.approx(26 * 50 * flop / row["seconds"] / 1e12, rel=0.01)


def test_the_loop_that_lbp_top_is_measured_beside_gives_the_same_histograms() -> None:
    clip = np.random.default_rng(3).integers(0, 256, (10, 21, 18), dtype=np.uint8)
    np.testing.assert_allclose(in_a_loop(clip), in_arrays(clip), rtol=0, atol=1e-12)


def test_bench_of_lbp_top_scales_the_loops_time_and_says_so() -> None:
    (row,) = bench_lbp_top(1, n_clips=4, shape=(9, 14, 12))
    assert row["ratio"] == pytest.approx(float(str(row["instead_s"])) / float(str(row["mer_s"])))
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(lbp_top_table([row]))
    assert "timed on 2 clips and scaled" in console.export_text()
