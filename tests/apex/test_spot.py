"""Which clips go to a spotter, and how the configuration names one."""

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from mer.apex import AnnotatedApex, ApexChooser, ApexSpotter, DivideAndConquer, FlowPeak, MiddleApex, spotter_of
from mer.errors import MerError
from mer.hydra_app import conf_dir
from tests.apex.test_choose import clip


def chosen(*overrides: str) -> ApexChooser:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        apex: ApexChooser = instantiate(compose("train", ["name=x", *overrides]).apex)
    return apex


def test_an_annotated_clip_and_a_middle_frame_need_no_spotter() -> None:
    assert spotter_of(AnnotatedApex(missing=FlowPeak()), clip(10, 11, 20)) is None
    assert spotter_of(AnnotatedApex(missing=MiddleApex()), clip(10, None, 20)) is None
    assert spotter_of(AnnotatedApex(), clip(10, None, 20)) is None
    assert spotter_of(MiddleApex(), clip(10, None, 20)) is None


def test_a_clip_without_annotation_goes_to_the_spotter_that_stands_in() -> None:
    spotter = FlowPeak()
    assert spotter_of(AnnotatedApex(missing=spotter), clip(10, None, 20)) is spotter
    assert spotter_of(AnnotatedApex(missing=AnnotatedApex(missing=spotter)), clip(10, None, 20)) is spotter


def test_a_spotter_by_itself_looks_at_annotated_clips_too() -> None:
    spotter = DivideAndConquer()
    assert spotter_of(spotter, clip(10, 11, 20)) is spotter


@pytest.mark.parametrize("apex", [DivideAndConquer(), FlowPeak(), AnnotatedApex(missing=FlowPeak())])
def test_no_spotter_chooses_by_a_row(apex: ApexChooser) -> None:
    with pytest.raises(MerError, match=r"an apex of casme2/sub04/EP12_01f .* which looks at frames; prepare the clip"):
        apex.choose(clip(10, None, 20))


@pytest.mark.parametrize(("name", "kind"), [("dcrois", DivideAndConquer), ("flow_peak", FlowPeak)])
def test_the_command_line_names_a_spotter_for_all_clips_or_for_those_without_annotation(
    name: str, kind: type[ApexSpotter]
) -> None:
    assert isinstance(chosen(f"apex={name}"), kind)
    apex = chosen(f"+apex@apex.missing={name}")
    assert isinstance(apex, AnnotatedApex)
    assert isinstance(apex.missing, kind)


def test_every_feature_of_dcrois_can_be_chosen_on_the_command_line() -> None:
    for feature in ("lbp", "landmarks", "strain"):
        assert isinstance(chosen("apex=dcrois", f"apex.feature={feature}"), DivideAndConquer)
