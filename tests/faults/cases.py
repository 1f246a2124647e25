"""The commands that are disturbed, on data so small that each takes seconds."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mer.synth import write_casme2
from tests.fakes import write_flow_images
from tests.faults.trees import Content, content

Words = Callable[[Path, Path], list[str]]
Result = Callable[[Path], Content]

_NET = ("features.size=28", "model.depth=2", "model.widths=[4]", "trainer.accelerator=cpu", "batch_size=4")


@dataclass(frozen=True)
class Case:
    """One command.

    Attributes:
        name: for the table.
        words: the folder of the data and one to write into -> the command.
        result: the folder written into -> what has to equal an undisturbed command's.
        units: pattern of what, once it is there, is never made again.
    """

    name: str
    words: Words
    result: Result
    units: str


def write_data(root: Path) -> None:
    """Raw frames in CASME II's layout and flow images."""
    write_casme2(root / "frames", subjects=3, clips_per_subject=4, duration_s=(0.025, 0.025))
    write_flow_images(root / "flow", subjects=6, clips_per_subject=4)


def _prepare(data: Path, out: Path) -> list[str]:
    where = [f"dataset.root={data / 'frames'}", f"store={out / 'store'}"]
    return ["prepare", "dataset=casme2", "labels=megc3", "align=given", "align.size_px=96", "features.size=28", *where]


def _train(engine: str, *more: str) -> Words:
    def words(data: Path, out: Path) -> list[str]:
        where = [f"dataset.roots=[{data / 'flow'}]", f"outputs={out / 'outputs'}", f"store={out / 'store'}"]
        settings = ["name=faults", "trainer.max_epochs=4", f"engine={engine}"]
        return ["train", "dataset=flow_images", *_NET, *settings, *where, *more]

    return words


def _sweep(data: Path, out: Path) -> list[str]:
    return _train("sequential", "-m", "model.depth=1,2,3", "trainer.max_epochs=2", "protocol=subject_kfold")(data, out)


def _store(out: Path) -> Content:
    return content(out, "store/casme2/*/*/*")


def _runs(out: Path) -> Content:
    """Predictions, weights and scores of all runs, by the folders below them: a run's own is named by the time."""
    found = content(out / "outputs", "*.csv") | content(out / "outputs", "*.safetensors")
    return {_without_time(name): data for name, data in found.items()}


def _without_time(name: str) -> str:
    return "/".join(part for part in Path(name).parts if not part[:4].isdigit())


CASES = (
    Case("prepare", _prepare, _store, "store/casme2/*/*/*"),
    Case("train, engine=sequential", _train("sequential"), _runs, "outputs/**/folds/*/*"),
    Case("train, engine=stacked", _train("stacked"), _runs, "outputs/**/folds/*/*"),
    Case("train, engine=parallel", _train("parallel"), _runs, "outputs/**/folds/*/*"),
    Case("train -m, 3 jobs", _sweep, _runs, "outputs/**/folds/*/*"),
)
