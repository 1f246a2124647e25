"""What a branch can take: channels by name, each measured on a batch of clips."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from kornia.color import rgb_to_grayscale
from torch import Tensor

from mer.errors import MerError
from mer.features.strain import flow_direction, flow_magnitude, optical_strain
from mer.flow import FlowMaps


class Measures:
    """What channels are made of, each computed once and only if asked for.

    Args:
        maps: of ``B`` clips.
        derivative: of the strain, see :func:`mer.features.optical_strain`.
    """

    def __init__(self, maps: FlowMaps, derivative: str) -> None:
        self.maps, self.derivative = maps, derivative

    @cached_property
    def magnitude(self) -> Tensor:
        """``(B, 1, H, W)``."""
        return flow_magnitude(self.maps.flow)

    @cached_property
    def strain(self) -> Tensor:
        """``(B, 1, H, W)``; the published one where a dataset has it in place of the flow's true scale."""
        return optical_strain(self.maps.flow, self.derivative) if self.maps.strain is None else self.maps.strain

    @property
    def apex(self) -> Tensor:
        """Magnified apex frame, ``(B, 3, H, W)``.

        Raises:
            MerError: the maps hold none.
        """
        if self.maps.apex is None:
            raise MerError("maps with the apex frame for rgb or grey", "flow alone", "prepare maps.apex too")
        return self.maps.apex


@dataclass(frozen=True)
class Channel:
    """A named channel.

    Attributes:
        width: number of maps it adds to a branch.
        build: makes them.
        size: what ``normalize`` measures them by; None where they have a scale of their own.
        takes_apex: it needs the apex frame.
    """

    width: int
    build: Callable[[Measures], Tensor]
    size: Callable[[Measures], Tensor] | None = None
    takes_apex: bool = False


# Direction is cosine and sine, not the angle: an angle jumps by a whole turn somewhere, say at motion to the left, and
# that is motion to the right in a face's mirror image. Cosine and sine never jump; a mirror negates the cosine alone.
CHANNELS: Mapping[str, Channel] = {
    "u": Channel(1, lambda measures: measures.maps.flow[:, :1], lambda measures: measures.magnitude),
    "v": Channel(1, lambda measures: measures.maps.flow[:, 1:], lambda measures: measures.magnitude),
    "m": Channel(1, lambda measures: measures.magnitude, lambda measures: measures.magnitude),
    "eps": Channel(1, lambda measures: measures.strain, lambda measures: measures.strain),
    "angle": Channel(2, lambda measures: flow_direction(measures.maps.flow)),
    "rgb": Channel(3, lambda measures: measures.apex, takes_apex=True),
    "grey": Channel(1, lambda measures: rgb_to_grayscale(measures.apex), takes_apex=True),
}
