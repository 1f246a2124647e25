"""Figures: a row an explanation, the fused map first, strongest where the map is."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from mer.errors import MerError
from mer.explain.answers import rows_most_surely_right
from mer.explain.pictures import ExplainedClip, flow_picture, plot_attention, plot_grad_cam

SIDE = 20


def row(heat: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> ExplainedClip:
    picture = np.full((SIDE, SIDE, 3), 0.5, np.float32)
    return ExplainedClip("surprise (true)", picture, {"fused": heat, "branch a": 0 * heat}, [])


def inferno(path: Path) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Px that are bright yellow, as the strongest activation is, left of the colour bar."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    assert image is not None
    left = image[:, : int(0.85 * image.shape[1])].astype(int)
    return np.asarray((left[..., 0] > 190) & (left[..., 0] - left[..., 2] > 45))


def test_activation_is_drawn_where_it_is(tmp_path: Path) -> None:
    heat = np.zeros((SIDE, SIDE), np.float32)
    heat[15:, :5] = 1  # the lower left corner
    files = plot_grad_cam([row(heat)], "flow to apex", tmp_path)
    assert [file.name for file in files] == ["gradcam.png", "gradcam.pdf"]
    rows, columns = np.nonzero(inferno(files[0]))
    assert len(rows) > 100
    width, height = inferno(files[0]).shape[1], inferno(files[0]).shape[0]
    assert width / 3 < columns.mean() < 0.6 * width  # the second of three panels
    assert rows.min() > height / 2
    empty = plot_grad_cam([row(0 * heat)], "flow to apex", tmp_path / "empty")
    assert not inferno(empty[0]).any()


def test_equal_maps_make_equal_files(tmp_path: Path) -> None:
    heat = np.ones((SIDE, SIDE), np.float32)
    one, other = (plot_grad_cam([row(heat)], "onset", tmp_path / name) for name in ("one", "other"))
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in other]


def test_no_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MerError, match="a clip to draw"):
        plot_grad_cam([], "onset", tmp_path)


def test_attention_has_a_strip_a_clip_and_branch(tmp_path: Path) -> None:
    blocks = [np.full((2, 4, 4), value, np.float32) for value in (0.2, 0.8)]
    picture = np.zeros((SIDE, SIDE, 3), np.float32)
    files = plot_attention({"a": blocks, "b": blocks}, ["one", "two"], [picture, picture], tmp_path)
    assert [file.name for file in files] == ["attention.png", "attention.pdf"]
    assert all(file.stat().st_size > 1000 for file in files)


def test_flow_is_coloured_up_to_its_98th_percentile() -> None:
    flow = torch.zeros(2, 10, 10)
    flow[0] = 1.0
    flow[0, 0, 0] = 50.0
    picture = flow_picture(flow, 10)
    assert picture.shape == (3, 10, 10)
    assert picture[:, 5, 5].tolist() == pytest.approx([1, 0, 0])
    assert flow_picture(0 * flow, 10).min() == 1


def test_the_clip_that_is_drawn_is_right_and_sure_of_it() -> None:
    clips = pd.DataFrame(
        [("a", "b", 0.45), ("a", "a", 0.4), ("a", "a", 0.35), ("b", "a", 0.2), ("b", "a", 0.3)],
        columns=["label", "prediction", "probability"],
    )
    assert rows_most_surely_right(clips, ("b", "a", "none")) == [4, 1]
