"""Flow methods by name."""

import pytest

from mer.errors import MerError
from mer.flow import DISFlow, build_flow


def test_dis_is_built_by_name() -> None:
    assert isinstance(build_flow("dis", preset="fast"), DISFlow)


def test_unknown_method_is_refused_with_the_choices() -> None:
    with pytest.raises(MerError, match=r"dis.*'lucas'"):
        build_flow("lucas")
