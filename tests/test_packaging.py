"""The wheel works away from the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


@pytest.mark.slow
def test_wheel_holds_conf_and_runs_from_any_folder(tmp_path: Path) -> None:
    # A copy: building leaves a build/ folder behind, whose old files the next wheel would pick up.
    left_out = shutil.ignore_patterns(".*", "build", "*.egg-info", "outputs", "store", "demo", "tests")
    source = shutil.copytree(CHECKOUT, tmp_path / "source", ignore=left_out)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(source)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    (wheel,) = tmp_path.glob("mer-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    conf = {f"mer/conf/{path.relative_to(CHECKOUT / 'conf')}" for path in (CHECKOUT / "conf").rglob("*.yaml")}
    assert conf <= names
    assert {"mer/synth/portrait.png", "mer/synth/portrait_parts.png", "mer/py.typed"} <= names
    assert not any(name.startswith(("tests/", "conf/")) for name in names)

    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    where = "import mer, mer.hydra_app; print(mer.__file__, mer.hydra_app.conf_dir())"
    found = subprocess.run(
        [sys.executable, "-c", where], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    assert found.stdout.count(str(tmp_path / "site")) == 2
    synth = [sys.executable, "-m", "mer", "synth", "out=clips", "synth.subjects=2", "synth.clips_per_subject=1"]
    subprocess.run(
        [*synth, "synth.duration_s=[0.015,0.015]"], cwd=tmp_path, env=environment, check=True, capture_output=True
    )
    assert (tmp_path / "clips" / "landmarks.csv").is_file()
