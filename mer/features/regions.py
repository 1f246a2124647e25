"""Four regions of a face, cut out of its maps and tiled: both eyes and both corners of the mouth."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mer.errors import MerError
from mer.features.branches import BranchFeatures
from mer.flow import FlowMaps

EYE_CROP_CENTRES = ((0.29, 0.35), (0.71, 0.35), (0.36, 0.78), (0.64, 0.78))  # (x, y), where the crop puts an adult's
_EYES = (slice(36, 42), slice(42, 48))
_MOUTH_CORNERS = (48, 54)

_Maps = Float[Tensor, "batch channel height width"]


class RegionFeatures(BranchFeatures):
    """Branches as :class:`BranchFeatures` makes them, of each map four regions tiled to a map of the same size.

    A region is half as high and wide; above stand the eyes, below the corners of the mouth.

    Args:
        branch_a: channels of the first branch.
        branch_b: channels of the second branch; none for a network of one input.
        size: height and width in px, even.
        normalize: see :class:`BranchFeatures`.
        derivative: see :class:`BranchFeatures`.
        landmarks: cut around each clip's landmarks; else around ``centres``.
        centres: of the four regions, (x, y) as shares of the size.

    Raises:
        MerError: an odd size, or not four centres inside the map.
    """

    def __init__(
        self,
        branch_a: Sequence[str] = ("u", "v", "eps"),
        branch_b: Sequence[str] = (),
        size: int = 28,
        normalize: str = "symmetric",
        derivative: str = "central",
        landmarks: bool = False,
        centres: Sequence[Sequence[float]] = EYE_CROP_CENTRES,
    ) -> None:
        super().__init__(branch_a, branch_b, size, normalize, derivative)
        if self.size % 2:
            raise MerError("an even features.size for four regions", f"{size}", "set features.size=28")
        if len(centres) != 4 or not all(len(one) == 2 and 0 <= min(one) <= max(one) <= 1 for one in centres):
            raise MerError("four of features.centres, (x, y) in [0, 1]", f"{list(centres)}", "give shares of the size")
        self.landmarks, self.centres = landmarks, tuple(map(tuple, centres))

    @property
    def needs(self) -> frozenset[str]:
        """What the channels ask for, and the landmarks if regions follow them."""
        return super().needs | ({"landmarks"} if self.landmarks else set())

    def forward(self, maps: FlowMaps) -> tuple[_Maps, ...]:
        """Maps of ``B`` clips -> ``(B, C, H, W)`` a branch."""
        centres = self._centres_px(maps)
        return tuple(tile_regions(branch, centres) for branch in super().forward(maps))

    def _centres_px(self, maps: FlowMaps) -> Float[Tensor, "batch 4 2"]:
        if self.landmarks:
            return region_centres(maps.need("landmarks"))
        # A share s of the size lies at s size - 1/2, px being counted from the first one's centre.
        shares = torch.tensor(self.centres, device=maps.flow.device)
        return (shares * maps.flow.shape[-1] - 0.5).expand(len(maps), -1, -1)


def region_centres(landmarks_px: Float[Tensor, "batch 68 2"]) -> Float[Tensor, "batch 4 2"]:
    """Centres of the eyes and corners of the mouth, ``(B, 4, 2)`` px."""
    eyes = [landmarks_px[:, points].mean(dim=1) for points in _EYES]
    return torch.stack([*eyes, *(landmarks_px[:, point] for point in _MOUTH_CORNERS)], dim=1)


def tile_regions(maps: _Maps, centres_px: Float[Tensor, "batch 4 2"]) -> _Maps:
    """Cut four regions of half the height and width, two by two: ``(B, C, H, W)`` -> the same shape.

    A region that would reach over the border is moved inside.
    """
    n_clips, _, *sides = maps.shape
    half = torch.tensor([sides[1] // 2, sides[0] // 2], device=maps.device)
    most = torch.tensor([sides[1], sides[0]], device=maps.device) - half
    start = (centres_px - (half - 1) / 2).round().long().clamp(min=torch.zeros_like(most), max=most)  # (B, 4, xy)
    columns = start[..., 0, None] + torch.arange(sides[1] // 2, device=maps.device)
    rows = start[..., 1, None] + torch.arange(sides[0] // 2, device=maps.device)
    clips = torch.arange(n_clips, device=maps.device)[:, None, None, None]
    cut = maps.movedim(1, -1)[clips, rows[..., None], columns[..., None, :]]  # (B, 4, H / 2, W / 2, C)
    tiled = cut.unflatten(1, (2, 2)).permute(0, 5, 1, 3, 2, 4)  # type: ignore[no-untyped-call]
    whole: Tensor = tiled.flatten(4).flatten(2, 3)
    return whole
