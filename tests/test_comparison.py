"""Runs against each other: on the same clips or not at all."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from mer.comparison import group_seeds, paired_tests
from mer.errors import MerError
from mer.metrics import holm, permutation_test
from mer.runs import Run, read_run
from tests.fakes.runs import CLASSES, fake_predictions, write_run

GOOD, BAD = fake_predictions(right=0.9, seed=1), fake_predictions(right=0.3, seed=2)


def run_of(folder: Path, table: pd.DataFrame, **settings: object) -> Run:
    return read_run(write_run(folder, settings, table))


def test_tests_are_those_of_the_clips_matched_by_name(tmp_path: Path) -> None:
    reference = run_of(tmp_path / "a", GOOD)
    run = run_of(tmp_path / "b", BAD.sample(frac=1, random_state=0))  # other order of rows
    first, none = paired_tests([run, reference], reference)
    assert none is None
    assert first is not None
    numbers = [[CLASSES.index(label) for label in column] for column in (GOOD["target"], BAD["prediction"])]
    theirs = np.array([CLASSES.index(label) for label in GOOD["prediction"]])
    subjects = GOOD["subject"].to_numpy(object)
    for name, (difference, p) in permutation_test(*map(np.array, numbers), theirs, subjects, 3).items():
        assert (first[name]["difference"], first[name]["p"]) == (pytest.approx(difference), p)
        assert first[name]["difference"] == pytest.approx(run.metrics[name] - reference.metrics[name])
    right, right_theirs = BAD["prediction"] == BAD["target"], GOOD["prediction"] == GOOD["target"]
    b, c = int((right & ~right_theirs).sum()), int((~right & right_theirs).sum())
    assert first["mcnemar"]["p"] == pytest.approx(binomtest(b, b + c).pvalue)
    assert first["mcnemar"]["p_holm"] == first["mcnemar"]["p"]  # one test needs no correction


def test_several_runs_are_corrected_measure_by_measure(tmp_path: Path) -> None:
    reference = run_of(tmp_path / "a", GOOD)
    runs = [run_of(tmp_path / str(n), fake_predictions(right=n / 10, seed=n)) for n in (3, 6, 8)]
    tests = paired_tests(runs, reference)
    for name in ("accuracy", "uf1", "uar", "mcnemar"):
        p = [test[name]["p"] for test in tests if test]
        assert [test[name]["p_holm"] for test in tests if test] == holm(p)
        assert holm(p) != p


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: table.iloc[:-2], "28 of them shared"),
        (lambda table: table.assign(clip="x" + table["clip"]), "0 of them shared"),
        (lambda table: table.assign(dataset="samm"), "0 of them shared"),
        (lambda table: table.assign(target=table["target"].iloc[::-1].to_numpy()), "other targets for 20 clips"),
        (lambda table: pd.concat([table, table.iloc[:1]]), "with one twice"),
        (lambda table: table.drop(columns="clip"), "without clip"),
    ],
)
def test_runs_of_other_clips_are_refused(change: object, says: str, tmp_path: Path) -> None:
    reference, run = run_of(tmp_path / "a", GOOD), run_of(tmp_path / "b", BAD)
    change(BAD).to_csv(run.path / "predictions.csv", index=False)  # type: ignore[operator]
    with pytest.raises(MerError, match=says):
        paired_tests([run], reference)


def test_runs_that_differ_in_seed_alone_are_one_group(tmp_path: Path) -> None:
    runs = [
        run_of(tmp_path / f"{depth}{seed}", fake_predictions(seed=seed + depth), model={"depth": depth}, seed=seed)
        for depth in (1, 2)
        for seed in (0, 1, 2)
    ]
    groups = group_seeds([*runs, run_of(tmp_path / "alone", GOOD, model={"depth": 3})])
    assert [len(group.runs) for group in groups] == [3, 3, 1]
    uf1 = [run.metrics["uf1"] for run in runs[:3]]
    assert groups[0].mean["uf1"] == pytest.approx(sum(uf1) / 3)
    assert groups[0].sd is not None
    assert groups[0].sd["uf1"] == pytest.approx(pd.Series(uf1).std())
    assert groups[2].sd is None
