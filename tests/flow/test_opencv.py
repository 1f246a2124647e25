"""DIS and Farneback flow against a known translation."""

import math

import pytest
import torch
from torch import Tensor

from mer.errors import MerError
from mer.flow import DISFlow, FarnebackFlow
from mer.flow.opencv import to_grey_bytes

Method = DISFlow | FarnebackFlow
METHODS = [DISFlow, FarnebackFlow]
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


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("right_px", "down_px"), [(0.5, 0.0), (0.0, 0.7), (1.3, -0.6), (-2.4, 1.75)])
def test_translation_is_recovered_from_first_to_second(method: type[Method], right_px: float, down_px: float) -> None:
    flow = method()(texture(), texture(right_px, down_px))
    assert flow.shape == (1, 2, SIZE, SIZE)
    assert flow.dtype == torch.float32
    error_px = (flow - torch.tensor([right_px, down_px])[:, None, None]).norm(dim=1)[:, INNER, INNER]
    assert error_px.median() < 0.15


@pytest.mark.parametrize("method", METHODS)
def test_swapping_the_frames_reverses_the_flow(method: type[Method]) -> None:
    forth, back = method()(texture(), texture(1.2)), method()(texture(1.2), texture())
    assert forth[:, 0, INNER, INNER].median() > 1
    assert back[:, 0, INNER, INNER].median() < -1


@pytest.mark.parametrize("method", METHODS)
def test_identical_frames_do_not_move(method: type[Method]) -> None:
    # Farneback's is only nearly 0.
    assert method()(texture(), texture()).abs().max() <= (0 if method is DISFlow else 0.1)


def test_rgb_frames_give_the_flow_of_their_luma() -> None:
    first, second = texture(), texture(0.8, 0.4)
    grey = DISFlow()(first, second)
    rgb = DISFlow()(first.repeat(1, 3, 1, 1), second.repeat(1, 3, 1, 1))
    assert (grey - rgb).abs().median() < 0.02


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("method", METHODS)
def test_pairs_of_a_batch_are_independent(method: type[Method], threads: int) -> None:
    still, moved = texture(), texture(1.0, 0.5)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        both = method()(torch.cat([still, still, moved]), torch.cat([moved, still, still]))
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(both[1:2], method()(still, still), rtol=0, atol=0)
    torch.testing.assert_close(both[:1], method()(still, moved), rtol=0, atol=0)
    torch.testing.assert_close(both[2:], method()(moved, still), rtol=0, atol=0)


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


@pytest.mark.parametrize(
    "setting", [{"levels": 0}, {"window_px": 0}, {"iterations": 1.5}, {"neighbourhood_px": 2}, {"sigma_px": 0}]
)
def test_bad_settings_of_farneback_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(MerError, match=f"flow.{next(iter(setting))}"):
        FarnebackFlow(**setting)  # type: ignore[arg-type]


def test_window_is_what_farneback_averages_over() -> None:
    narrow, wide = (FarnebackFlow(window_px=px)(texture(), texture(0.7)) for px in (5, 25))
    assert narrow[:, 0, INNER, INNER].std() > 2 * wide[:, 0, INNER, INNER].std()
