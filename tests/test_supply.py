"""What is installed is named by its hash, of an allowed licence, and looked up for known holes."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from email.message import Message
from importlib import metadata
from importlib.metadata import Distribution
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})\b")
Pins = Mapping[str, list[Requirement]]


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


lock, licences, audit = load("lock"), load("licences"), load("audit")


def entries(*names: str) -> list[str]:
    return [entry for name in names for entry in lock.entries((FOLDER / f"{name}.txt").read_text())]


def pins(*names: str) -> Pins:
    """Package -> its pins; several where the Python decides."""
    found: dict[str, list[Requirement]] = {}
    for entry in entries(*names):
        requirement = Requirement(entry.split("\n")[0].removesuffix("\\").strip())
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def version(pin: Requirement) -> str:
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    return specifier.version


LOCKED = pins("build", "dev", "torch")


def test_every_locked_package_has_one_version_and_hashes() -> None:
    for entry in entries("build", "dev", "torch"):
        assert HASH.search(entry), entry
    assert all(version(pin) for found in LOCKED.values() for pin in found)
    assert len(LOCKED) > 100


def test_locked_versions_are_those_of_constraints() -> None:
    constraints = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if line[0] != "#"]
    both = [one for one in constraints if canonicalize_name(one.name) in LOCKED]
    assert len(both) > 25
    for one in both:
        assert {version(pin) for pin in LOCKED[canonicalize_name(one.name)]} == {version(one)}, one.name


@pytest.mark.parametrize(
    "needed",
    [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["dev"],
        *PROJECT["build-system"]["requires"],
    ],
)
def test_each_dependency_is_locked_at_a_version_that_will_do(needed: str) -> None:
    requirement = Requirement(needed)
    found = LOCKED[canonicalize_name(requirement.name)]
    assert all(requirement.specifier.contains(version(pin), prereleases=True) for pin in found)


def test_what_a_locked_package_needs_is_locked() -> None:
    alike = [name for name, (pin, *_) in LOCKED.items() if licences._is_installed(name) and is_locked(name, pin)]
    assert len(alike) > 20
    for name in alike:
        assert {needed for needed, _ in licences._needs(name, "")} <= set(LOCKED), name


def is_locked(name: str, pin: Requirement) -> bool:
    return metadata.version(name).split("+")[0] == version(pin)


def test_cpu_builds_of_pytorch_are_locked_beside_pypis() -> None:
    (torch,) = [entry for entry in entries("torch") if entry.startswith("torch==")]
    hashes = set(HASH.findall(torch))
    cpu = {line.split()[0] for line in (FOLDER / "torch_cpu.sha256").read_text().splitlines()}
    assert cpu < hashes


def test_pytorch_and_its_cuda_libraries_are_constraints_alone() -> None:
    assert "torch" not in pins("dev")
    assert not [name for name in pins("dev") if name.startswith(("nvidia-", "cuda-", "triton"))]


def test_cpu_builds_of_another_pytorch_stop_the_lock() -> None:
    entry = "torch==9.9.9 \\\n    --hash=sha256:aa\n    # via mer"
    assert "--hash=sha256:bb \\\n    --hash=sha256:aa" in lock.with_cpu_wheels(entry, "bb  torch-9.9.9+cpu-cp311-x.whl")
    with pytest.raises(SystemExit, match=r"torch 9\.9\.9 in requirements/torch_cpu"):
        lock.with_cpu_wheels(entry, "bb  torch-9.9.8+cpu-cp311-x.whl")
    assert lock.with_cpu_wheels("rich==15.0.0", "") == "rich==15.0.0"


def test_hashes_are_asked_for_anew_and_each_is_there_once() -> None:
    kept = lock.without_hashes("# Head\nrich==15.0.0 ; python_version < '4' \\\n    --hash=sha256:aa\n    # via mer\n")
    assert kept == "rich==15.0.0 ; python_version < '4'"
    for entry in entries("build", "dev", "torch"):
        hashes = HASH.findall(entry)
        assert len(hashes) == len(set(hashes)), entry


def test_install_without_a_python_says_how() -> None:
    ran = subprocess.run([FOLDER / "install.sh"], capture_output=True, text=True, check=False)
    assert (ran.returncode, "install.sh PYTHON; got 0 words" in ran.stderr) == (2, True)


@pytest.mark.slow
def test_file_of_another_hash_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.txt"
    wrong.write_text(f"iniconfig=={version(LOCKED['iniconfig'][0])} --hash=sha256:{'0' * 64}\n")
    words = ["install", "--dry-run", "--ignore-installed", "--no-deps", "--require-hashes", "--requirement", str(wrong)]
    ran = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    if "No matching distribution" in ran.stderr or "Could not find a version" in ran.stderr:
        pytest.skip("no registry")
    assert "DO NOT MATCH THE HASHES" in ran.stderr


class Fake(Distribution):
    """An installed package of made-up metadata."""

    def __init__(self, **told: str) -> None:
        self.told = Message()
        for name, value in {"Name": "fake", "Version": "1", **told}.items():
            self.told[name.replace("_", "-")] = value

    @property
    def metadata(self) -> Any:
        return self.told

    def read_text(self, filename: str) -> None:
        return None

    def locate_file(self, path: Any) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("told", "licence", "allowed"),
    [
        ({"License_Expression": "MIT"}, "MIT", True),
        ({"License_Expression": "MIT AND GPL-3.0-only"}, "MIT AND GPL-3.0-only", False),
        ({"License_Expression": "GPL-3.0-only OR MIT AND ISC"}, "GPL-3.0-only OR MIT AND ISC", True),
        ({"License_Expression": "(GPL-3.0-only OR MIT) AND ISC"}, "(GPL-3.0-only OR MIT) AND ISC", False),
        ({"License_Expression": "(ISC OR MIT) AND ISC"}, "(ISC OR MIT) AND ISC", True),
        ({"Classifier": "License :: OSI Approved :: MIT License", "License": "A long text"}, "MIT", True),
        ({"Classifier": "License :: OSI Approved", "License": "Apache 2.0"}, "Apache-2.0", True),
        ({"License": "UNKNOWN"}, "", False),
        ({"License": "Free for good people\nand others"}, "Free for good people", False),
        ({}, "", False),
    ],
)
def test_licence_is_read_and_judged(told: dict[str, str], licence: str, allowed: bool) -> None:
    found = licences.licence_of(Fake(**told))
    assert (found, licences.is_allowed(found)) == (licence, allowed)


def test_package_of_an_unknown_licence_fails_the_command_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known, unknown = (licences.Package(name, "1", word, ("mer",)) for name, word in (("a", "MIT"), ("b", "")))
    (tmp_path / "page.md").write_text("# Head\n\n<!-- make licences -->\nold\n")
    monkeypatch.setattr(licences, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(licences, "packages", lambda: [known, unknown])
    assert licences.main() == 1
    assert "expected an allowed licence of b 1; got none" in capsys.readouterr().err
    monkeypatch.setattr(licences, "packages", lambda: [known])
    assert licences.main() == 0
    written = (tmp_path / "page.md").read_text()
    assert written.startswith("# Head\n")
    assert "| a | 1 | MIT | mer |" in written
    assert "old" not in written


def test_all_that_is_installed_here_may_be_used() -> None:
    listed = licences.packages()
    assert licences.refused(listed) == []
    assert {"torch", "pytorch-lightning", "pytest"} <= {one.name for one in listed}


def test_page_of_licences_has_each_dependency_at_the_version_of_constraints() -> None:
    rows = dict(re.findall(r"^\| (\S+) \| (\S+) \|", licences.PAGE.read_text(), re.MULTILINE))
    constraints = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if line[0] != "#"
    )
    extras = PROJECT["project"]["optional-dependencies"]
    needed = [*PROJECT["project"]["dependencies"], *(one for name in extras if name != "ray" for one in extras[name])]
    for name in (canonicalize_name(Requirement(one).name) for one in needed):
        assert rows[name].split("+")[0] == constraints.get(name, rows[name]), name


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], 0, "0 known holes in 1 of 1 packages"),
        ([{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}], 1, "a 1: X-1, mended in 2"),
        (
            [{"name": "a", "skip_reason": "?"}, {"name": "b", "version": "1", "vulns": []}],
            3,
            "told nothing of the others",
        ),
        ([], 3, "0 of 0"),
    ],
)
def test_audit_tells_holes_from_packages_that_nobody_knows(packages: list[Any], code: int, said: str) -> None:
    found, lines = audit.verdict(packages)
    assert (found, said in "\n".join(lines)) == (code, True)


def test_audit_without_an_answer_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = subprocess.CompletedProcess("", 1, "", "a\nno network")
    monkeypatch.setattr(subprocess, "run", lambda *words, **settings: silent)
    assert audit.main() == 3
    assert capsys.readouterr().err == "expected pip-audit's answer; got no network; is the registry there?\n"
