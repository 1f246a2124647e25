"""The worst mistakes: which, in which order, with which picture."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from mer.errors import MerError
from mer.report.mistakes import picture_path, worst_mistakes, write_strip
from tests.full_disk import room


def predictions() -> pd.DataFrame:
    rows = [("a", "a", 0.9), ("a", "b", 0.3), ("b", "a", 0.8), ("b", "b", 0.4), ("a", "b", 0.5)]
    table = pd.DataFrame(rows, columns=["target", "prediction", "prob_a"])
    table["prob_b"] = 1 - table["prob_a"]
    return table.assign(dataset="d", subject="s", clip=[f"c{n}" for n in range(len(table))])


def test_worst_are_wrong_with_the_highest_probability() -> None:
    worst = worst_mistakes(predictions())
    assert worst["clip"].tolist() == ["c2", "c1", "c4"]
    assert worst["probability"].tolist() == pytest.approx([0.8, 0.7, 0.5])
    assert worst["of_target"].tolist() == pytest.approx([0.2, 0.3, 0.5])
    assert worst_mistakes(predictions(), clips=1)["clip"].tolist() == ["c2"]


def test_tables_without_probabilities_keep_their_order() -> None:
    worst = worst_mistakes(predictions().drop(columns=["prob_a", "prob_b"]))
    assert worst["clip"].tolist() == ["c1", "c2", "c4"]
    assert worst["probability"].isna().all()


def test_strip_has_faces_before_the_flow(tmp_path: Path) -> None:
    flow = torch.zeros(2, 8, 8)
    flow[0] = 1.0
    write_strip(flow, [torch.zeros(3, 16, 16), torch.full((3, 16, 16), 0.5)], tmp_path / "strip.png")
    image = cv2.imread(str(tmp_path / "strip.png"), cv2.IMREAD_COLOR_RGB)
    assert image is not None
    assert image.shape == (128, 3 * 128 + 2 * 4, 3)
    assert [image[64, 64 + place * 132].tolist() for place in range(3)] == [[0] * 3, [128] * 3, [255, 0, 0]]
    write_strip(flow, [], tmp_path / "flow.png")
    alone = cv2.imread(str(tmp_path / "flow.png"), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(alone, image[:, -128:])


def test_strip_on_a_full_disk_is_refused_and_not_half_there(tmp_path: Path) -> None:
    with pytest.raises(MerError, match=r"to write .*strip\.png"), room(50):
        write_strip(torch.rand(2, 64, 64), [], tmp_path / "strip.png")
    assert list(tmp_path.iterdir()) == []


def test_names_of_clips_that_are_no_file_names_stay_apart() -> None:
    paths = {
        picture_path(Path("f"), {"dataset": "d", "subject": "s", "clip": name}) for name in ("../x", "..\\x", "a/b")
    }
    assert len(paths) == 3
    assert all(path.parent == Path("f/mistakes") for path in paths)
