"""Training-time augmentation: horizontal flip and 5x5 Gaussian blur of a clip's maps (paper, section 3.2)."""

from dataclasses import replace

import torch
from jaxtyping import Float
from kornia.filters import gaussian_blur2d
from kornia.geometry.transform import hflip
from torch import Tensor, nn

from mer.align.landmarks import MIRRORED
from mer.errors import MerError, require_integer, require_number
from mer.flow import FlowMaps

_FLOWS = frozenset({"flow", "frame_flow", "onset_flow", "unmagnified_flow"})
_POINTS = frozenset({"landmarks"})


class FlipBlur(nn.Module):
    """Flips and blurs each clip of a batch, each with its own probability.

    A clip has up to four variants; :meth:`draw` and :meth:`variant` let them be made once, ahead of the training.

    It works on the flow, before the features: a mirrored face moves mirrored, so the flip negates u once, and
    m, eps and whatever else is derived later follow by themselves. Frames, landmarks and other flows go with it; the
    blur leaves landmarks where they are.

    Args:
        flip: probability of a horizontal flip, in [0, 1].
        blur: probability of a blur, in [0, 1].
        kernel_px: side of the blur's kernel, odd.
        sigma_px: standard deviation of the blur.
    """

    def __init__(self, flip: float = 0.5, blur: float = 0.5, kernel_px: int = 5, sigma_px: float = 1.0) -> None:
        super().__init__()
        self.flip = require_number("augment.flip", flip, 0, 1)
        self.blur = require_number("augment.blur", blur, 0, 1)
        self.sigma_px = require_number("augment.sigma_px", sigma_px, 1e-3, 100)
        self.kernel_px = require_integer("augment.kernel_px", kernel_px, 1, 99)
        if self.kernel_px % 2 == 0:
            raise MerError("an odd augment.kernel_px", str(kernel_px), "use 3, 5 or 7")

    @property
    def variants(self) -> int:
        """How many variants a clip has: those that can be drawn have smaller numbers."""
        return 4 if self.blur else 2 if self.flip else 1

    def forward(self, maps: FlowMaps, generator: torch.Generator | None = None) -> FlowMaps:
        """Maps of ``B`` clips -> the same, some flipped, some blurred, a clip's maps alike.

        Args:
            maps: of the clips.
            generator: CPU generator of the draws; default: torch's own. Draws are made on the CPU, so that one seed
                means the same changes on every device.
        """
        variants = self.draw(len(maps), generator).to(maps.flow.device)
        maps = _where(variants % 2 == 1, flip_maps(maps), maps)
        return _where(variants >= 2, self._blurred(maps), maps)

    def draw(self, n_clips: int, generator: torch.Generator | None = None) -> Tensor:
        """Number ``(n_clips,)`` of the variant that each clip becomes: 1 is flipped, 2 blurred, 3 both, 0 neither."""
        flipped, blurred = (torch.rand(n_clips, generator=generator) < chance for chance in (self.flip, self.blur))
        return flipped + 2 * blurred

    def variant(self, maps: FlowMaps, number: int) -> FlowMaps:
        """All clips as variant ``number``, 0 to 3."""
        maps = flip_maps(maps) if number % 2 else maps
        return self._blurred(maps) if number >= 2 else maps

    def _blurred(self, maps: FlowMaps) -> FlowMaps:
        images = {name: self._blur(tensor) for name, tensor in maps.tensors().items() if name not in _POINTS}
        return replace(maps, **images)

    def _blur(self, images: Tensor) -> Tensor:
        kernel, sigma = (self.kernel_px, self.kernel_px), (self.sigma_px, self.sigma_px)
        flat = images.flatten(0, -4)
        if images.dtype == torch.uint8:
            return gaussian_blur2d(flat.float(), kernel, sigma).round().to(torch.uint8).view_as(images)
        blurred: Tensor = gaussian_blur2d(flat, kernel, sigma).view_as(images)
        return blurred


def flip_maps(maps: FlowMaps) -> FlowMaps:
    """Mirror clips left to right: every map's positions, the sign of u, and which landmark is whose mirror image."""
    width_px = maps.flow.shape[-1]
    return FlowMaps(**{name: _mirrored(name, tensor, width_px) for name, tensor in maps.tensors().items()})


def _mirrored(name: str, tensor: Tensor, width_px: int) -> Tensor:
    if name in _POINTS:
        return flip_landmarks(tensor, width_px)
    mirrored: Tensor = flip_flow(tensor) if name in _FLOWS else hflip(tensor)
    return mirrored


def flip_flow(flow_px: Float[Tensor, "*batch 2 height width"]) -> Float[Tensor, "*batch 2 height width"]:
    """Mirror a flow ``(..., 2, H, W)`` left to right: positions and the sign of u."""
    return hflip(flow_px) * flow_px.new_tensor([-1.0, 1.0])[:, None, None]


def flip_landmarks(points_px: Float[Tensor, "*batch 68 2"], width_px: int) -> Float[Tensor, "*batch 68 2"]:
    """Mirror landmarks ``(..., 68, 2)`` (x, y) px on a grid of ``width_px`` left to right, in iBUG order again."""
    x, y = points_px[..., list(MIRRORED), :].unbind(-1)
    return torch.stack([width_px - 1 - x, y], dim=-1)


def _where(mask: Tensor, yes: FlowMaps, no: FlowMaps) -> FlowMaps:
    others = no.tensors()

    def choose(name: str, tensor: Tensor) -> Tensor:
        return torch.where(mask.view(-1, *[1] * (tensor.ndim - 1)), tensor, others[name])

    return FlowMaps(**{name: choose(name, tensor) for name, tensor in yes.tensors().items()})
