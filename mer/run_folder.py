"""A run's folder: found again by its settings when a killed run is started again, or shared by several processes."""

import errno
import fcntl
import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TextIO

import yaml

import mer
from mer.claims import Alone, Claiming, Claims
from mer.errors import MerError
from mer.files import atomic_file, cannot_write, clear_parts, safe_name
from mer.fingerprint import fingerprint
from mer.runs import TRACKING

_PACKAGES = (
    *("torch", "pytorch-lightning", "kornia", "opencv-python", "numpy", "hydra-core", "scikit-learn", "pandas"),
    *("safetensors", "torchmetrics"),
)
_LONGEST_SLUG = 80
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # flock(2) on some NFS and Lustre mounts


@dataclass
class RunFolder:
    """An open run; the lock is held until the process ends, however it ends.

    Attributes:
        path: the folder.
        key: fingerprint of all that decides the predictions.
        lock: the lock's open file.
        shared: others may be at work in the folder, on other machines too.
    """

    path: Path
    key: str
    lock: TextIO
    shared: bool = False

    @property
    def is_complete(self) -> bool:
        """True once metrics.json stands there, which is written last."""
        return (self.path / "metrics.json").is_file()

    @property
    def is_settled(self) -> bool:
        """True once it is complete and its tracker has been told so."""
        return _is_settled(self.path)

    @property
    def folds(self) -> Path:
        """Where each fold has its folder."""
        return self.path / "folds"

    def claims(self) -> Claiming:
        """Who does what: this process everything, or what no other that shares the run holds."""
        return Claims(self._claimed) if self.shared else Alone()

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write ``content`` as JSON, whole or not at all."""
        with atomic_file(self.path / name) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n")

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let others open the run."""
        if self.is_complete:
            self.clear_abandoned()
        self.lock.close()

    def clear_abandoned(self) -> None:
        """Remove claims, and folds that killed processes began; for a run in which nobody else has anything to do."""
        Claims(self._claimed).clear()
        clear_parts(self.folds)

    @property
    def _claimed(self) -> Path:
        return self.path / ".claims"


def open_run(
    outputs: Path,
    key: str,
    config: Mapping[str, Any],
    explicit: str | None = None,
    job: str | None = None,
    shared: bool = False,
) -> RunFolder:
    """Open the run of the settings with fingerprint ``key``: an unfinished one goes on, else a new one begins.

    A job of a sweep whose settings are finished is opened as it is, complete; so is a shared run, for those who come
    late to it.

    Args:
        outputs: ``outputs/<experiment>``.
        key: fingerprint of all that decides the predictions.
        config: resolved configuration, written as config.yaml.
        explicit: the folder to use, whatever else there is.
        job: ``<sweep>/<overrides>`` inside ``outputs`` for a job of a sweep.
        shared: join those who share the run, or begin it in a folder that all of them find, named by ``key``.

    Raises:
        MerError: the explicit folder holds a run of other settings, or is in use; or the run to share is held by a
            process that does not share it.
    """
    if explicit:
        return _open_only(Path(explicit).expanduser(), key, config, shared)
    if shared:
        return _open_only(_find(outputs, key) or outputs / (job or f"shared-{key[:8]}"), key, config, shared)
    for path in sorted(outputs.glob("**/run.json")) if outputs.is_dir() else []:
        if _key(path.parent) != key or (_is_settled(path.parent) and job is None):
            continue
        found = _open(path.parent, key, config)
        if found is not None:
            return found
    return _open_new(outputs, job or f"{datetime.now():%Y-%m-%d_%H-%M-%S}", key, config)


def job_folder(sweep: str, override_dirname: str, key: str) -> str:
    """``<sweep>/<overrides>-<key>`` with a name that any file system takes."""
    slug = re.sub(r"[^\w.,=+-]+", "_", override_dirname)[:_LONGEST_SLUG].strip("_.") or "job"
    return f"{safe_name(sweep)}/{slug}-{key[:6]}"


def provenance() -> dict[str, Any]:
    """Versions of what decides the numbers, and the git commit of mer's checkout where it is one."""
    versions = {"mer": mer.__version__} | {name: _version(name) for name in _PACKAGES}
    return {"versions": versions, "git_commit": _git_commit(Path(mer.__file__).parent.parent)}


def _find(outputs: Path, key: str) -> Path | None:
    """The run of these settings, rather an unfinished one; the same for all who look at the same time."""
    found = [path.parent for path in sorted(outputs.glob("**/run.json")) if _key(path.parent) == key]
    return next((path for path in found if not _is_settled(path)), found[0] if found else None)


def _is_settled(path: Path) -> bool:
    return (path / "metrics.json").is_file() and not (path / TRACKING).exists()


def _open_only(path: Path, key: str, config: Mapping[str, Any], shared: bool) -> RunFolder:
    opened = _open(path, key, config, shared)
    if opened is None:
        remedy = "wait for that run, choose another, or start both with share_run=true"
        raise MerError(f"a free run folder {path}", "one in use", remedy)
    return opened


def _open_new(outputs: Path, name: str, key: str, config: Mapping[str, Any]) -> RunFolder:
    for attempt in range(1, 1000):
        path = outputs / (name if attempt == 1 else f"{name}-{attempt}")
        if not path.exists() or _was_never_begun(path):
            opened = _open(path, key, config)
            if opened is not None:
                return opened
    raise MerError(f"a free folder name in {outputs}", "1000 taken", "set run_dir=DIR")


def _was_never_begun(path: Path) -> bool:
    """Whether ``path`` is what a process left that was killed, or had no room, before it could write run.json."""
    return path.is_dir() and all(one.name == "config.yaml" or one.name.startswith(".") for one in path.iterdir())


def _open(path: Path, key: str, config: Mapping[str, Any], shared: bool = False) -> RunFolder | None:
    """Open and lock ``path``; None where another process holds it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / ".lock").open("w")
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        locked = _lock(lock, shared)
    except BaseException:
        lock.close()
        raise
    if not locked:
        lock.close()
        return None
    run = RunFolder(path, key, lock, shared)
    kept = _key(path)
    if kept not in (key, None):
        run.close()
        raise MerError(f"a run of these settings in {path}", "a run of others", "choose another run_dir= or remove it")
    if not shared:
        run.clear_abandoned()
    if kept is None:
        with atomic_file(path / "config.yaml") as temporary:
            temporary.write_text(yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
        run.write_json("run.json", {"fingerprint": key, "started": datetime.now().isoformat(timespec="seconds")})
    return run


def _lock(file: TextIO, shared: bool) -> bool:
    """Lock ``file``, to keep out those who do not share the run; those who do need no lock among themselves."""
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        if not shared:
            remedy = "set share_run=true, which needs no locks, or outputs= on another disk"
            raise MerError(f"to lock {file.name}", error.strerror or str(error), remedy) from error
    return True


def run_key(settings: Mapping[str, Any], clips: Any) -> str:
    """Fingerprint of all that decides the predictions: settings, clips and mer's version."""
    return fingerprint({"settings": settings, "clips": clips, "mer": mer.__version__})


def _key(path: Path) -> str | None:
    try:
        return str(json.loads((path / "run.json").read_text())["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git_commit(folder: Path) -> str | None:
    if not (folder / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
