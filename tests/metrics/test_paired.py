"""Paired tests against scipy, against counting by hand, and against the scores' own definitions."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, false_discovery_control

from mer.errors import MerError
from mer.metrics import accuracy, confusion_matrix, holm, mcnemar, permutation_test, uar, uf1
from mer.metrics.paired import _score_all


def runs(subjects: int, clips: int = 5, seed: int = 0, right: tuple[float, float] = (0.8, 0.5)) -> tuple:
    """Targets, two runs' predictions and subjects; three classes."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 3, subjects * clips)
    made = [np.where(rng.random(len(targets)) < share, targets, rng.integers(0, 3, len(targets))) for share in right]
    return targets, *made, np.repeat([f"s{n:02d}" for n in range(subjects)], clips).astype(object)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 5))
def test_mcnemar_is_the_binomial_test_of_discordant_clips(b: int, c: int, both: int) -> None:
    targets = np.zeros(b + c + both, int)
    first = np.r_[np.zeros(b, int), np.ones(c, int), np.zeros(both, int)]
    second = np.r_[np.ones(b, int), np.zeros(c, int), np.zeros(both, int)]
    expected = binomtest(b, b + c, 0.5).pvalue if b + c else 1.0
    assert mcnemar(targets, first, second) == pytest.approx(expected)


def test_mcnemar_does_not_mind_thousands_of_clips() -> None:
    targets = np.zeros(4000, int)
    first, second = np.r_[np.zeros(2100, int), np.ones(1900, int)], np.r_[np.ones(2100, int), np.zeros(1900, int)]
    assert mcnemar(targets, first, second) == pytest.approx(binomtest(2100, 4000, 0.5).pvalue)


def test_few_subjects_are_exchanged_in_every_way() -> None:
    targets, first, second, subjects = runs(subjects=5)
    found = permutation_test(targets, first, second, subjects, 3)
    for name, score in {"accuracy": accuracy, "uf1": uf1, "uar": uar}.items():
        differences = []
        for swaps in product([False, True], repeat=5):
            swap = np.isin(subjects, [f"s{n:02d}" for n, is_swapped in enumerate(swaps) if is_swapped])
            one, two = np.where(swap, second, first), np.where(swap, first, second)
            differences.append(score(confusion_matrix(targets, one, 3)) - score(confusion_matrix(targets, two, 3)))
        as_far = [abs(one) >= abs(differences[0]) - 1e-12 for one in differences]
        assert found[name] == pytest.approx((differences[0], sum(as_far) / 32))


def test_many_subjects_are_drawn_and_come_near_the_exact_p(monkeypatch: pytest.MonkeyPatch) -> None:
    two_runs = runs(subjects=12, seed=3, right=(0.75, 0.6))
    exact = permutation_test(*two_runs, 3)
    monkeypatch.setattr("mer.metrics.paired._EXACT_SUBJECTS", 0)
    drawn = permutation_test(*two_runs, 3, draws=20_000)
    for name, (difference, p) in exact.items():
        assert drawn[name][0] == difference
        assert drawn[name][1] == pytest.approx(p, abs=0.015)


def test_p_is_never_zero_and_one_for_equal_runs() -> None:
    targets, first, _, subjects = runs(subjects=30)
    wrong = (targets + 1) % 3
    assert permutation_test(targets, targets, wrong, subjects, 3, draws=99)["uf1"] == (1.0, 0.01)
    assert all(test == (0.0, 1.0) for test in permutation_test(targets, first, first, subjects, 3, draws=9).values())


def test_runs_change_places_and_the_difference_its_sign() -> None:
    targets, first, second, subjects = runs(subjects=6)
    forth = permutation_test(targets, first, second, subjects, 3)
    back = permutation_test(targets, second, first, subjects, 3)
    assert {name: (-d, p) for name, (d, p) in forth.items()} == back


def test_null_hypothesis_is_rejected_as_often_as_it_should() -> None:
    p = [permutation_test(*runs(8, seed=n, right=(0.6, 0.6)), 3)["accuracy"][1] for n in range(200)]
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.06)


def test_scores_of_many_tables_are_those_of_each() -> None:
    tables = np.random.default_rng(0).integers(0, 3, (50, 3, 3)) * np.array([1, 1, 0])  # a class never predicted
    tables[:20, 2] = 0  # and one that neither occurs nor is predicted
    tables = tables[tables.sum(axis=(1, 2)) > 0]
    found = _score_all(tables)
    for name, score in {"accuracy": accuracy, "uf1": uf1, "uar": uar}.items():
        assert found[name].tolist() == pytest.approx([score(table) for table in tables])


def test_holm_against_values_worked_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_no_correction_and_bonferroni(p: list[float]) -> None:
    adjusted = np.array(holm(p))
    assert (adjusted >= np.array(p) - 1e-12).all()
    assert (adjusted <= np.minimum(1, len(p) * np.array(p)) + 1e-12).all()
    assert (adjusted >= false_discovery_control(p) - 1e-9).all()


@pytest.mark.parametrize("p", [[-0.1], [1.1], [float("nan")]])
def test_no_probability_is_refused(p: list[float]) -> None:
    with pytest.raises(MerError, match="p-values"):
        holm(p)


def test_draws_that_are_none_are_refused() -> None:
    with pytest.raises(MerError, match="permutation draws"):
        permutation_test(*runs(3), 3, draws=0)
