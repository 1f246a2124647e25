"""The apex is the annotated frame, or the middle one."""

import pandas as pd
import pytest

from mer.apex import AnnotatedApex, MiddleApex
from mer.errors import MerError


def clip(onset: int, apex: int | None, offset: int) -> pd.Series:
    frames = pd.array([onset, apex, offset], dtype="Int64")
    name = {"dataset": "casme2", "subject": "sub04", "clip": "EP12_01f"}
    return pd.Series(name | dict(zip(("onset", "apex", "offset"), frames, strict=True)))


@pytest.mark.parametrize(("onset", "offset", "apex"), [(1, 2, 2), (1, 3, 2), (46, 86, 66), (46, 87, 67), (0, 1, 1)])
def test_middle_is_halfway_and_never_the_onset(onset: int, offset: int, apex: int) -> None:
    assert MiddleApex().choose(clip(onset, None, offset)) == apex


def test_middle_does_not_look_at_the_annotation() -> None:
    assert MiddleApex().choose(clip(10, 11, 20)) == 15


def test_middle_of_one_frame_is_refused() -> None:
    with pytest.raises(MerError, match="two frames or more in casme2/sub04/EP12_01f; got one"):
        MiddleApex().choose(clip(5, None, 5))


def test_annotated_apex_is_the_datasets_own() -> None:
    assert AnnotatedApex(missing=MiddleApex()).choose(clip(10, 11, 20)) == 11


def test_missing_annotation_is_left_to_the_other_chooser() -> None:
    assert AnnotatedApex(missing=MiddleApex()).choose(clip(10, None, 20)) == 15


def test_missing_annotation_refuses_the_clip_where_there_is_no_other_chooser() -> None:
    with pytest.raises(
        MerError, match=r"annotated apex in casme2/sub04/EP12_01f; got none; set apex=middle, or apex\."
    ):
        AnnotatedApex().choose(clip(10, None, 20))
