"""Leave-one-subject-out never shows a subject to its own model."""

import numpy as np
import pandas as pd
import pytest

from mer.clip import ClipIndex
from mer.errors import MerError
from mer.protocols import loso


def random_clips(seed: int, n_clips: int = 40) -> pd.DataFrame:
    """Clips of two datasets that use the same subject names, in no order, with row names that are no positions."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "dataset": rng.choice(["casme2", "smic"], n_clips),
            "subject": rng.choice(["s1", "s2", "s10", "007"], n_clips),
            "clip": [f"c{number}" for number in range(n_clips)],
        },
        index=rng.permutation(1000)[:n_clips],
    )


def people(clips: pd.DataFrame, rows: np.ndarray) -> set[tuple[str, str]]:
    return set(clips.iloc[rows][["dataset", "subject"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("seed", range(5))
def test_training_and_test_clips_share_no_subject(seed: int) -> None:
    clips = random_clips(seed)
    for fold in loso(clips):
        assert not people(clips, fold.train) & people(clips, fold.test)
        assert people(clips, fold.test) == {tuple(fold.subject.split("-"))}


@pytest.mark.parametrize("seed", range(5))
def test_every_clip_is_tested_once_and_trained_on_otherwise(seed: int) -> None:
    clips = random_clips(seed)
    folds = loso(clips)
    assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == list(range(40))
    for fold in folds:
        assert sorted([*fold.train.tolist(), *fold.test.tolist()]) == list(range(40))


def test_equal_names_in_two_datasets_are_two_subjects() -> None:
    clips = pd.DataFrame({"dataset": ["smic", "samm", "smic"], "subject": ["1", "1", "1"]})
    folds = loso(clips)
    assert [fold.subject for fold in folds] == ["samm-1", "smic-1"]
    assert [fold.test.tolist() for fold in folds] == [[1], [0, 2]]


def test_folds_come_in_the_order_of_names_whatever_the_rows_order() -> None:
    clips = random_clips(0)
    subjects = [fold.subject for fold in loso(clips)]
    assert subjects == sorted(subjects)
    assert [fold.subject for fold in loso(clips.iloc[::-1])] == subjects


def test_clip_index_gives_the_folds_of_its_table() -> None:
    clips = random_clips(0)
    for ours, expected in zip(loso(ClipIndex(clips)), loso(clips), strict=True):
        assert ours.subject == expected.subject
        np.testing.assert_array_equal(ours.train, expected.train)
        np.testing.assert_array_equal(ours.test, expected.test)


@pytest.mark.parametrize("n_clips", [0, 3])
def test_fewer_than_two_subjects_are_refused(n_clips: int) -> None:
    clips = pd.DataFrame({"dataset": ["smic"] * n_clips, "subject": ["s1"] * n_clips})
    with pytest.raises(MerError, match="two subjects or more"):
        loso(clips)


def test_wanted_subjects_have_the_folds_of_the_whole_run() -> None:
    clips = random_clips(0)
    whole = {fold.subject: fold for fold in loso(clips)}
    some = loso(clips, only=["smic-s1", "casme2-007"])
    assert [fold.subject for fold in some] == ["casme2-007", "smic-s1"]
    for fold in some:
        np.testing.assert_array_equal(fold.train, whole[fold.subject].train)
        np.testing.assert_array_equal(fold.test, whole[fold.subject].test)


@pytest.mark.parametrize(("only", "got"), [(["smic-nobody"], "got smic-nobody"), ([], "got none")])
def test_unknown_subjects_are_refused(only: list[str], got: str) -> None:
    with pytest.raises(MerError, match=got):
        loso(random_clips(0), only=only)
