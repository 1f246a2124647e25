"""The notebooks run, import mer alone, and are kept without outputs."""

import json
import re
import sys
from pathlib import Path

import matplotlib as mpl
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
_ALLOWED = {"mer", "mynet", "matplotlib", "torch", "numpy", "pandas", "itertools", "pathlib", "sys", "tempfile"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_from_any_folder(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", ["notebook"])
    mpl.use("Agg")
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] for cell in cells)
    source = "\n\n".join("".join(cell["source"]) for cell in cells)
    imported = set(re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE))
    assert imported <= _ALLOWED
    exec(compile(source, str(path), "exec"), {"__name__": "notebook"})
    mpl.pyplot.close("all")
    sys.modules.pop("mynet", None)  # a notebook's own module


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS
