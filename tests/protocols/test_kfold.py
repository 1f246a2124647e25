"""Subject-disjoint k folds, of all clips and of a fold's training clips."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from mer.clip import subject_keys
from mer.errors import MerError
from mer.protocols import Fold, inner, inner_folds, inner_split, loso, subject_kfold
from tests.protocols.clips import CLASSES, published_clips, subjects_of


def imbalance(clips: pd.DataFrame, folds: "list[NDArray[np.intp]]") -> float:
    """Squared distance of each fold's clips, by class and in all, from an equal share, over the number of clips."""
    labels = clips["label"].to_numpy()
    of_class = [labels == label for label in CLASSES] + [np.ones(len(labels), bool)]
    return float(
        sum(((rows[test].sum() - rows.sum() / len(folds)) ** 2) / rows.sum() for rows in of_class for test in folds)
    )


@pytest.mark.parametrize("k", [2, 5, 10, 26])
def test_folds_are_of_whole_subjects_and_test_each_clip_once(k: int) -> None:
    clips = published_clips()
    folds = subject_kfold(clips, k)
    assert len(folds) == k
    assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == list(range(len(clips)))
    for fold in folds:
        assert not subjects_of(clips, fold.train) & subjects_of(clips, fold.test)
        assert sorted([*fold.train.tolist(), *fold.test.tolist()]) == list(range(len(clips)))
        assert len(fold.test)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [3, 5])
def test_folds_are_better_balanced_than_scikit_learns(k: int, seed: int) -> None:
    clips = published_clips(seed)
    theirs = StratifiedGroupKFold(k).split(clips, clips["label"], subject_keys(clips))
    ours = imbalance(clips, [fold.test for fold in subject_kfold(clips, k, seed)])
    assert ours < imbalance(clips, [test for _, test in theirs])


def test_no_move_and_no_change_of_places_would_balance_the_folds_better() -> None:
    clips = published_clips(n_subjects=9)
    keys = subject_keys(clips).to_numpy()
    found = subject_kfold(clips, 3)
    group = {key: number for number, fold in enumerate(found) for key in set(keys[fold.test])}

    def cost(dealt: dict[str, int]) -> float:
        numbers = np.array([dealt[key] for key in keys])
        return imbalance(clips, [np.flatnonzero(numbers == one) for one in range(3)])

    moves = [group | {one: to} for one in group for to in range(3)]
    swaps = [group | {one: group[other], other: group[one]} for one in group for other in group]
    assert cost(group) == pytest.approx(min(cost(dealt) for dealt in moves + swaps))


def test_as_many_folds_as_subjects_are_loso() -> None:
    clips = published_clips(n_subjects=6)
    folds = {tuple(fold.test) for fold in subject_kfold(clips, 6)}
    assert folds == {tuple(fold.test) for fold in loso(clips)}


def test_folds_do_not_depend_on_the_order_of_rows_but_on_the_seed() -> None:
    clips = published_clips()
    clips["clip"] = [f"c{number}" for number in range(len(clips))]
    turned = clips.iloc[::-1]

    def named(table: pd.DataFrame, folds: list[Fold]) -> list[set[str]]:
        return [set(table["clip"].iloc[fold.test]) for fold in folds]

    assert named(clips, subject_kfold(clips, 5)) == named(turned, subject_kfold(turned, 5))
    assert named(clips, subject_kfold(clips, 5)) != named(clips, subject_kfold(clips, 5, seed=1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": 1}, r"protocol\.k"),
        ({"k": 7}, r"protocol\.k"),
        ({"k": 2.5}, r"protocol\.k"),
        ({"seed": -1}, r"protocol\.seed"),
    ],
)
def test_bad_settings_are_refused_by_name(settings: dict[str, int], message: str) -> None:
    with pytest.raises(MerError, match=message):
        subject_kfold(published_clips(n_subjects=6), **settings)


def test_one_subject_cannot_be_folded() -> None:
    with pytest.raises(MerError, match="two subjects or more"):
        subject_kfold(published_clips(n_subjects=1))


def test_inner_folds_hold_training_clips_alone_and_no_subject_twice() -> None:
    clips = published_clips(n_subjects=8)
    for outer in loso(clips):
        inside = inner_folds(outer, clips, k=3)
        assert sorted(np.concatenate([fold.test for fold in inside]).tolist()) == sorted(outer.train.tolist())
        for fold in inside:
            assert set(fold.train) | set(fold.test) == set(outer.train)
            assert not subjects_of(clips, fold.train) & subjects_of(clips, fold.test)
            assert fold.subject.startswith(f"{outer.subject}.fold-")


def test_inner_split_is_the_first_of_the_inner_folds() -> None:
    clips = published_clips(n_subjects=8)
    outer = loso(clips)[2]
    split, first = inner_split(outer, clips, k=4), inner_folds(outer, clips, k=4)[0]
    np.testing.assert_array_equal(split.train, first.train)
    np.testing.assert_array_equal(split.test, first.test)
    assert 0.15 < len(split.test) / len(outer.train) < 0.35


def test_inner_protocol_leaves_its_subject_out_of_every_fold() -> None:
    clips = published_clips(n_subjects=8)
    folds = inner(clips, "casme2-sub05", k=3)
    assert len(folds) == 3
    for fold in folds:
        assert "casme2-sub05" not in subjects_of(clips, fold.train) | subjects_of(clips, fold.test)
    with pytest.raises(MerError, match="casme2-nobody"):
        inner(clips, "casme2-nobody")
