"""mer check prints counts beside the published ones, and a line for each row repaired or refused."""

import json
from pathlib import Path

import pytest

from tests.fakes import Casme2Row, write_casme2
from tests.runner import run_mer


def words(root: Path, *more: str) -> list[str]:
    return ["check", "dataset=casme2", f"dataset.root={root}", f"store={root.parent / 'store'}", *more]


@pytest.fixture
def quirky(tmp_path: Path) -> Path:
    """Two clips without a quirk, one without an apex, one without frames, one of a class that the scheme drops."""
    return write_casme2(
        tmp_path / "casme2",
        [
            Casme2Row(emotion="happiness"),
            Casme2Row(clip="EP02", emotion="disgust", units=12),
            Casme2Row("02", apex="/", emotion="disgust"),
            Casme2Row("02", clip="EP02", on_disk=[]),
            Casme2Row("02", clip="EP03", emotion="fear"),
        ],
    )


def test_counts_stand_beside_the_published_ones(quirky: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, *words(quirky, "images=none"))
    assert result.code == 0, result.err
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.out.splitlines() if "│" in line]
    cells = {row[0]: row[1:] for row in rows}
    # disgust, repression, surprise, happiness, others, clips, published
    assert cells["sub01"] == ["1", "0", "0", "1", "0", "2", "9"]
    assert cells["sub02"] == ["1", "0", "0", "0", "0", "1", "13"]
    assert cells["sub26"] == ["0", "0", "0", "0", "0", "0", "16"]
    assert cells["2 subjects"] == ["2", "0", "0", "1", "0", "3", "247"]
    assert cells["published: 26 subjects"] == ["64", "27", "25", "32", "99", "247", "247"]
    assert cells["difference"][:6] == ["-62", "-27", "-25", "-31", "-99", "-244"]
    assert "Li and Zhu 2022" in result.out


def test_each_row_repaired_or_refused_has_its_line(quirky: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = run_mer(capsys, *words(quirky, "images=none")).out.splitlines()
    assert "repaired casme2/sub02/EP01_01f: missing apex ('/'), left to apex=" in lines
    assert [line for line in lines if line.startswith("refused casme2/sub02/EP02: no frames on disk")]
    assert lines[-1] == "1 repaired, 1 refused"


def test_images_are_looked_at_unless_told_not_to(quirky: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = next((quirky / "CASME2-RAW" / "sub01" / "EP01_01f").iterdir())
    image.write_bytes(b"")
    assert json.loads(run_mer(capsys, *words(quirky, "json=true", "images=none")).out)["n_clips"] == 3
    for images in ("ends", "decode"):
        notes = json.loads(run_mer(capsys, *words(quirky, "json=true", f"images={images}")).out)["notes"]
        assert [note for note in notes if image.name in note["reason"]], images


def test_json_holds_counts_published_counts_and_notes(quirky: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(run_mer(capsys, *words(quirky, "json=true", "images=none")).out)
    assert (told["n_clips"], told["n_subjects"]) == (3, 2)
    assert told["per_class"] == {"disgust": 2, "happiness": 1}
    assert told["published"]["casme2"]["classes"]["disgust"] == 64
    assert {note["kind"] for note in told["notes"]} == {"repaired", "refused"}


def test_notes_are_printed_even_where_no_clip_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_casme2(tmp_path / "casme2", [Casme2Row(on_disk=[]), Casme2Row(clip="EP02", on_disk=[])])
    result = run_mer(capsys, *words(root))
    assert result.code == 2
    assert "EP02: no frames on disk" in result.out
    assert len(result.err.strip().splitlines()) == 1


def test_other_images_value_is_one_line(quirky: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, *words(quirky, "images=all"))
    assert (result.code, "decode, ends, none" in result.err) == (2, True)


def test_dataset_without_published_counts_says_so(quirky: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, *words(quirky, "images=none", "labels=action_unit"))
    assert "no published counts for casme2 under labels=au12" in result.out
