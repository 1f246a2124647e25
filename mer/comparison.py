"""What two runs, or runs that differ in seed alone, say of each other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mer.clip import subject_keys
from mer.errors import MerError
from mer.metrics import holm, mcnemar, permutation_test
from mer.predictions import MAIN_SCORES, class_numbers, read_predictions
from mer.runs import Run, settings_of

_CLIP = ["dataset", "subject", "clip"]
MCNEMAR = "mcnemar"


@dataclass(frozen=True)
class SeedGroup:
    """Runs that differ in ``seed`` alone.

    Attributes:
        runs: at least one.
        mean: of each main score.
        sd: of each, over runs; None for one run.
    """

    runs: tuple[Run, ...]
    mean: Mapping[str, float]
    sd: Mapping[str, float] | None


def group_seeds(runs: Iterable[Run]) -> list[SeedGroup]:
    """Gather runs whose settings are equal but for ``seed``, in the order of their first."""
    groups: dict[tuple[tuple[str, str], ...], list[Run]] = {}
    for run in runs:
        settings = settings_of(run)
        settings.pop("seed", None)
        groups.setdefault(tuple(sorted(settings.items())), []).append(run)
    return [_seed_group(tuple(group)) for group in groups.values()]


def paired_tests(
    runs: Sequence[Run], reference: Run, draws: int = 10_000, seed: int = 0
) -> list[dict[str, Any] | None]:
    """Each run against ``reference`` on the same clips; None for the reference itself.

    For accuracy, uf1 and uar the difference (run minus reference) and the p of a permutation test over subjects; for
    ``mcnemar`` the p of McNemar's exact test on clips. ``p_holm`` corrects each measure for the number of runs.

    Raises:
        MerError: a run's clips or their targets are not the reference's.
    """
    theirs = _predictions(reference)
    tests = [
        None if run.path.resolve() == reference.path.resolve() else _paired(run, theirs, reference, draws, seed)
        for run in runs
    ]
    _correct([test for test in tests if test is not None])
    return tests


def _seed_group(runs: tuple[Run, ...]) -> SeedGroup:
    scores = {name: [float(run.metrics[name]) for run in runs] for name in MAIN_SCORES}
    sd = {name: float(np.std(values, ddof=1)) for name, values in scores.items()} if len(runs) > 1 else None
    return SeedGroup(runs, {name: float(np.mean(values)) for name, values in scores.items()}, sd)


def _predictions(run: Run) -> pd.DataFrame:
    path = run.path / "predictions.csv"
    table = read_predictions(path)
    if "clip" not in table.columns:
        raise MerError(f"columns {', '.join(_CLIP)}", f"{path} without clip", "let `mer train` write it")
    table = table.sort_values(_CLIP).set_index(_CLIP, drop=False)
    if not table.index.is_unique:
        raise MerError("each clip once", f"{path} with one twice", "remove the row")
    return table


def _paired(run: Run, theirs: pd.DataFrame, reference: Run, draws: int, seed: int) -> dict[str, Any]:
    ours = _predictions(run)
    _require_same_clips(ours, theirs, run, reference)
    classes = sorted({*ours["target"], *ours["prediction"], *theirs["prediction"]})
    targets, first = class_numbers(ours, classes)
    second = class_numbers(theirs, classes)[1]
    subjects = subject_keys(ours).to_numpy(object)
    found = permutation_test(targets, first, second, subjects, len(classes), draws, seed)
    tests: dict[str, Any] = {name: {"difference": difference, "p": p} for name, (difference, p) in found.items()}
    return tests | {MCNEMAR: {"p": mcnemar(targets, first, second)}}


def _require_same_clips(ours: pd.DataFrame, theirs: pd.DataFrame, run: Run, reference: Run) -> None:
    shared = ours.index.intersection(theirs.index)
    alone = len(ours) + len(theirs) - 2 * len(shared)
    if alone:
        got = f"{run.path} with {len(ours)} and {reference.path} with {len(theirs)}, {len(shared)} of them shared"
        raise MerError("two runs of the same clips", got, "compare runs of one dataset and label scheme")
    changed = int((ours["target"] != theirs["target"]).sum())
    if changed:
        got = f"{run.path} and {reference.path} with other targets for {changed} clips"
        raise MerError("two runs of the same targets", got, "compare runs of one label scheme")


def _correct(tests: Sequence[dict[str, Any]]) -> None:
    for name in (*MAIN_SCORES, MCNEMAR):
        for test, p in zip(tests, holm([test[name]["p"] for test in tests]), strict=True):
            test[name]["p_holm"] = p
