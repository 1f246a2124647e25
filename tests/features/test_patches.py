"""Patches at landmarks: which px they are, and that they are 0 without motion."""

import pytest
import torch

from mer.errors import MerError
from mer.features import LandmarkPatches
from mer.features.patches import cut_patches
from mer.flow import FlowMaps
from mer.models.graph_tcn.graph import LANDMARKS


def random_maps(size: int = 20, frames: int = 4, batch: int = 2) -> FlowMaps:
    draw = torch.Generator().manual_seed(3)
    images = torch.randint(256, (batch, frames, 3, size, size), generator=draw, dtype=torch.uint8)
    landmarks = torch.rand(batch, 68, 2, generator=draw) * size
    return FlowMaps(torch.zeros(batch, 2, size, size), frames=images, landmarks=landmarks)


def test_patches_are_the_px_around_each_point_row_by_row() -> None:
    images, points = torch.randn(2, 3, 9, 12), torch.tensor([[[4.0, 5], [8.4, 3.6]], [[2, 2], [9, 6]]])
    patches = cut_patches(images, points, 3)
    assert patches.shape == (2, 3, 2, 9)
    for clip, corners in enumerate((((4, 3), (3, 7)), ((1, 1), (5, 8)))):
        for node, (top, left) in enumerate(corners):
            expected = images[clip, :, top : top + 3, left : left + 3].flatten(1)
            torch.testing.assert_close(patches[clip, :, node], expected)


def test_border_is_repeated_beyond_the_image() -> None:
    images = torch.arange(16.0).view(1, 1, 4, 4)
    patch = cut_patches(images, torch.tensor([[[0.0, 3]]]), 3)[0, 0, 0]
    assert patch.tolist() == [8, 8, 9, 12, 12, 13, 12, 12, 13]


def test_each_landmark_is_a_node_in_the_graphs_order() -> None:
    maps = random_maps()
    features = LandmarkPatches(size=20, frames=4, side_px=3, gain=2.0)
    found = features(maps)[0]
    assert found.shape == (2, 3, 28, 9)
    assert features.in_channels == (9,)
    assert maps.frames is not None
    assert maps.landmarks is not None
    weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    grey = (maps.frames[1].float() / 255 * weights).sum(1)
    for node, point in enumerate(LANDMARKS):
        x, y = maps.landmarks[1, point].round().int().tolist()
        centre = (grey[1:, min(y, 19), min(x, 19)] - grey[0, min(y, 19), min(x, 19)]) * 2
        torch.testing.assert_close(found[1, :, node, 4], centre, atol=1e-5, rtol=1e-4)


def test_clip_without_motion_is_zero() -> None:
    maps = random_maps()
    assert maps.frames is not None
    still = FlowMaps(maps.flow, frames=maps.frames[:, :1].expand(-1, 4, -1, -1, -1), landmarks=maps.landmarks)
    assert LandmarkPatches(size=20, frames=4)(still)[0].abs().max() == 0


def test_needs_frames_and_landmarks() -> None:
    assert LandmarkPatches().needs == {"frames", "landmarks"}
    with pytest.raises(MerError, match="frames"):
        LandmarkPatches()(FlowMaps(torch.zeros(1, 2, 8, 8)))


@pytest.mark.parametrize("settings", [{"side_px": 6}, {"side_px": 0}, {"frames": 1}, {"size": 0}])
def test_setting_out_of_bounds_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(MerError, match=rf"features\.{next(iter(settings))}"):
        LandmarkPatches(**settings)  # type: ignore[arg-type]
