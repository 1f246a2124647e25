"""MEGC2019's composite: three classes, several datasets, a fold a subject."""

import pandas as pd
import pytest

from mer.errors import MerError
from mer.protocols import leave_one_dataset_out, loso, megc2019


def composite(*datasets: str, labels: tuple[str, ...] = ("negative", "positive", "surprise")) -> pd.DataFrame:
    rows = [(dataset, f"s{number}", label) for dataset in datasets for number in (1, 2) for label in labels]
    return pd.DataFrame(rows, columns=["dataset", "subject", "label"])


def test_every_subject_of_every_dataset_is_a_fold() -> None:
    clips = composite("smic", "casme2", "samm")
    folds = megc2019(clips)
    assert [fold.subject for fold in folds] == [fold.subject for fold in loso(clips)]
    assert [fold.subject for fold in folds][:3] == ["casme2-s1", "casme2-s2", "samm-s1"]
    assert all(len(fold.train) == 15 for fold in folds)


def test_one_dataset_is_no_composite() -> None:
    with pytest.raises(MerError, match="smic alone"):
        megc2019(composite("smic"))


@pytest.mark.parametrize("labels", [("disgust", "happiness", "surprise"), ("negative", "positive"), ()])
def test_other_classes_are_refused(labels: tuple[str, ...]) -> None:
    with pytest.raises(MerError, match="labels=megc3"):
        megc2019(composite("smic", "casme2", labels=labels))


def test_dataset_left_out_is_tested_whole_by_a_model_of_the_others() -> None:
    clips = composite("smic", "casme2", "samm").iloc[::-1]
    folds = leave_one_dataset_out(clips)
    assert [fold.subject for fold in folds] == ["casme2", "samm", "smic"]
    for fold in folds:
        assert set(clips["dataset"].iloc[fold.test]) == {fold.subject}
        assert len(fold.test) == 6
        assert fold.subject not in set(clips["dataset"].iloc[fold.train])
        assert len(fold.train) == 12


def test_one_dataset_cannot_be_left_out() -> None:
    with pytest.raises(MerError, match="two datasets or more"):
        leave_one_dataset_out(composite("smic"))
