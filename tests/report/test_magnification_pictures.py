"""Pictures of magnification: what stands where."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mer.errors import MerError
from mer.report.magnification_pictures import plot_magnification


def test_differences_are_coloured_by_sign_and_grow_with_magnification(tmp_path: Path) -> None:
    onset = torch.full((1, 3, 16, 16), 0.5)
    change = torch.zeros_like(onset)
    change[..., :8] = 0.02
    change[..., 8:] = -0.02
    plot_magnification(onset, onset + change, onset + 5 * change, ["surprise"], tmp_path / "m.png")
    image = cv2.imread(str(tmp_path / "m.png"), cv2.IMREAD_COLOR_RGB)
    assert image is not None
    hue = image[image.shape[0] // 2].astype(int)
    redness = hue[:, 0] - hue[:, 2]
    fifth = len(redness) // 5
    plain, magnified = redness[3 * fifth : 4 * fifth], redness[4 * fifth :]
    assert plain.max() > 10
    assert plain.min() < -10
    assert magnified.max() > 3 * plain.max()
    assert magnified.min() < 2 * plain.min()
    assert np.abs(redness[: 3 * fifth]).max() < 5  # the frames themselves are grey


def test_unequal_numbers_are_refused(tmp_path: Path) -> None:
    faces = torch.zeros(2, 3, 8, 8)
    with pytest.raises(MerError, match="as many onsets"):
        plot_magnification(faces, faces, faces[:1], ["a", "b"], tmp_path / "m.png")
