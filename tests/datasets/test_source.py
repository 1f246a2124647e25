"""Which datasets enter the path after the flow step."""

from mer.datasets import Casme2, FlowImages, FlowSource


def test_only_a_dataset_with_flow_maps_is_a_flow_source() -> None:
    assert isinstance(FlowImages([]), FlowSource)
    assert not isinstance(Casme2(None), FlowSource)
