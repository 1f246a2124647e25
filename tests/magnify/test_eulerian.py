"""Eulerian magnification against the reference clip, the worked check and its own closed form."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from mer.errors import MerError
from mer.magnify import IIR, EulerianMagnifier, NoMagnification
from mer.magnify.eulerian import level_gains

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")),
]
LUMA = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)
CHROMA = torch.tensor([[0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], dtype=torch.float64)


@pytest.fixture(scope="module")
def reference_clip(real_data: Path) -> tuple[Tensor, Tensor]:
    with np.load(real_data / "reference" / "evm_reference.npz") as stored:
        clip, magnified = stored["clip"], stored["iir_r0.4_0.05_alpha20_lambda16_chrom0.1"]
    return torch.from_numpy(clip).permute(0, 3, 1, 2)[None] / 255, torch.from_numpy(magnified).permute(0, 3, 1, 2)


def random_clip(frames: int, height: int, width: int, batch: int = 1, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(frames * 10_000 + height * 100 + width)
    return torch.rand(batch, frames, 3, height, width, dtype=dtype, generator=generator)


def gentle_clip(frames: int = 6) -> Tensor:
    """Variation so small that no magnified value leaves [0, 1]."""
    return 0.5 + 1e-4 * (random_clip(frames, 37, 29, dtype=torch.float64) - 0.5)


def grey_levels(image: Tensor) -> Tensor:
    return (image * 255).round().int()


def test_reference_clip_is_reproduced_within_one_grey_level(reference_clip: tuple[Tensor, Tensor]) -> None:
    clip, expected = reference_clip
    ours = EulerianMagnifier(20, 16, IIR(0.4, 0.05), 0.1)(clip)[0]
    assert (grey_levels(ours) - expected.int()).abs().max() <= 1
    assert (grey_levels(clip[0]) - expected.int()).abs().max() > 20


@pytest.mark.parametrize("index", [0, 1, 7, 15, 23])
def test_single_frame_reproduces_the_reference(reference_clip: tuple[Tensor, Tensor], index: int) -> None:
    clip, expected = reference_clip
    ours = EulerianMagnifier(20, 16).frame(clip, index)[0]
    assert (grey_levels(ours) - expected[index].int()).abs().max() <= 1


@pytest.mark.parametrize("matlab", [False, True])
@pytest.mark.parametrize(
    ("height", "width", "alpha", "expected"),
    [(96, 80, 20, [0, 4.834, 11.668, 20, 20, 0]), (170, 140, 8, [0, 3.162, 8, 8, 8, 0])],
)
def test_gains_of_the_worked_checks(height: int, width: int, alpha: float, expected: list[float], matlab: bool) -> None:
    assert level_gains(height, width, alpha, 16, matlab) == pytest.approx(expected, abs=5e-4)


def test_gain_of_a_short_wavelength_is_negative_only_in_the_published_code() -> None:
    published, clamped = level_gains(96, 80, 20, 80, matlab=True), level_gains(96, 80, 20, 80)
    assert published[1] == pytest.approx(2 * (np.hypot(96, 80) / 3 / 16 * 21 / 80 - 1))
    assert published[1] < 0
    assert clamped == [max(0, gain) for gain in published]


def test_published_code_attenuates_short_wavelengths_even_without_magnification() -> None:
    assert level_gains(96, 80, 0, 16) == [0.0] * 6
    assert level_gains(96, 80, 0, 16, matlab=True)[1:4] == pytest.approx([-1.675, -1.349, -0.698], abs=5e-4)


@pytest.mark.parametrize("matlab", [False, True])
def test_gains_never_exceed_alpha_nor_touch_the_outer_levels(matlab: bool) -> None:
    gains = level_gains(200, 300, 5, 10, matlab)
    assert gains[0] == gains[-1] == 0
    assert max(gains) == 5


@pytest.mark.parametrize("matlab", [False, True])
def test_static_clip_is_unchanged(matlab: bool) -> None:
    clip = random_clip(1, 40, 30).repeat(1, 8, 1, 1, 1)
    assert (EulerianMagnifier(20, 80, matlab=matlab)(clip) - clip).abs().max() <= 1e-6


def test_alpha_zero_is_the_identity() -> None:
    clip = random_clip(5, 32, 27)
    torch.testing.assert_close(EulerianMagnifier(alpha=0)(clip), clip, rtol=0, atol=0)


def test_first_frame_is_unchanged() -> None:
    clip = random_clip(5, 32, 27)
    torch.testing.assert_close(EulerianMagnifier()(clip)[:, 0], clip[:, 0], rtol=0, atol=0)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("frames", "height", "width"), [(1, 17, 9), (2, 5, 5), (3, 33, 47), (7, 21, 64), (12, 31, 19)])
def test_closed_form_equals_the_full_run(frames: int, height: int, width: int, device: str) -> None:
    magnifier = EulerianMagnifier().to(device)
    clip = (0.4 + 0.2 * random_clip(frames, height, width, batch=2)).to(device)
    full = magnifier(clip)
    assert full.shape == clip.shape
    for index in range(frames):
        torch.testing.assert_close(magnifier.frame(clip, index), full[:, index], rtol=0, atol=1e-5)


def test_added_motion_is_linear_in_the_band() -> None:
    magnifier = EulerianMagnifier()
    frames = torch.full((1, 3, 37, 29), 0.5, dtype=torch.float64)
    one, two = gentle_clip()[:, 0] - 0.5, gentle_clip()[:, 1] - 0.5

    def added(band: Tensor) -> Tensor:
        return magnifier.magnify(frames, band) - frames

    torch.testing.assert_close(added(2 * one - 3 * two), 2 * added(one) - 3 * added(two), rtol=0, atol=1e-12)


def test_larger_alpha_adds_more_motion() -> None:
    clip = gentle_clip()
    added = [(EulerianMagnifier(alpha)(clip) - clip).square().sum().item() for alpha in (2, 5, 10, 20)]
    assert added == sorted(added)
    assert added[0] > 0


def test_magnified_values_stay_in_the_unit_range() -> None:
    magnified = EulerianMagnifier()(random_clip(6, 40, 40))
    assert magnified.min() == 0
    assert magnified.max() == 1


def test_attenuation_zero_leaves_no_colour_motion() -> None:
    clip = gentle_clip()
    added = (EulerianMagnifier(chroma_attenuation=0)(clip) - clip) / 1e-4
    colour = torch.einsum("dc,btchw->btdhw", CHROMA, added)
    assert added.abs().max() > 0.1
    assert colour.abs().max() < 1e-5


def test_attenuation_scales_colour_motion_and_keeps_luma_motion() -> None:
    clip = gentle_clip()
    whole, tenth = ((EulerianMagnifier(chroma_attenuation=kept)(clip) - clip) / 1e-4 for kept in (1.0, 0.1))
    # The reference's YIQ matrix is rounded to three decimals, as is the one here.
    for basis, kept in ((LUMA[None], 1.0), (CHROMA, 0.1)):
        before, after = (torch.einsum("dc,btchw->btdhw", basis, added) for added in (whole, tenth))
        assert (after - kept * before).abs().max() < 0.01 * before.abs().max()


@pytest.mark.parametrize("device", DEVICES)
def test_clips_of_a_batch_do_not_touch_each_other(device: str) -> None:
    magnifier = EulerianMagnifier().to(device)
    clips = random_clip(4, 23, 34, batch=3).to(device)
    alone = torch.cat([magnifier(clip[None]) for clip in clips])
    torch.testing.assert_close(magnifier(clips), alone, rtol=0, atol=1e-6)


def test_double_precision_is_kept_and_differentiable() -> None:
    clip = gentle_clip().requires_grad_()
    magnified = EulerianMagnifier()(clip)
    magnified[:, 3].sum().backward()
    assert magnified.dtype == torch.float64
    assert clip.grad is not None
    assert clip.grad[:, 3].abs().min() > 0
    assert clip.grad[:, 4:].abs().max() == 0


@pytest.mark.parametrize("shape", [(4, 3, 20, 20), (1, 4, 1, 20, 20), (1, 0, 3, 20, 20), (1, 3, 4, 20, 20)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(MerError, match=r"\(B, T, 3, H, W\)"):
        EulerianMagnifier()(torch.zeros(shape))


@pytest.mark.parametrize("index", [-1, 4])
def test_frame_outside_the_clip_is_refused(index: int) -> None:
    with pytest.raises(MerError, match=r"0\.\.3"):
        EulerianMagnifier().frame(random_clip(4, 20, 20), index)


def test_image_smaller_than_the_filter_is_refused() -> None:
    with pytest.raises(MerError, match="larger crop"):
        EulerianMagnifier()(random_clip(3, 4, 20))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("alpha", -1.0),
        ("alpha", float("nan")),
        ("alpha", "20"),
        ("lambda_c", 0.0),
        ("lambda_c", float("inf")),
        ("chroma_attenuation", 1.5),
        ("chroma_attenuation", -0.1),
    ],
)
def test_setting_out_of_bounds_is_refused_by_name(setting: str, value: float) -> None:
    with pytest.raises(MerError, match=setting):
        EulerianMagnifier(**{setting: value})


def test_no_magnification_returns_the_frames_and_shares_the_filter() -> None:
    temporal = IIR(0.5, 0.1)
    ablation = NoMagnification(temporal)
    frames = torch.rand(2, 3, 8, 8)
    assert ablation.magnify(frames, torch.ones_like(frames)) is frames
    assert ablation.temporal is temporal
    assert NoMagnification().temporal.settings() == EulerianMagnifier().temporal.settings()
