"""What a flow method's result depends on, where that is more than its settings."""

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Stated(Protocol):
    """A flow method that knows what decides its flow: a file of weights, say."""

    def state(self) -> Any:
        """What decides the flow, for the store's key.

        Raises:
            MerError: something it needs is missing.
        """
        ...


def flow_state(flow: object, settings: Any) -> Any:
    """The state of ``flow`` where it tells one, otherwise its ``settings``: equal state, equal flow."""
    return flow.state() if isinstance(flow, Stated) else settings
