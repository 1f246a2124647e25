"""Flow methods by name, with the settings of their files."""

import pytest
import torch

from mer.errors import MerError
from mer.flow import DISFlow, FarnebackFlow, TVL1Flow, build_flow


@pytest.mark.parametrize(("name", "kind"), [("dis", DISFlow), ("farneback", FarnebackFlow), ("tvl1", TVL1Flow)])
def test_methods_are_built_by_the_name_of_their_file(name: str, kind: type) -> None:
    assert isinstance(build_flow(name), kind)


def test_changes_replace_the_settings_of_the_file() -> None:
    flow = build_flow("tvl1", warps=2)
    assert isinstance(flow, TVL1Flow)
    assert (flow.warps, flow.tau, flow.lambda_, flow.theta, flow.epsilon, flow.max_iterations, flow.dtype) == (
        2,
        0.25,
        0.15,
        0.3,
        0.01,
        300,
        torch.float32,
    )


def test_unknown_method_is_refused_with_the_choices() -> None:
    with pytest.raises(MerError, match=r"dis.*tvl1.*'lucas'"):
        build_flow("lucas")


def test_unknown_setting_is_refused_with_the_choices() -> None:
    with pytest.raises(MerError, match=r"setting of flow dis to be one of preset; got 'lambda_'"):
        build_flow("dis", lambda_=1)


def test_model_is_refused_where_a_method_has_none() -> None:
    with pytest.raises(MerError, match="'model'"):
        build_flow("dis:raft")


def test_model_that_is_not_named_is_asked_for() -> None:
    with pytest.raises(MerError, match="ptlflow:MODEL"):
        build_flow("ptlflow")
