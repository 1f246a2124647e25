"""What parts of the configuration may ask for."""

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest

from mer.errors import MerError
from mer.flow import FlowMaps
from mer.needs import NEEDS, Needs
from mer.whole_clips import NeededMaps


def part(**attributes: Any) -> SimpleNamespace:
    return SimpleNamespace(**attributes)


def test_every_need_is_a_field_of_the_maps_and_is_made() -> None:
    assert set(NEEDS) <= {field.name for field in fields(FlowMaps)}
    assert all(hasattr(NeededMaps, name) for name in NEEDS)


def test_a_part_that_says_nothing_needs_the_flow_alone() -> None:
    assert Needs.of(part()) == Needs(frozenset(), None)
    assert Needs.of(None) == Needs(frozenset(), None)


def test_the_number_of_frames_counts_where_whole_clips_are_needed() -> None:
    assert Needs.of(part(needs={"frame_flow"}, frames=7)) == Needs(frozenset({"frame_flow"}), 7)
    assert Needs.of(part(needs={"apex"}, frames=7)) == Needs(frozenset({"apex"}), None)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"needs": {"smell"}}, r"SimpleNamespace\.needs to be one of .*frame_flow.*smell"),
        ({"needs": {"frames"}}, r"SimpleNamespace\.frames"),
        ({"needs": {"onset_flow"}, "frames": 1}, r"SimpleNamespace\.frames"),
    ],
)
def test_a_need_that_cannot_be_met_is_refused(declared: dict[str, Any], message: str) -> None:
    with pytest.raises(MerError, match=message):
        Needs.of(part(**declared))


def test_flow_images_are_refused_where_more_than_flow_is_needed() -> None:
    Needs().refuse_flow_images()
    with pytest.raises(MerError, match="the 68 landmarks of the onset frame; got flow images"):
        Needs(frozenset({"landmarks"})).refuse_flow_images()


def test_an_aligner_without_landmarks_is_refused_where_they_are_needed() -> None:
    Needs(frozenset({"landmarks"})).refuse_without_landmarks(True)
    Needs(frozenset({"apex"})).refuse_without_landmarks(False)
    with pytest.raises(MerError, match="align=none"):
        Needs(frozenset({"landmarks"})).refuse_without_landmarks(False)
