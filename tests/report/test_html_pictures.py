"""Pictures in the report: smaller, once, within the page's room."""

import base64
import re
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure

from mer.report.html_pictures import Pictures


def write(path: Path, height_px: int, width_px: int, seed: int = 0) -> Path:
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 256, (height_px, width_px, 3), np.uint8))
    return path


def shown(page: str) -> np.ndarray:
    (content,) = re.findall(r"base64,([^\"]+)", page)
    image = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


def test_wide_pictures_are_made_smaller_and_small_ones_are_not(tmp_path: Path) -> None:
    pictures = Pictures(10**7)
    assert shown(pictures.file(write(tmp_path / "a.png", 500, 2000), "a")).shape[:2] == (250, 1000)
    assert shown(pictures.file(write(tmp_path / "b.png", 50, 20), "b")).shape[:2] == (50, 20)


def test_equal_pictures_are_shown_once(tmp_path: Path) -> None:
    pictures = Pictures(10**7)
    first, second = (pictures.file(write(tmp_path / name, 30, 30), name) for name in ("a.png", "b.png"))
    assert 'id="picture-1"' in first
    assert second == '<p>b.png: <a href="#picture-1">as shown above</a>.</p>'


def test_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    pictures = Pictures(30_000)
    made = [pictures.file(write(tmp_path / f"{n}.png", 100, 100, n), "x") for n in range(4)]
    assert 0 < pictures.used_bytes <= 30_000
    assert pictures.left_out == made.count("") > 0
    assert pictures.is_full


def test_what_is_no_picture_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    pictures = Pictures(10**7)
    assert [pictures.file(tmp_path / name, "x") for name in ("a.png", "none.png")] == ["", ""]
    assert pictures.left_out == 0


def test_caption_is_escaped_and_alternative_text(tmp_path: Path) -> None:
    page = Pictures(10**7).file(write(tmp_path / "a.png", 8, 8), '<"x">')
    assert 'alt="&lt;&quot;x&quot;&gt;"' in page
    assert "<figcaption>&lt;&quot;x&quot;&gt;</figcaption>" in page


def test_figures_are_vectors() -> None:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1])
    page = Pictures(10**7).figure(figure, "line")
    (content,) = re.findall(r"svg\+xml;base64,([^\"]+)", page)
    assert b"<svg" in base64.b64decode(content)
    assert 'width="192" height="96"' in page
