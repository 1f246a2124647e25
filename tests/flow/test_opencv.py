"""DIS flow against a known translation."""

import math

import pytest
import torch
from torch import Tensor

from mer.errors import MerError
from mer.flow import DISFlow
from mer.flow.opencv import to_grey_bytes

SIZE = 96
INNER = slice(16, -16)
WAVES = ((31.0, 0.3), (19.0, 1.9), (13.0, 1.1), (11.0, 2.6), (23.0, 0.9))  # wavelength in px, direction


def texture(right_px: float = 0.0, down_px: float = 0.0) -> Tensor:
    """A smooth grey texture ``(1, 1, S, S)`` whose content is moved by the given px."""
    y, x = torch.meshgrid(*[torch.arange(SIZE, dtype=torch.float64)] * 2, indexing="ij")
    waves = [
        torch.sin(2 * math.pi / length * ((x - right_px) * math.cos(angle) + (y - down_px) * math.sin(angle)))
        for length, angle in WAVES
    ]
    return (0.5 + torch.stack(waves).sum(0) / (2 * len(WAVES))).float()[None, None]


@pytest.mark.parametrize(("right_px", "down_px"), [(0.5, 0.0), (0.0, 0.7), (1.3, -0.6), (-2.4, 1.75)])
def test_translation_is_recovered_from_first_to_second(right_px: float, down_px: float) -> None:
    flow = DISFlow()(texture(), texture(right_px, down_px))
    assert flow.shape == (1, 2, SIZE, SIZE)
    assert flow.dtype == torch.float32
    error_px = (flow - torch.tensor([right_px, down_px])[:, None, None]).norm(dim=1)[:, INNER, INNER]
    assert error_px.median() < 0.15


def test_swapping_the_frames_reverses_the_flow() -> None:
    forth, back = DISFlow()(texture(), texture(1.2)), DISFlow()(texture(1.2), texture())
    assert forth[:, 0, INNER, INNER].median() > 1
    assert back[:, 0, INNER, INNER].median() < -1


def test_identical_frames_do_not_move() -> None:
    assert DISFlow()(texture(), texture()).abs().max() == 0


def test_rgb_frames_give_the_flow_of_their_luma() -> None:
    first, second = texture(), texture(0.8, 0.4)
    grey = DISFlow()(first, second)
    rgb = DISFlow()(first.repeat(1, 3, 1, 1), second.repeat(1, 3, 1, 1))
    assert (grey - rgb).abs().median() < 0.02


def test_pairs_of_a_batch_are_independent() -> None:
    method = DISFlow()
    still, moved = texture(), texture(1.0, 0.5)
    both = method(torch.cat([still, still, moved]), torch.cat([moved, still, still]))
    assert both[1].abs().max() == 0
    torch.testing.assert_close(both[:1], DISFlow()(still, moved), rtol=0, atol=0)
    torch.testing.assert_close(both[2:], DISFlow()(moved, still), rtol=0, atol=0)


def test_grey_bytes_are_rounded_luma() -> None:
    frames = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.2, 1.2, 1.2]])[..., None, None]
    assert to_grey_bytes(frames).flatten().tolist() == [76, 150, 29, 255]


def test_frames_in_bytes_are_refused() -> None:
    with pytest.raises(MerError, match="uint8"):
        to_grey_bytes(torch.zeros(1, 3, 16, 16, dtype=torch.uint8))


@pytest.mark.parametrize("shape", [(1, 3, 32, 40), (2, 1, 32, 32), (1, 1, 32, 40)])
def test_frames_of_two_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(MerError, match="one shape"):
        DISFlow()(torch.zeros(1, 1, 32, 32), torch.zeros(shape))


@pytest.mark.parametrize("shape", [(32, 32), (1, 32, 32), (1, 2, 32, 32), (1, 4, 3, 32, 32)])
def test_frames_that_are_no_grey_or_rgb_batch_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(MerError, match=r"\(B, 1\|3, H, W\)"):
        DISFlow()(torch.zeros(shape), torch.zeros(shape))


def test_frames_too_small_for_the_method_are_refused() -> None:
    with pytest.raises(MerError, match="8x8"):
        DISFlow()(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8))


def test_unknown_preset_is_refused() -> None:
    with pytest.raises(MerError, match=r"flow\.preset.*'slow'"):
        DISFlow(preset="slow")
