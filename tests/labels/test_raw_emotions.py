"""The sheet's own emotions become the classes."""

import pytest

from mer.errors import MerError
from mer.labels import RawEmotions
from tests.labels import clips_of, said


def test_classes_are_the_emotions_that_occur_sorted() -> None:
    index = RawEmotions().apply(clips_of(label=["tense", "fear", "tense"]))
    assert index.classes == ("fear", "tense")
    assert index.clips["label"].tolist() == ["tense", "fear", "tense"]


def test_dropped_and_rare_emotions_leave_without_a_note() -> None:
    index = RawEmotions(drop=["others"], min_clips=2).apply(clips_of(label=["a", "b", "others", "b", "a", "c"]))
    assert index.classes == ("a", "b")
    assert index.clips["clip"].tolist() == ["0", "1", "3", "4"]
    assert index.notes == ()


def test_clip_without_emotion_is_refused_and_noted() -> None:
    index = RawEmotions().apply(clips_of(label=["a", "", "b"]))
    assert len(index) == 2
    assert said(index) == ["refused casme2/sub01/1: no emotion for labels=raw"]


def test_one_emotion_alone_is_an_error_that_counts() -> None:
    message = "two classes or more of 2 clips or more under labels=raw; got a 2, b 1, 0 refused; choose labels="
    with pytest.raises(MerError, match=message):
        RawEmotions(min_clips=2).apply(clips_of(label=["a", "a", "b"]))


def test_many_rare_emotions_are_counted_not_listed() -> None:
    with pytest.raises(MerError, match="got a 1, b 1, c 1, d 1, e 1, 2 more, 0 refused"):
        RawEmotions(min_clips=2).apply(clips_of(label=list("abcdefg")))


def test_index_without_clips_is_an_error() -> None:
    with pytest.raises(MerError, match="one usable clip or more; got none, 0 refused"):
        RawEmotions().apply(clips_of(label=[]))


def test_min_clips_below_one_is_refused() -> None:
    with pytest.raises(MerError, match=r"labels\.min_clips to be a number in \[1"):
        RawEmotions(min_clips=0)
