"""What a network asks of the features it is given."""

from collections.abc import Sequence

from mer.errors import MerError


def require_inputs(network: str, in_channels: Sequence[int], count: int, remedy: str) -> None:
    """Raise unless the features make ``count`` inputs.

    Args:
        network: name of the network.
        in_channels: channels of each input that they make.
        count: inputs that the network takes.
        remedy: what to set instead.

    Raises:
        MerError: they make fewer or more.
    """
    if len(in_channels) != count:
        expected = "one input" if count == 1 else f"{count} inputs"
        raise MerError(f"{expected} for {network}", f"{len(in_channels)}", remedy)
