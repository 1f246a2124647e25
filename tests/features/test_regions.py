"""Regions of a face: where they are cut, how they are tiled, and what a mirror does to them."""

import pytest
import torch

from mer.errors import MerError
from mer.features import BranchFeatures, RegionFeatures
from mer.features.augment import flip_maps
from mer.features.regions import region_centres, tile_regions
from mer.flow import FlowMaps


def random_maps(size: int = 28, batch: int = 3) -> FlowMaps:
    draw = torch.Generator().manual_seed(3)
    landmarks = torch.rand(batch, 68, 2, generator=draw) * size
    return FlowMaps(torch.randn(batch, 2, size, size, generator=draw), landmarks=landmarks)


def test_regions_are_cut_around_their_centres_and_tiled() -> None:
    maps = torch.arange(2 * 8 * 8, dtype=torch.float32).view(1, 2, 8, 8)
    centres = torch.tensor([[[1.5, 1.5], [5.5, 2.5], [1.5, 5.5], [4.5, 4.5]]])
    tiled = tile_regions(maps, centres)
    assert tiled.shape == maps.shape
    for (row, column), (top, left) in {(0, 0): (0, 0), (0, 1): (1, 4), (1, 0): (4, 0), (1, 1): (3, 3)}.items():
        corner = tiled[0, :, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        torch.testing.assert_close(corner, maps[0, :, top : top + 4, left : left + 4])


def test_region_over_the_border_is_moved_inside() -> None:
    maps = torch.randn(1, 1, 8, 8)
    tiled = tile_regions(maps, torch.tensor([[[-3.0, 0], [9, 0], [0, 20], [9, 9]]]))
    torch.testing.assert_close(tiled, maps)


def test_each_clip_is_cut_around_its_own_landmarks() -> None:
    maps = random_maps()
    features = RegionFeatures(landmarks=True)
    together = features(maps)[0]
    alone = torch.cat([features(maps.select([row]))[0] for row in range(3)])
    torch.testing.assert_close(together, alone)
    assert not torch.allclose(together, RegionFeatures()(maps)[0])
    assert (features.needs, RegionFeatures().needs) == ({"landmarks"}, set())


def test_centres_are_eyes_and_corners_of_the_mouth() -> None:
    points = torch.zeros(1, 68, 2)
    points[0, 36:42] = torch.tensor([[0.0, 1], [1, 0], [2, 0], [3, 1], [2, 2], [1, 2]])
    points[0, 42:48] = points[0, 36:42] + torch.tensor([10.0, 0])
    points[0, 48], points[0, 54] = torch.tensor([2.0, 9]), torch.tensor([11.0, 9])
    torch.testing.assert_close(region_centres(points)[0], torch.tensor([[1.5, 1], [11.5, 1], [2, 9], [11, 9]]))


def test_mirrored_face_has_mirrored_regions() -> None:
    maps = random_maps()
    plain, mirrored = (RegionFeatures(normalize="none")(one)[0] for one in (maps, flip_maps(maps)))
    torch.testing.assert_close(mirrored[:, 1:], plain.flip(-1)[:, 1:])
    torch.testing.assert_close(mirrored[:, 0], -plain.flip(-1)[:, 0])


def test_what_is_cut_is_what_branches_make() -> None:
    maps = random_maps()
    whole = BranchFeatures(("u", "v", "eps"), (), size=28)(maps)[0]
    tiled = RegionFeatures()(maps)[0]
    # Centre 0.29 of 28 px lies at 7.62: from px 1 to 14; 0.35 at 9.3: from 3 to 16.
    torch.testing.assert_close(tiled[..., :14, :14], whole[..., 3:17, 1:15])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 27}, r"an even features\.size"),
        ({"centres": [[0.5, 0.5]]}, r"four of features\.centres"),
        ({"centres": [[0.5, 1.5]] * 4}, r"four of features\.centres"),
    ],
)
def test_setting_out_of_bounds_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(MerError, match=message):
        RegionFeatures(**settings)  # type: ignore[arg-type]


def test_maps_without_landmarks_are_refused() -> None:
    with pytest.raises(MerError, match="landmarks"):
        RegionFeatures(landmarks=True)(FlowMaps(torch.zeros(1, 2, 28, 28)))
