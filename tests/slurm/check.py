"""Sweeps and a shared run through Slurm, on flow images of noise; `make test-slurm` starts it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.fakes import write_flow_images
from tests.runner import train_words

SUBJECTS = 4


def mer(*words: str, expected_code: int = 0) -> str:
    """Run mer in a process of its own, as the user would on a login node. Returns stderr."""
    done = subprocess.run([sys.executable, "-m", "mer", *words], capture_output=True, text=True, check=False)
    require(done.returncode == expected_code, f"exit code {expected_code}, got {done.returncode}: {done.stderr}")
    require("Traceback" not in done.stderr, f"no traceback, got {done.stderr}")
    return done.stderr


def require(holds: bool, what: str) -> None:
    """End with one line where ``holds`` is false."""
    if not holds:
        sys.exit(f"test-slurm: expected {what}")


def slurm_words() -> list[str]:
    """The launcher, sized for one small machine."""
    settings = {"partition": os.environ.get("SLURM_PARTITION", "null"), "timeout_min": 10, "cpus_per_task": 1}
    words = [f"hydra.launcher.{name}={value}" for name, value in settings.items()]
    return ["-m", "launcher=slurm", "hydra.launcher.mem_gb=null", *words]


def check_sweep(root: Path, outputs: Path) -> None:
    """Four jobs write four finished runs, each with the predictions of the same run without Slurm."""
    widths = "model.widths=[4],[5],[6],[7]"
    mer(*train_words(root, outputs / "slurm", *slurm_words(), widths))
    mer(*train_words(root, outputs / "here", "-m", widths))
    runs = {name: sorted((outputs / name).glob("tiny/sweep/*/metrics.json")) for name in ("slurm", "here")}
    require([len(found) for found in runs.values()] == [4, 4], f"4 finished runs each, got {runs}")
    for there, here in zip(runs["slurm"], runs["here"], strict=True):
        require(there.parent.name == here.parent.name, f"equal names, got {there.parent} and {here.parent}")
        require(json.loads(there.read_text())["n_folds"] == SUBJECTS, f"{SUBJECTS} folds in {there}")
        same = (there.with_name("predictions.csv")).read_bytes() == (here.with_name("predictions.csv")).read_bytes()
        require(same, f"the predictions of {here.parent} in {there.parent}")


def check_failed_job(root: Path, outputs: Path) -> None:
    """A job that fails ends in one line on the login node; the other job finishes."""
    err = mer(*train_words(root, outputs / "failed", *slurm_words(), "model.depth=99,1"), expected_code=2)
    require("model.depth to be a number in [1, 16]" in err, f"the failed job's line, got {err}")
    require(len(list((outputs / "failed").glob("tiny/sweep/*/metrics.json"))) == 1, "the other job's run")


def check_shared_run(root: Path, outputs: Path) -> None:
    """Two jobs share the folds of one run; nothing is trained twice, and the predictions are those of one process."""
    epochs = "trainer.max_epochs=30"
    mer(*train_words(root, outputs / "shared", *slurm_words(), epochs, "worker=1,2"))
    mer(*train_words(root, outputs / "alone", epochs))
    (shared,), (alone,) = (list((outputs / name).glob("tiny/**/run.json")) for name in ("shared", "alone"))
    logs = "".join(path.read_text() for path in (outputs / "shared").glob(".submitit/**/*_log.err"))
    require(logs.count(": trained") == SUBJECTS, f"{SUBJECTS} folds trained between two jobs, got {logs}")
    same = shared.with_name("predictions.csv").read_bytes() == alone.with_name("predictions.csv").read_bytes()
    require(same, "the predictions of a run that was not shared")


def check_requeued_job(root: Path, outputs: Path) -> None:
    """A job that is told that its time is up is queued again, and goes on at the fold that was cut short."""
    epochs = "trainer.max_epochs=100"
    words = train_words(root, outputs / "requeued", *slurm_words(), epochs)
    process = subprocess.Popen([sys.executable, "-m", "mer", *words], stderr=subprocess.PIPE, text=True)
    while not list((outputs / "requeued").glob("tiny/sweep/*/folds/smic*")) and process.poll() is None:
        time.sleep(0.1)
    subprocess.run(["scancel", "--signal=USR2", "--name=mer", f"--user={os.getuid()}"], check=True)
    err = process.communicate()[1]
    require(process.returncode == 0, f"exit code 0, got {process.returncode}: {err}")
    mer(*train_words(root, outputs / "whole", epochs))
    (again,), (whole,) = (list((outputs / name).glob("tiny/**/run.json")) for name in ("requeued", "whole"))
    logs = "".join(path.read_text() for path in (outputs / "requeued").glob(".submitit/**/*_log.*"))
    require("Requeued job" in logs and "was complete" in logs, f"a job queued again that goes on, got {logs}")
    require(logs.count(": trained") == SUBJECTS, f"{SUBJECTS} folds trained in all, got {logs}")
    same = again.with_name("predictions.csv").read_bytes() == whole.with_name("predictions.csv").read_bytes()
    require(same, "the predictions of a run that was not cut short")


def main() -> None:
    """Run every check in a folder of its own."""
    folder = Path(sys.argv[1])
    write_flow_images(folder / "data", subjects=SUBJECTS, clips_per_subject=3)
    for check in (check_sweep, check_failed_job, check_shared_run, check_requeued_job):
        started = time.monotonic()
        check(folder / "data", folder / "outputs")
        print(f"test-slurm: {str(check.__doc__).strip()} ({time.monotonic() - started:.0f} s)")


if __name__ == "__main__":
    main()
