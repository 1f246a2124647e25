"""The clip index: its schema, and that each clip is in it once."""

from typing import Any

import pandas as pd
import pytest

from mer.clip import COLUMNS, Note, clip_index, clip_name, subject_keys
from mer.errors import MerError


def row(dataset: str = "casme2", subject: str = "sub01", clip: str = "EP02_01f", **values: Any) -> dict[str, Any]:
    frames = {"fps": 200, "onset": 1, "apex": 2, "offset": 3, "files": ("a", "b", "c"), "action_units": "12"}
    return {"dataset": dataset, "subject": subject, "clip": clip, "label": "happiness", **frames, **values}


def test_columns_are_those_documented_whatever_the_order_of_the_keys() -> None:
    index = clip_index([dict(reversed(row().items()))])
    assert list(index.clips.columns) == list(COLUMNS)
    assert index.clips.iloc[0]["files"] == ("a", "b", "c")


def test_unknown_apex_is_missing_and_leaves_the_others_whole_numbers() -> None:
    clips = clip_index([row(apex=None), row(clip="EP02_02f")]).clips
    assert clips["apex"].isna().tolist() == [True, False]
    assert {str(clips[name].dtype) for name in ("onset", "apex", "offset")} == {"Int64"}


def test_no_rows_make_an_empty_index_of_the_same_schema() -> None:
    empty, one = clip_index([]), clip_index([row()])
    assert len(empty) == 0
    assert empty.clips[["fps", "onset"]].dtypes.equals(one.clips[["fps", "onset"]].dtypes)


def test_clip_given_twice_is_refused() -> None:
    with pytest.raises(MerError, match="got casme2/sub01/EP02_01f twice"):
        clip_index([row(), row(clip="EP02_02f"), row(label="disgust")])


def test_equal_clip_names_of_other_subjects_or_datasets_are_other_clips() -> None:
    assert len(clip_index([row(), row(subject="sub02"), row(dataset="casme")])) == 3


def test_name_is_dataset_subject_clip() -> None:
    assert clip_name(row()) == clip_name(pd.Series(row())) == "casme2/sub01/EP02_01f"


def test_subject_keys_keep_equal_subjects_of_two_datasets_apart() -> None:
    clips = clip_index([row(), row(dataset="casme"), row(clip="EP02_02f")]).clips
    assert subject_keys(clips).tolist() == ["casme2-sub01", "casme-sub01", "casme2-sub01"]


def test_note_reads_as_one_line() -> None:
    assert str(Note("casme2/sub01/EP02_01f", "refused", "no frames on disk")) == (
        "refused casme2/sub01/EP02_01f: no frames on disk"
    )
