"""Small files that claim to be large end in one line, before they fill the memory or run for ever."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mer.datasets import FlowImages
from mer.datasets.sheet import read_sheet
from mer.errors import MerError, require_integer, require_number
from mer.frames import read_frame
from mer.runs import read_run
from mer.schema import require_bounded
from tests.fakes.runs import write_run
from tests.hostile.payloads import laughing_yaml, write_png, write_workbook
from tests.runner import run_mer


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def run(kept: Path) -> Any:
    """A run whose two files are as they were after the test."""
    texts = {file: file.read_text() for file in (kept / "config.yaml", kept / "metrics.json")}
    yield kept
    for file, text in texts.items():
        file.write_text(text)


@pytest.mark.parametrize("text", [laughing_yaml(), "a: &a [*a]\n", "[" * 20_000, "a: " + "[" * 70 + "]" * 70])
def test_config_that_never_ends_is_refused(text: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "config.yaml").write_text(text)
    for verb in ("compare", "report"):
        result = run_mer(capsys, verb, str(run))
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert not (run / "report.html").exists()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("accuracy", "high", "accuracy"),
        ("uf1", None, "uf1"),
        ("intervals", {"uf1": ["a", "b"]}, "intervals"),
        ("per_subject", {"\x1b[2J": {"clips": 1, "accuracy": 1.0}}, "per_subject"),
        ("per_class", [], "per_class"),
        ("seconds", "1 s", "seconds"),
        ("versions", {"mer": 3}, "versions"),
    ],
)
def test_metrics_of_another_form_are_refused(name: str, value: Any, says: str, run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").write_text(json.dumps(metrics | {name: value}))
    with pytest.raises(MerError, match=says):
        read_run(run)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "9" * 5000, " " * 10_000_001])
def test_metrics_that_are_no_small_json_are_refused(text: str, run: Path) -> None:
    (run / "metrics.json").write_text(text)
    with pytest.raises(MerError, match="finished run"):
        read_run(run)


def test_bound_counts_what_aliases_repeat() -> None:
    inner: list[Any] = [0] * 300
    require_bounded([inner] * 300, "it")
    with pytest.raises(MerError, match="100000 values"):
        require_bounded([inner] * 400, "it")


@pytest.mark.parametrize("side_px", [8_200, 30_000, 100_000, 2**31 - 1])
def test_image_that_claims_too_many_pixels_is_refused(side_px: int, tmp_path: Path) -> None:
    file = write_png(tmp_path / "bomb.png", side_px, side_px, is_whole=side_px < 10_000)
    assert file.stat().st_size < 2_000_000
    with pytest.raises(MerError, match="readable frame"):
        read_frame(str(file))
    row = {"dataset": "smic", "subject": "s1", "clip": "c1", "label": "positive", "files": (str(file),)}
    with pytest.raises(MerError, match="readable flow image"):
        FlowImages(str(tmp_path)).flow_maps(pd.DataFrame([row]))


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "../" * 2000 + "x"])
def test_image_of_an_impossible_name_is_refused(name: str, tmp_path: Path) -> None:
    row = {"dataset": "smic", "subject": "s1", "clip": "c1", "label": "positive", "files": (f"{tmp_path}/{name}",)}
    with pytest.raises(MerError, match="readable flow image"):
        FlowImages(str(tmp_path)).flow_maps(pd.DataFrame([row]))


def inserted(xml: bytes, rows: bytes) -> bytes:
    return xml.replace(b"</sheetData>", rows + b"</sheetData>")


def test_image_within_the_bound_is_read(tmp_path: Path) -> None:
    assert read_frame(str(write_png(tmp_path / "large.png", 3000, 2000, is_whole=True))).shape == (2000, 3000, 3)


def test_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mer.datasets.sheet._LARGEST_BYTES", 1_000_000)
    cell = b'<row r="3"><c r="A3" t="inlineStr"><is><t>' + b"A" * 2_000_000 + b"</t></is></c></row>"
    file = write_workbook(tmp_path / "bomb.xlsx", lambda xml: inserted(xml, cell))
    assert file.stat().st_size < 50_000
    with pytest.raises(MerError, match="unpacked"):
        read_sheet(file, {"a": ("a",)})


def test_cell_in_the_last_column_does_not_fill_up_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = b'<row r="3"><c r="A3"><v>1</v></c><c r="XFD3"><v>1</v></c></row>'
    file = write_workbook(tmp_path / "wide.xlsx", lambda xml: inserted(xml, cells))
    widest = []
    monkeypatch.setattr(
        "mer.datasets.sheet._text", lambda cell: widest.append(cell) or ("" if cell is None else str(cell))
    )
    assert [row["a"] for row in read_sheet(file, {"a": ("a",)})] == ["x", "1"]
    assert len(widest) < 2000


def test_entities_in_a_workbook_are_not_expanded(tmp_path: Path) -> None:
    entities = b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10 if n else b"AAAAAAAAAA") for n in range(9))
    cell = b'<row r="3"><c r="A3" t="inlineStr"><is><t>&a8;</t></is></c></row>'

    def change(xml: bytes) -> bytes:
        body = inserted(xml, cell)
        return b'<?xml version="1.0"?><!DOCTYPE x [' + entities + b"]>" + body[body.find(b"<worksheet") :]

    with pytest.raises(MerError, match="xlsx workbook"):
        read_sheet(write_workbook(tmp_path / "laughs.xlsx", change), {"a": ("a",)})


@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_number_beyond_all_floats_is_refused(value: int) -> None:
    for require in (lambda: require_number("alpha", value), lambda: require_integer("depth", value, 1, 16)):
        with pytest.raises(MerError, match="beyond all floats"):
            require()
