"""What decides a flow: its settings, or what the method itself tells."""

from mer.flow import DISFlow
from mer.flow.state import flow_state


class Weighted:
    def state(self) -> dict[str, str]:
        return {"weights": "abc"}


def test_method_that_tells_nothing_is_known_by_its_settings() -> None:
    assert flow_state(DISFlow(), {"preset": "fast"}) == {"preset": "fast"}


def test_method_that_tells_is_known_by_what_it_tells() -> None:
    assert flow_state(Weighted(), {"weights": "/here/or/there"}) == {"weights": "abc"}
