"""A search sees tuning subjects alone; the report is of the others."""

import numpy as np
import pytest

from mer.errors import MerError
from mer.protocols import inner, loso, reporting, require_subjects_kept_back, subject_kfold, tuning
from tests.protocols.clips import published_clips, subjects_of


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.3, 0.5])
def test_no_reporting_subject_is_in_a_tuning_fold(share: float, seed: int) -> None:
    clips = published_clips(seed)
    searched = set().union(
        *(subjects_of(clips, rows) for fold in tuning(clips, share, 3, seed) for rows in (fold.train, fold.test))
    )
    reported = {fold.subject for fold in reporting(clips, share, seed)}
    assert not searched & reported
    assert searched | reported == subjects_of(clips, np.arange(len(clips)))
    held = np.isin((clips["dataset"] + "-" + clips["subject"]).to_numpy(), sorted(searched)).mean()
    assert held == pytest.approx(share, abs=0.05)


def test_reporting_folds_are_those_of_loso() -> None:
    clips = published_clips()
    all_folds = {fold.subject: fold for fold in loso(clips)}
    reported = reporting(clips)
    assert 0 < len(reported) < len(all_folds)
    for fold in reported:
        np.testing.assert_array_equal(fold.train, all_folds[fold.subject].train)
        np.testing.assert_array_equal(fold.test, all_folds[fold.subject].test)


def test_split_of_other_seeds_is_another() -> None:
    clips = published_clips()
    assert {fold.subject for fold in reporting(clips)} != {fold.subject for fold in reporting(clips, seed=1)}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"share": 0.0}, r"protocol\.share"),
        ({"share": "half"}, r"protocol\.share"),
        ({"seed": 0.5}, r"protocol\.seed"),
        ({"k": 1}, r"protocol\.k"),
    ],
)
def test_bad_settings_are_refused_by_name(settings: dict[str, float], message: str) -> None:
    with pytest.raises(MerError, match=message):
        tuning(published_clips(), **settings)


def test_three_subjects_are_too_few_to_split() -> None:
    with pytest.raises(MerError, match="four subjects or more"):
        reporting(published_clips(n_subjects=3))


def test_search_over_all_subjects_is_refused() -> None:
    clips = published_clips(n_subjects=8)
    for folds in (loso(clips), subject_kfold(clips, 3), loso(clips, only=["casme2-sub01"])):
        with pytest.raises(MerError, match="all 8 subjects"):
            require_subjects_kept_back(folds, clips)
    require_subjects_kept_back(tuning(clips, k=2), clips)
    require_subjects_kept_back(inner(clips, "casme2-sub01"), clips)
