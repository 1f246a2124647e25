"""Inputs of whole clips: frames and their flows as ``(B, T, C, H, W)``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from kornia.color import rgb_to_grayscale
from torch import Tensor, nn

from mer.errors import MerError, require_choice, require_integer
from mer.features.scaling import SCALINGS
from mer.features.strain import DERIVATIVES, flow_magnitude, optical_strain
from mer.flow import FlowMaps

MOTIONS = ("frame_flow", "onset_flow")


class ClipMeasures:
    """What a clip's channels are made of, each computed once and only if asked for.

    Args:
        maps: of ``B`` clips.
        motion: the field that holds their flows.
        derivative: of the strain, see :func:`mer.features.optical_strain`.
    """

    def __init__(self, maps: FlowMaps, motion: str, derivative: str) -> None:
        self._maps, self._motion, self._derivative = maps, motion, derivative

    @cached_property
    def rgb(self) -> Tensor:
        """``(B, T, 3, H, W)`` in [0, 1]."""
        return self._maps.need("frames") / 255

    @cached_property
    def change(self) -> Tensor:
        """``(B, T, 3, H, W)``: each frame less the first."""
        return self.rgb - self.rgb[:, :1]

    @cached_property
    def flow(self) -> Tensor:
        """``(B, T - 1, 2, H, W)`` px."""
        return self._maps.need(self._motion)

    @cached_property
    def magnitude(self) -> Tensor:
        """``(B, T - 1, 1, H, W)``."""
        return _apart(flow_magnitude(self.flow.flatten(0, 1)), self.flow)

    @cached_property
    def strain(self) -> Tensor:
        """``(B, T - 1, 1, H, W)``."""
        return _apart(optical_strain(self.flow.flatten(0, 1), self._derivative), self.flow)


@dataclass(frozen=True)
class ClipChannel:
    """A named channel of clips.

    Attributes:
        width: number of maps it adds to a stream.
        build: makes them.
        size: what ``normalize`` measures them by; None for frames, which have a scale of their own.
        of_flow: made of the flow; else of the frames.
    """

    width: int
    build: Callable[[ClipMeasures], Tensor]
    size: Callable[[ClipMeasures], Tensor] | None = None
    of_flow: bool = False


CLIP_CHANNELS: Mapping[str, ClipChannel] = {
    "rgb": ClipChannel(3, lambda measures: measures.rgb),
    "grey": ClipChannel(1, lambda measures: rgb_to_grayscale(measures.rgb)),
    "change": ClipChannel(3, lambda measures: measures.change, lambda measures: measures.change.abs()),
    "u": ClipChannel(1, lambda measures: measures.flow[:, :, :1], lambda measures: measures.magnitude, of_flow=True),
    "v": ClipChannel(1, lambda measures: measures.flow[:, :, 1:], lambda measures: measures.magnitude, of_flow=True),
    "m": ClipChannel(1, lambda measures: measures.magnitude, lambda measures: measures.magnitude, of_flow=True),
    "eps": ClipChannel(1, lambda measures: measures.strain, lambda measures: measures.strain, of_flow=True),
}


class ClipFeatures(nn.Module):
    """Builds the inputs of networks that look at whole clips, a stream an input.

    Channels are ``rgb`` and ``grey`` (the frames, unmagnified, in [0, 1]), ``change`` (rgb less that of the onset, the
    first frame), ``u``, ``v`` (flow), ``m`` (magnitude) and ``eps`` (optical strain). A stream without motion has T
    steps in time, of which change is 0 at the first. One that holds a channel of motion has T - 1, one a flow, and
    beside each flow the frame that it leads to.

    Args:
        streams: channels of each input.
        frames: T, the number of frames that each clip is brought to.
        size: height and width in px.
        motion: ``frame_flow``, from each frame to the next, or ``onset_flow``, from the first to each later one.
        normalize: of change, u, v, m and eps, as :class:`mer.features.BranchFeatures` has it, a clip's times all by
            one scale.
        derivative: of eps, see :func:`mer.features.optical_strain`.
    """

    def __init__(
        self,
        streams: Sequence[Sequence[str]] = (("grey",),),
        frames: int = 10,
        size: int = 112,
        motion: str = "frame_flow",
        normalize: str = "symmetric",
        derivative: str = "central",
    ) -> None:
        super().__init__()
        self.streams = _require_streams(streams)
        self.frames = require_integer("features.frames", frames, 2, 10_000)
        self.size = require_integer("features.size", size, 1, 4096)
        self.motion = require_choice("features.motion", motion, MOTIONS)
        self.normalize = require_choice("features.normalize", normalize, SCALINGS)
        self.derivative = require_choice("features.derivative", derivative, DERIVATIVES)

    @property
    def in_channels(self) -> tuple[int, ...]:
        """Number of maps of each input."""
        return tuple(sum(CLIP_CHANNELS[name].width for name in stream) for stream in self.streams)

    @property
    def needs(self) -> frozenset[str]:
        """What the channels ask for beside the flow from onset to apex."""
        names = {name for stream in self.streams for name in stream}
        return frozenset(self.motion if CLIP_CHANNELS[name].of_flow else "frames" for name in names)

    def forward(self, maps: FlowMaps) -> tuple[Float[Tensor, "batch time channel height width"], ...]:
        """Maps of ``B`` clips -> ``(B, T or T - 1, C, H, W)`` a stream.

        Raises:
            MerError: the maps lack what a channel is made of.
        """
        measures = ClipMeasures(maps, self.motion, self.derivative)
        made = {name: self._scaled(name, measures) for stream in self.streams for name in stream}
        return tuple(_together([made[name] for name in stream]) for stream in self.streams)

    def _scaled(self, name: str, measures: ClipMeasures) -> Tensor:
        channel = CLIP_CHANNELS[name]
        built = channel.build(measures)
        if channel.size is None:
            return built
        # Times under each other as one high image: a clip has one scale.
        images = (part.transpose(1, 2).flatten(2, 3) for part in (built, channel.size(measures)))
        scaled = SCALINGS[self.normalize](*images)
        n_clips, steps, maps, height, width = built.shape
        return scaled.reshape(n_clips, maps, steps, height, width).transpose(1, 2)


def _apart(images: Tensor, like: Tensor) -> Tensor:
    """``(B T, ...)`` -> ``(B, T, ...)`` with the clips and times of ``like``."""
    return images.reshape(*like.shape[:2], *images.shape[1:])


def _together(channels: Sequence[Tensor]) -> Tensor:
    steps = min(channel.shape[1] for channel in channels)
    return torch.cat([channel[:, channel.shape[1] - steps :] for channel in channels], dim=2)


def _require_streams(streams: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    if not streams or isinstance(streams, str) or any(isinstance(one, str) or not one for one in streams):
        raise MerError("lists of channels, one an input", repr(streams), "set features.streams=[[grey]]")
    return tuple(tuple(require_choice("features.streams", name, CLIP_CHANNELS) for name in one) for one in streams)
