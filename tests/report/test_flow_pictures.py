"""Pictures of flow: what is chosen, what is drawn where."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from mer.errors import MerError
from mer.report.flow_pictures import arrow_grid, plot_flow_on_faces, plot_flow_samples, sample_rows

CLASSES = ("left", "right", "none of all")
LABELS = ["right", "left", "left", "right", "left"]


def uniform(*vectors: tuple[float, float]) -> Tensor:
    """A flow for each vector, alike everywhere, ``(N, 2, 8, 8)``."""
    return torch.tensor(vectors, dtype=torch.float32)[..., None, None].expand(-1, -1, 8, 8).clone()


def picture(path: Path) -> NDArray[np.uint8]:
    """Height, width, RGB."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    assert image is not None
    return np.asarray(image, np.uint8)


def rows_with(image: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.int64]:
    """Pixel rows where ``colour`` fills more than a tenth of the width."""
    return np.flatnonzero((image == colour).all(axis=2).mean(axis=1) > 0.1)


def test_samples_are_spread_over_a_class_and_stay_in_it() -> None:
    labels = ["a", "b"] * 50
    first, second = sample_rows(labels, ("b", "a"), 3)
    assert (first[0], first[-1], second[0], second[-1]) == (1, 99, 0, 98)
    assert 40 < first[1] < 60
    assert [{labels[row] for row in rows} for rows in (first, second)] == [{"b"}, {"a"}]


@pytest.mark.parametrize(("clips", "expected"), [(1, [[1], [0], []]), (2, [[1, 4], [0, 3], []])])
def test_no_more_samples_than_clips(clips: int, expected: list[list[int]]) -> None:
    assert sample_rows(LABELS, CLASSES, clips) == expected
    assert sample_rows(LABELS, CLASSES, 9) == [[1, 2, 4], [0, 3], []]


def test_samples_show_a_class_a_row_in_its_colours(tmp_path: Path) -> None:
    flow = uniform((3, 0), (-1, 0), (-2, 0), (1, 0), (-1, 0))
    plot_flow_samples(flow, LABELS, CLASSES, tmp_path / "samples.png", clips=2)
    image = picture(tmp_path / "samples.png")
    left, right = rows_with(image, (0, 209, 255)), rows_with(image, (255, 0, 0))
    assert len(left) > 50
    assert len(right) > 50
    assert left.max() < right.min()


def test_mean_of_opposite_motions_is_white(tmp_path: Path) -> None:
    for name, flow in (("same", uniform((2, 0), (2, 0))), ("opposite", uniform((2, 0), (-2, 0)))):
        plot_flow_samples(flow, ["a", "a"], ["a"], tmp_path / f"{name}.png", clips=1)
    red = [((picture(tmp_path / f"{name}.png")) == (255, 0, 0)).all(axis=2).sum() for name in ("same", "opposite")]
    assert red[1] == pytest.approx(red[0] / 2, rel=0.1)


def test_one_wild_pixel_does_not_pale_the_rest(tmp_path: Path) -> None:
    flow = uniform((2, 0))
    flow[0, :, 0, 0] = torch.tensor([0.0, 500.0])
    plot_flow_samples(flow, ["a"], ["a"], tmp_path / "samples.png", clips=1)
    assert len(rows_with(picture(tmp_path / "samples.png"), (255, 0, 0))) > 50


def test_arrows_are_the_mean_flow_of_their_cells() -> None:
    y, x = torch.meshgrid(torch.arange(40.0), torch.arange(40.0), indexing="ij")
    positions, vectors = arrow_grid(torch.stack([0.1 * x, 0.2 * y - 1]))
    assert positions.shape == vectors.shape == (400, 2)
    np.testing.assert_allclose(vectors, positions * (0.1, 0.2) - (0, 1), atol=1e-6)
    assert positions[:2].tolist() == [[0.5, 0.5], [2.5, 0.5]]


def test_arrows_of_a_small_flow_stand_on_its_pixels() -> None:
    positions, vectors = arrow_grid(uniform((1, 2))[0])
    assert positions[:2].tolist() == [[0, 0], [1, 0]]
    assert (vectors == (1, 2)).all()


def test_arrows_point_where_the_face_moves(tmp_path: Path) -> None:
    flow = torch.zeros(1, 2, 20, 20)
    flow[0, 0, 10, 10] = 1.0
    plot_flow_on_faces(torch.zeros(1, 3, 20, 20), flow, ["x"], tmp_path / "faces.png")
    image = picture(tmp_path / "faces.png").astype(int)
    face = np.flatnonzero((image.sum(axis=2) == 0).mean(axis=1) > 0.5)
    columns = np.flatnonzero((image.sum(axis=2) == 0).mean(axis=0) > 0.5)
    green = (image[..., 1] > 200) & (image[..., 0] < 100)
    rows, places = np.nonzero(green)
    middle_row, middle_column = (face[0] + face[-1]) / 2, (columns[0] + columns[-1]) / 2
    assert abs(rows.mean() - middle_row) < 0.05 * len(face)
    assert places.min() > middle_column - 2
    assert 0.05 < (places.max() - places.min()) / len(columns) < 0.15  # two cells of twenty


def test_face_that_stands_still_can_be_drawn(tmp_path: Path) -> None:
    plot_flow_on_faces(torch.rand(2, 3, 16, 16), torch.zeros(2, 2, 8, 8), ["a", "b"], tmp_path / "faces.png")
    assert (tmp_path / "faces.png").is_file()


def test_each_flow_needs_a_face_and_a_title(tmp_path: Path) -> None:
    with pytest.raises(MerError, match="got 1 faces, 2 flows, 2 titles"):
        plot_flow_on_faces(torch.rand(1, 3, 16, 16), torch.zeros(2, 2, 8, 8), ["a", "b"], tmp_path / "faces.png")
