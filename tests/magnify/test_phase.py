"""Phase-based magnification on translated sinusoids and textures, at and beyond its bound, and on noise."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from mer.errors import MerError
from mer.magnify.eulerian import EulerianMagnifier
from mer.magnify.ideal import Ideal
from mer.magnify.phase import PhaseMagnifier, weighted_blur
from mer.magnify.temporal import IIR, TemporalFilter

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")),
]
SIDE = 64


def random_clip(frames: int, height: int, width: int, batch: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(frames * 10_000 + height * 100 + width)
    return 0.3 + 0.4 * torch.rand(batch, frames, 3, height, width, generator=generator)


def rgb(grey: Tensor) -> Tensor:
    """``(H, W)`` -> ``(1, 3, H, W)``."""
    return grey.expand(1, 3, *grey.shape)


def wave(cycles_y: int, cycles_x: int, moved_px: float = 0.0) -> Tensor:
    """A sinusoid of whole cycles in the image, moved along its own direction; ``(1, 3, SIDE, SIDE)``."""
    y, x = torch.meshgrid(*[torch.arange(SIDE, dtype=torch.float64)] * 2, indexing="ij")
    cycles = (cycles_y * y + cycles_x * x - math.hypot(cycles_y, cycles_x) * moved_px) / SIDE
    return rgb(0.5 + 0.2 * torch.cos(2 * math.pi * cycles))


def wave_shift_px(before: Tensor, after: Tensor, cycles_y: int, cycles_x: int) -> float:
    """How far the sinusoid has moved, within half a wavelength, by its one Fourier coefficient."""
    first, second = (torch.fft.fft2(image[0, 0])[cycles_y, cycles_x] for image in (before, after))
    wavelength_px = SIDE / math.hypot(cycles_y, cycles_x)
    return -(second / first).angle().item() / (2 * math.pi) * wavelength_px


def texture(wavelength_px: float, octaves: float) -> Tensor:
    """Noise of all directions with frequencies within a band; ``(SIDE, SIDE)``."""
    generator = torch.Generator().manual_seed(1)
    noise = torch.rand(SIDE, SIDE, dtype=torch.float64, generator=generator)
    frequency = torch.fft.fftfreq(SIDE, dtype=torch.float64)
    relative = torch.hypot(frequency[:, None], frequency) * wavelength_px
    inside = (relative > 2 ** (-octaves / 2)) & (relative < 2 ** (octaves / 2))
    image = torch.fft.ifft2(torch.fft.fft2(noise) * inside).real
    return 0.5 + 0.2 * image / image.abs().max()


def translated(image: Tensor, moved_px: float) -> Tensor:
    """Moved to the right without interpolation."""
    frequency = torch.fft.fftfreq(image.shape[-1], dtype=torch.float64)
    return torch.fft.ifft(torch.fft.fft(image) * torch.exp(-2j * math.pi * frequency * moved_px)).real


def shift_px(before: Tensor, after: Tensor) -> float:
    """Peak of the cross-correlation along x, to 0.005 px."""
    product = (torch.fft.fft(before).conj() * torch.fft.fft(after)).sum(0)
    shifts = torch.arange(-10, 10, 0.005, dtype=torch.float64)
    turns = torch.exp(2j * math.pi * shifts[:, None] * torch.fft.fftfreq(SIDE, dtype=torch.float64))
    return shifts[(turns * product).real.sum(1).argmax()].item()


def patch(wavelength_px: float, moved_px: float) -> Tensor:
    """A short burst of a vertical wave, alone in its image; ``(64, 128)``."""
    x = torch.arange(128, dtype=torch.float64) - 64 - moved_px
    burst = torch.cos(2 * math.pi * x / wavelength_px) * torch.exp(-0.5 * (2 * x / wavelength_px) ** 2)
    return (0.5 + 0.3 * burst).expand(64, 128)


def centre_px(image: Tensor) -> float:
    """Centre of the energy along x, relative to the image's middle."""
    energy = (image - 0.5).square().mean(0)
    return ((torch.arange(128) - 64) * energy).sum().item() / energy.sum().item()


@pytest.mark.parametrize("sigma_px", [0, 2])
@pytest.mark.parametrize(("cycles_y", "cycles_x"), [(0, 8), (8, 0), (5, 5), (3, 9), (0, 4), (2, 1)])
@pytest.mark.parametrize(("delta_px", "alpha"), [(0.1, 4), (0.05, 20), (0.3, 2.5)])
def test_wave_is_moved_by_one_plus_alpha_times_its_motion(
    delta_px: float, alpha: float, cycles_y: int, cycles_x: int, sigma_px: float
) -> None:
    onset, apex = wave(cycles_y, cycles_x), wave(cycles_y, cycles_x, delta_px)
    magnified = PhaseMagnifier(alpha, sigma_px=sigma_px).magnify(apex, None, onset)
    assert wave_shift_px(onset, magnified, cycles_y, cycles_x) == pytest.approx((1 + alpha) * delta_px, rel=0.02)
    torch.testing.assert_close(magnified, wave(cycles_y, cycles_x, (1 + alpha) * delta_px), rtol=0, atol=0.01)


@pytest.mark.parametrize("motion", ["ramp", "sway"])
def test_wave_in_a_clip_is_moved_by_alpha_times_its_filtered_motion(motion: str) -> None:
    time = torch.arange(12, dtype=torch.float64)
    deltas_px = 0.03 * time if motion == "ramp" else 0.2 * torch.sin(time)
    clip = torch.stack([wave(2, 8, delta.item()) for delta in deltas_px], dim=1)
    magnified = PhaseMagnifier(6, IIR(0.5, 0.1))(clip)
    expected = deltas_px + 6 * IIR(0.5, 0.1).filter(deltas_px[None])[0]
    ours = [wave_shift_px(clip[:, 0], frame, 2, 8) for frame in magnified.unbind(1)]
    assert ours == pytest.approx(expected.tolist(), abs=0.02)
    assert max(abs(expected - deltas_px)) > 0.4


@pytest.mark.parametrize("bandwidth", [1, 0.5])
@pytest.mark.parametrize("wavelength_px", [8, 12, 16])
@pytest.mark.parametrize("share", [1 / 8, 1 / 4])
def test_texture_is_moved_by_one_plus_alpha_times_its_motion_up_to_the_bound(
    share: float, wavelength_px: float, bandwidth: float
) -> None:
    still, total_px = texture(wavelength_px, 0.4), share * wavelength_px
    for delta_px in (0.1, 0.3):
        magnifier = PhaseMagnifier(total_px / delta_px - 1, bandwidth=bandwidth, orientations=8, sigma_px=0)
        magnified = magnifier.magnify(rgb(translated(still, delta_px)), None, rgb(still))[0, 0]
        assert shift_px(still, magnified) == pytest.approx(total_px, rel=0.05)


def test_texture_of_an_octave_is_moved_nine_tenths_as_far_at_the_default_settings() -> None:
    """The bands' envelopes stay where they are: what moves of a wide texture is the carrier alone."""
    still = texture(12, 1.0)
    magnified = PhaseMagnifier(14).magnify(rgb(translated(still, 0.1)), None, rgb(still))[0, 0]
    assert shift_px(still, magnified) == pytest.approx(1.5, rel=0.11)


def test_eulerian_magnification_moves_the_texture_less_faithfully() -> None:
    still, total_px, delta_px = texture(12, 1.0), 3.0, 0.2
    onset, apex = rgb(still).float(), rgb(translated(still, delta_px)).float()
    alpha = total_px / delta_px - 1
    truth = rgb(translated(still, total_px))
    by_phase = PhaseMagnifier(alpha).magnify(apex, None, onset)
    by_sums = EulerianMagnifier(alpha, lambda_c=2).magnify(apex, apex - onset)
    assert (by_phase - truth).square().mean() < 0.3 * (by_sums - truth).square().mean()


def burst_magnified(total_px: float, bandwidth: float) -> tuple[Tensor, float]:
    """A burst of a wavelength of 16 px, moved by 0.2 px and magnified to ``total_px``; its relative error."""
    magnifier = PhaseMagnifier(total_px / 0.2 - 1, bandwidth=bandwidth)
    magnified = magnifier.magnify(rgb(patch(16, 0.2)), None, rgb(patch(16, 0)))[0, 0]
    truth = patch(16, total_px)
    return magnified, ((magnified - truth).norm() / (truth - 0.5).norm()).item()


def test_lone_burst_follows_up_to_a_quarter_wavelength_and_then_stays_behind() -> None:
    """The bound of octave bands: a band carries motion no further than its own filters reach."""
    magnified, errors = zip(*(burst_magnified(total_px, 1) for total_px in (2, 4, 8, 16)), strict=True)
    assert errors == pytest.approx([0.1, 0.2, 0.4, 0.7], abs=0.05)
    assert centre_px(magnified[1]) == pytest.approx(2.0, abs=0.1)  # the carrier has moved 4 px, its envelope less
    assert centre_px(magnified[3]) < 6


@pytest.mark.parametrize("total_px", [2, 4, 8])
def test_half_the_bandwidth_lets_motion_grow_twice_as_far(total_px: float) -> None:
    _, of_octaves = burst_magnified(total_px, 1)
    _, of_half_octaves = burst_magnified(2 * total_px, 0.5)
    assert of_half_octaves == pytest.approx(of_octaves, rel=0.15)


def test_motion_beyond_half_a_wavelength_wraps_around() -> None:
    """5 px of a wavelength of 8 px are seen as -3 px."""
    onset, apex = wave(0, 8), wave(0, 8, 5.0)
    magnified = PhaseMagnifier(0.5).magnify(apex, None, onset)
    assert wave_shift_px(onset, magnified, 0, 8) == pytest.approx(5 - 0.5 * 3)


@pytest.mark.parametrize("chroma", [False, True])
@pytest.mark.parametrize(("height", "width"), [(40, 30), (33, 47), (8, 9)])
def test_static_clip_is_unchanged(height: int, width: int, chroma: bool) -> None:
    clip = random_clip(1, height, width).repeat(1, 5, 1, 1, 1)
    magnifier = PhaseMagnifier(50, chroma=chroma)
    torch.testing.assert_close(magnifier(clip), clip, rtol=0, atol=1e-4)
    torch.testing.assert_close(magnifier.magnify(clip[:, 1], None, clip[:, 0]), clip[:, 1], rtol=0, atol=1e-4)


def test_flat_image_is_unchanged() -> None:
    clip = torch.full((1, 2, 3, 20, 20), 0.5)
    torch.testing.assert_close(PhaseMagnifier()(clip), clip, rtol=0, atol=1e-6)


@pytest.mark.parametrize("chroma", [False, True])
def test_alpha_zero_is_the_identity(chroma: bool) -> None:
    clip = random_clip(4, 33, 28)
    magnifier = PhaseMagnifier(0, chroma=chroma)
    torch.testing.assert_close(magnifier(clip), clip, rtol=0, atol=1e-5)
    torch.testing.assert_close(magnifier.magnify(clip[:, 3], None, clip[:, 0]), clip[:, 3], rtol=0, atol=1e-5)


def test_first_frame_is_unchanged() -> None:
    clip = random_clip(4, 33, 28)
    torch.testing.assert_close(PhaseMagnifier()(clip)[:, 0], clip[:, 0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("lambda_c", [2, 16])
@pytest.mark.parametrize("alpha", [5, 10, 20, 40])
def test_static_noise_is_amplified_less_than_by_eulerian_magnification(alpha: float, lambda_c: float) -> None:
    y, x = torch.meshgrid(torch.arange(65) / 4, torch.arange(48) / 3, indexing="ij")
    still = 0.5 + 0.2 * x.sin() * y.cos()
    noise = 0.01 * torch.randn(1, 8, 1, 65, 48, generator=torch.Generator().manual_seed(0))
    clip = (still + noise).expand(-1, -1, 3, -1, -1)
    onset, apex = clip[:, 0], clip[:, 7]
    phase, sums = PhaseMagnifier(alpha), EulerianMagnifier(alpha, lambda_c)

    def noise_in(magnified: Tensor) -> float:
        return (magnified - still).std().item()

    assert 0.01 < noise_in(phase(clip)[:, 1:]) < noise_in(sums(clip)[:, 1:])
    assert 0.01 < noise_in(phase.magnify(apex, None, onset)) < noise_in(sums.magnify(apex, apex - onset))


def test_blur_lessens_noise() -> None:
    clip = random_clip(2, 40, 40)
    added = [(PhaseMagnifier(5, sigma_px=sigma)(clip) - clip)[:, 1].std().item() for sigma in (0, 1, 2, 5)]
    assert added == sorted(added, reverse=True)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("chroma", [False, True])
@pytest.mark.parametrize(("frames", "height", "width"), [(1, 17, 9), (2, 8, 8), (3, 33, 47), (7, 21, 64)])
def test_single_frame_equals_the_full_run(frames: int, height: int, width: int, chroma: bool, device: str) -> None:
    # Motion small enough that no phase lies at the cut between -pi and pi.
    still, changed = random_clip(1, height, width, batch=2), random_clip(frames, height, width, batch=2)
    clip = (still + 0.003 * changed).to(device)
    magnifier = PhaseMagnifier(10, chroma=chroma).to(device)
    full = magnifier(clip)
    assert full.shape == clip.shape
    for index in range(frames):
        torch.testing.assert_close(magnifier.frame(clip, index), full[:, index], rtol=0, atol=1e-5)


FILTERS = {"iir": IIR(), "ideal": Ideal(5, 40, 100)}


@pytest.mark.parametrize("temporal", FILTERS.values(), ids=FILTERS)
def test_clips_of_different_lengths_are_magnified_as_if_alone(temporal: TemporalFilter) -> None:
    magnifier = PhaseMagnifier(10, temporal)
    clips, lengths = random_clip(14, 21, 18, batch=3).double(), torch.tensor([14, 9, 11])
    full = magnifier(clips, lengths)
    for clip, one, length in zip(clips, full, lengths.tolist(), strict=True):
        torch.testing.assert_close(one[:length], magnifier(clip[None, :length])[0], rtol=0, atol=1e-9)
        torch.testing.assert_close(one[length:], clip[length:], rtol=0, atol=1e-9)


@pytest.mark.parametrize("temporal", FILTERS.values(), ids=FILTERS)
def test_filling_touches_no_frame_of_its_clip(temporal: TemporalFilter) -> None:
    clips, lengths = random_clip(12, 21, 18, batch=2), torch.tensor([12, 9])
    other = clips.clone()
    other[1, 9:] = torch.nan
    magnifier = PhaseMagnifier(10, temporal)
    for one, two in zip(magnifier(clips, lengths), magnifier(other, lengths), strict=True):
        assert torch.equal(one[:9], two[:9])
    assert torch.equal(magnifier.frame(clips, 4, lengths), magnifier.frame(other, 4, lengths))


@pytest.mark.parametrize("temporal", FILTERS.values(), ids=FILTERS)
def test_each_clip_of_a_batch_has_its_own_frame_and_length(temporal: TemporalFilter) -> None:
    still, changed = random_clip(1, 21, 18, batch=3).double(), random_clip(14, 21, 18, batch=3).double()
    clips, lengths, indices = still + 0.003 * changed, torch.tensor([14, 9, 11]), torch.tensor([3, 8, 5])
    magnifier = PhaseMagnifier(10, temporal)
    expected = magnifier(clips, lengths)[torch.arange(3), indices]
    torch.testing.assert_close(magnifier.frame(clips, indices, lengths), expected, rtol=0, atol=1e-6)


def test_a_frame_beyond_its_clips_length_is_refused() -> None:
    with pytest.raises(MerError, match=r"0\.\.4"):
        PhaseMagnifier().frame(random_clip(8, 9, 9, batch=2), 5, torch.tensor([8, 5]))


def test_another_number_of_frames_than_clips_is_refused() -> None:
    with pytest.raises(MerError, match="2 frame indices; got 3"):
        PhaseMagnifier().frame(random_clip(8, 9, 9, batch=2), torch.tensor([1, 2, 3]))


@pytest.mark.parametrize("frames", [0, 9])
def test_a_length_outside_the_clip_is_refused(frames: int) -> None:
    with pytest.raises(MerError, match=r"whole lengths in 1\.\.8"):
        PhaseMagnifier()(random_clip(8, 9, 9), torch.tensor([frames]))


@pytest.mark.parametrize("device", DEVICES)
def test_clips_of_a_batch_do_not_touch_each_other(device: str) -> None:
    magnifier = PhaseMagnifier(4).to(device)
    clips = random_clip(3, 23, 34, batch=3).double().to(device)
    alone = torch.cat([magnifier(clip[None]) for clip in clips])
    torch.testing.assert_close(magnifier(clips), alone, rtol=0, atol=1e-9)
    pairs = torch.cat([magnifier.magnify(clip[None, 2], None, clip[None, 0]) for clip in clips])
    torch.testing.assert_close(magnifier.magnify(clips[:, 2], None, clips[:, 0]), pairs, rtol=0, atol=1e-9)


def test_key_frames_are_magnified_as_two_frames_without_a_filter() -> None:
    clip = random_clip(2, 30, 26).double()
    # Rates of 1 and nearly 0: the band of the second frame is its difference from the first.
    whole = PhaseMagnifier(3, IIR(1.0, 1e-9)).frame(clip, 1)
    magnifier = PhaseMagnifier(3)
    ours = magnifier.magnify(clip[:, 1], None, clip[:, 0])
    torch.testing.assert_close(ours, whole, rtol=0, atol=1e-6)
    other_band = torch.ones_like(ours)
    torch.testing.assert_close(magnifier.magnify(clip[:, 1], other_band, clip[:, 0]), ours, rtol=0, atol=0)


def test_chroma_stays_unless_asked_for() -> None:
    clip = random_clip(2, 32, 32)
    change = PhaseMagnifier(2)(clip)[:, 1] - clip[:, 1]
    assert change.abs().max() > 0.01
    torch.testing.assert_close(change, change[:, :1].expand_as(change), rtol=0, atol=1e-6)


def test_colours_move_each_by_themselves_if_asked_for() -> None:
    onset, apex = wave(0, 8), wave(0, 8)
    apex = torch.stack([wave(0, 8, 0.2)[:, 0], apex[:, 1], apex[:, 2]], dim=1)
    magnified = PhaseMagnifier(4, chroma=True).magnify(apex, None, onset)
    assert wave_shift_px(onset, magnified, 0, 8) == pytest.approx(1.0)
    torch.testing.assert_close(magnified[:, 1:], onset[:, 1:], rtol=0, atol=1e-9)


def test_magnified_values_stay_in_the_unit_range() -> None:
    clip = torch.rand(1, 3, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    magnified = PhaseMagnifier()(clip)
    assert magnified.min() == 0
    assert magnified.max() == 1


def test_double_precision_is_kept() -> None:
    assert PhaseMagnifier()(random_clip(2, 20, 20).double()).dtype == torch.float64


def test_weighted_blur_is_the_weighted_mean_written_out() -> None:
    generator = torch.Generator().manual_seed(3)
    phase, amplitude = torch.rand(2, 6, 7, dtype=torch.float64, generator=generator)
    expected = np.zeros((6, 7))
    for row, column in np.ndindex(6, 7):
        y, x = np.minimum(abs(np.arange(6) - row), 6 - abs(np.arange(6) - row)), np.arange(7) - column
        x = np.minimum(abs(x), 7 - abs(x))
        weights = np.exp(-(y[:, None] ** 2 + x**2) / (2 * 1.5**2)) * amplitude.numpy()
        expected[row, column] = (weights * phase.numpy()).sum() / weights.sum()
    np.testing.assert_allclose(weighted_blur(phase, amplitude, 1.5), expected, rtol=0, atol=1e-12)


def test_weighted_blur_keeps_a_constant_and_ignores_phase_without_amplitude() -> None:
    phase, amplitude = torch.full((9, 9), 0.7), torch.full((9, 9), 1e-3)
    phase[4, 4], amplitude[4, 4] = -3.0, 0.0
    torch.testing.assert_close(weighted_blur(phase, amplitude, 2.0), torch.full((9, 9), 0.7), rtol=0, atol=1e-6)
    assert weighted_blur(phase, torch.zeros(9, 9), 2.0).abs().max() == 0


def test_default_filter_shares_the_key_frames_of_eulerian_magnification() -> None:
    assert PhaseMagnifier().temporal.settings() == EulerianMagnifier().temporal.settings()
    temporal = IIR(0.5, 0.1)
    assert PhaseMagnifier(temporal=temporal).temporal is temporal


def test_missing_onsets_are_refused() -> None:
    frames = torch.rand(2, 3, 16, 16)
    with pytest.raises(MerError, match="onset"):
        PhaseMagnifier().magnify(frames, torch.zeros_like(frames))


def test_onsets_of_another_shape_are_refused() -> None:
    with pytest.raises(MerError, match=r"onsets of \(2, 3, 16, 16\); got \(1, 3, 16, 16\)"):
        PhaseMagnifier().magnify(torch.rand(2, 3, 16, 16), None, torch.rand(1, 3, 16, 16))


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 1, 16, 16)])
def test_frames_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(MerError, match=r"\(B, 3, H, W\)"):
        PhaseMagnifier().magnify(torch.rand(shape), None, torch.rand(shape))


@pytest.mark.parametrize("shape", [(4, 3, 20, 20), (1, 4, 1, 20, 20), (1, 0, 3, 20, 20), (1, 3, 4, 20, 20)])
def test_another_shape_of_clip_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(MerError, match=r"\(B, T, 3, H, W\)"):
        PhaseMagnifier()(torch.zeros(shape))
    with pytest.raises(MerError, match=r"\(B, T, 3, H, W\)"):
        PhaseMagnifier().frame(torch.zeros(shape), 0)


@pytest.mark.parametrize("index", [-1, 4])
def test_frame_outside_the_clip_is_refused(index: int) -> None:
    with pytest.raises(MerError, match=r"0\.\.3"):
        PhaseMagnifier().frame(random_clip(4, 20, 20), index)


def test_image_smaller_than_the_filters_is_refused() -> None:
    with pytest.raises(MerError, match="larger crop"):
        PhaseMagnifier()(random_clip(3, 7, 20))


def test_bytes_are_refused() -> None:
    with pytest.raises(MerError, match="uint8"):
        PhaseMagnifier()(torch.zeros(1, 2, 3, 16, 16, dtype=torch.uint8))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("alpha", -1.0),
        ("alpha", float("nan")),
        ("alpha", "20"),
        ("sigma_px", -0.1),
        ("sigma_px", 101),
        ("orientations", 1),
        ("bandwidth", 3),
    ],
)
def test_setting_out_of_bounds_is_refused_by_name(setting: str, value: float) -> None:
    with pytest.raises(MerError, match=setting):
        PhaseMagnifier(**{setting: value})
