"""The commands that are disturbed, on data so small that each takes seconds."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.trees import Content, content

Words = Callable[[Path, Path], list[str]]
Result = Callable[[Path], Content]

NET = ("features.size=28", "model.depth=2", "model.widths=[4]", "trainer.accelerator=cpu", "batch_size=4")
RUN = "run"  # in the folder of the data: a finished one
MODEL = "model.safetensors"
_FOLDS = "outputs/**/folds/*/metrics.json"
_TRAINED = r"fold \d+/\d+ \S+: trained"


@dataclass(frozen=True)
class Case:
    """One command.

    Attributes:
        name: for the table.
        words: the folder of the data and one to write into -> the command.
        result: the folder written into -> what has to equal an undisturbed command's.
        units: pattern of what, once it is there, is never made again; none of a command that makes one thing.
        told: pattern of the line that tells of one of these that was just made; none where no line does.
        seed: of the moments.
    """

    name: str
    words: Words
    result: Result
    units: str | None = None
    told: str | None = None
    seed: int = 0


def flow_words(data: Path, *more: str) -> list[str]:
    """A run on the flow images, but for where it is written."""
    return ["train", "dataset=flow_images", *NET, "name=faults", f"dataset.roots=[{data / 'flow'}]", *more]


def _prepare(data: Path, out: Path) -> list[str]:
    where = [f"dataset.root={data / 'frames'}", f"store={out / 'store'}"]
    return ["prepare", "dataset=casme2", "labels=megc3", "align=given", "align.size_px=96", "features.size=28", *where]


def _train(engine: str, *more: str) -> Words:
    def words(data: Path, out: Path) -> list[str]:
        where = [f"outputs={out / 'outputs'}", f"store={out / 'store'}"]
        return flow_words(data, "trainer.max_epochs=2", f"engine={engine}", *where, *more)

    return words


def _sweep(*more: str) -> Words:
    settings = ("model.depth=1,2,3", "trainer.max_epochs=2", "protocol=subject_kfold", "protocol.k=3")
    return _train("sequential", "-m", *settings, *more)


def _predict(data: Path, out: Path) -> list[str]:
    videos = [str(path) for path in sorted(data.glob("*.avi"))]
    landmarks = ["align=dlib", "align.landmarks._target_=tests.predict.faces.FixedLandmarks"]
    return ["predict", *videos, f"model={data / MODEL}", f"out={out / 'out'}", "device=cpu", *landmarks]


def _magnify(data: Path, out: Path) -> list[str]:
    return ["magnify", str(min(data.glob("*.avi"))), f"out={out}"]


def _export(data: Path, out: Path) -> list[str]:
    return ["export", f"run={data / RUN}", f"out={out / MODEL}"]


def _explain(data: Path, out: Path) -> list[str]:
    return ["explain", f"run={data / RUN}", f"out={out / 'explain'}", "device=cpu"]


def _report(data: Path, out: Path) -> list[str]:
    return ["report", str(data / RUN), "--out", str(out / "report.html")]


def _compare(data: Path, out: Path) -> list[str]:
    return ["compare", str(data / RUN), "--csv", str(out / "table.csv")]


def _store(out: Path) -> Content:
    return content(out, "store/casme2/*/*/*")


def _runs(out: Path) -> Content:
    """Predictions, weights and scores of all runs, by the folders below them: a run's own is named by the time."""
    patterns = ("*.csv", "*.safetensors", "folds/*/metrics.json", "*.png")
    found: Content = {}
    for pattern in patterns:
        found |= {_without_time(name): data for name, data in content(out / "outputs", pattern).items()}
    return found


def _without_time(name: str) -> str:
    return "/".join(part for part in Path(name).parts if not part[:4].isdigit())


def _written(out: Path) -> Content:
    """All that stands there, but the log of what was said."""
    return {name: data for name, data in content(out, "*").items() if not name.endswith(".log")}


PREPARE = Case("prepare", _prepare, _store, "store/casme2/*/*/*")
TRAIN = Case("train, engine=sequential", _train("sequential"), _runs, _FOLDS, _TRAINED)
STACKED = Case("train, engine=stacked", _train("stacked", "engine.folds=3"), _runs, _FOLDS, _TRAINED)
PARALLEL = Case("train, engine=parallel", _train("parallel", "engine.workers=2"), _runs, _FOLDS, _TRAINED)
SWEEP = Case("train -m, 3 jobs", _sweep(), _runs, _FOLDS, _TRAINED)
SHARED_SWEEP = Case("train -m share_run=true, 3 jobs", _sweep("share_run=true"), _runs, _FOLDS, _TRAINED)
SHARED_TRAIN = Case("train share_run=true", _train("sequential", "share_run=true"), _runs, _FOLDS, _TRAINED)
PREDICT = Case("predict, 3 videos", _predict, _written, "out/*.png", r"\.jsonl: \d+ movements")
MAGNIFY = Case("magnify", _magnify, _written)
EXPORT = Case("export", _export, _written)
EXPLAIN = Case("explain", _explain, _written)
REPORT = Case("report", _report, _written)
COMPARE = Case("compare", _compare, _written)

LONG = (PREPARE, TRAIN, STACKED, PARALLEL, SWEEP, PREDICT)  # that go on where they stopped
SHORT = (MAGNIFY, EXPORT, EXPLAIN, REPORT, COMPARE)  # that make one thing, and make it again
