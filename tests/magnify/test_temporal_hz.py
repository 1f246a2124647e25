"""Filters in Hz against scipy, numpy's FFT and the published recursions."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import signal
from torch import Tensor

from mer.errors import MerError
from mer.magnify import IIR, Butterworth, Ideal, IIRHz, TemporalFilter

RATES = [(0.5, 10.0, 30.0), (0.4, 3.0, 30.0), (3.6, 6.2, 30.0), (1.63, 16.6, 200.0), (0.5, 40.0, 100.0)]
ALL = [IIR(), IIRHz(0.5, 10, 100), Butterworth(0.5, 10, 100), Butterworth(0.5, 10, 100, matlab=True), Ideal(2, 30, 100)]
LOOKING_BACK = ALL[:-1]


def courses(frames: int, batch: int = 2) -> Tensor:
    return torch.rand(batch, frames, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(frames))


def scipy_butterworth(course: NDArray[np.float64], low_hz: float, high_hz: float, fps: float) -> NDArray[np.float64]:
    passes = []
    for hz in (high_hz, low_hz):
        b, a = signal.butter(1, hz, fs=fps)
        start = signal.lfilter_zi(b, a)[:, None] * course[:1]
        passes.append(signal.lfilter(b, a, course, axis=0, zi=start)[0])
    return np.asarray(passes[0] - passes[1])


@pytest.mark.parametrize(("low_hz", "high_hz", "fps"), RATES)
def test_butterworth_is_that_of_scipy_in_its_steady_state(low_hz: float, high_hz: float, fps: float) -> None:
    course = courses(40, 1)
    ours = Butterworth(low_hz, high_hz, fps).filter(course)[0].numpy()
    np.testing.assert_allclose(ours, scipy_butterworth(course[0].numpy(), low_hz, high_hz, fps), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("low_hz", "high_hz", "fps"), RATES)
def test_published_butterworth_has_half_the_cutoffs(low_hz: float, high_hz: float, fps: float) -> None:
    course = courses(40, 1)
    ours = Butterworth(low_hz, high_hz, fps).published().filter(course)[0].numpy()
    expected = scipy_butterworth(course[0].numpy(), low_hz / 2, high_hz / 2, fps)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("low_hz", "high_hz", "fps"), RATES)
def test_rates_of_cutoffs_fall_to_half_the_power_there(low_hz: float, high_hz: float, fps: float) -> None:
    settings = IIRHz(low_hz, high_hz, fps).settings()
    for rate, hz in ((settings["r1"], high_hz), (settings["r2"], low_hz)):
        _, response = signal.freqz([rate], [1, float(rate) - 1], worN=[hz], fs=fps)
        assert abs(response[0]) ** 2 == pytest.approx(0.5, abs=1e-9)


def test_cutoffs_of_the_default_rates_at_200_fps() -> None:
    settings = IIRHz(1.6337, 16.6244, 200).settings()
    assert (settings["r1"], settings["r2"]) == pytest.approx((0.4, 0.05), abs=1e-4)
    course = courses(20)
    exact = IIR(float(settings["r1"]), float(settings["r2"]))
    torch.testing.assert_close(IIRHz(1.6337, 16.6244, 200).filter(course), exact.filter(course))


def published_ideal(course: NDArray[np.float64], low_hz: float, high_hz: float, fps: float) -> NDArray[np.float64]:
    """ideal_bandpassing.m, line by line."""
    frames = len(course)
    frequencies = np.arange(frames) / frames * fps
    spectrum = np.fft.fft(course, axis=0)
    spectrum[~((frequencies > low_hz) & (frequencies < high_hz))] = 0
    return np.real(np.fft.ifft(spectrum, axis=0))


@pytest.mark.parametrize("frames", [16, 17, 63, 64])
def test_published_ideal_is_the_half_spectrum_and_ours_is_twice_it(frames: int) -> None:
    course = courses(frames, 1)
    expected = published_ideal(course[0].numpy(), 3, 20, 60)
    ours = Ideal(3, 20, 60)
    np.testing.assert_allclose(ours.published().filter(course)[0].numpy(), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours.filter(course)[0].numpy(), 2 * expected, rtol=0, atol=1e-12)


def test_ideal_keeps_a_wave_inside_the_band_and_drops_one_outside() -> None:
    time = torch.arange(50, dtype=torch.float64) / 100
    inside, outside = (torch.sin(2 * math.pi * hz * time) for hz in (6, 20))
    band = Ideal(1, 10, 100).filter((inside + outside)[None, :, None])
    torch.testing.assert_close(band[0, :, 0], inside, rtol=0, atol=1e-12)


@pytest.mark.parametrize("temporal", ALL, ids=lambda one: str(one.settings()))
@pytest.mark.parametrize("frames", [4, 23, 24])
def test_weights_are_the_filter_on_the_identity(temporal: TemporalFilter, frames: int) -> None:
    temporal = Ideal(15, 40, 100) if isinstance(temporal, Ideal) else temporal
    bands = temporal.filter(torch.eye(frames, dtype=torch.float64)[None])[0]
    for index in range(frames):
        weights = temporal.weights(index, frames)
        assert len(weights) == (frames if temporal.looks_ahead else index + 1)
        torch.testing.assert_close(weights, bands[index, : len(weights)], rtol=0, atol=1e-12)


@pytest.mark.parametrize("temporal", ALL, ids=lambda one: str(one.settings()))
def test_weights_of_a_band_sum_to_zero(temporal: TemporalFilter) -> None:
    assert abs(temporal.weights(29, 40).sum().item()) < 1e-12
    assert len(temporal.weights(29)) == 30


@pytest.mark.parametrize("temporal", ALL, ids=lambda one: str(one.settings()))
def test_bands_one_at_a_time_are_those_of_the_clip(temporal: TemporalFilter) -> None:
    (clip,) = courses(30, 1)
    one_at_a_time = torch.stack(list(temporal.bands(iter(clip))))
    torch.testing.assert_close(one_at_a_time, temporal.filter(clip[None])[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("temporal", LOOKING_BACK, ids=lambda one: str(one.settings()))
def test_filters_that_look_back_give_a_band_at_once(temporal: TemporalFilter) -> None:
    read = []
    bands = temporal.bands(read.append(number) or torch.ones(2) for number in range(9))
    next(bands)
    assert read == [0]


@pytest.mark.parametrize("temporal", ALL, ids=lambda one: str(one.settings()))
def test_padding_has_no_band_and_touches_no_clip(temporal: TemporalFilter) -> None:
    clips, lengths = courses(30, 3), [30, 17, 22]
    bands = temporal.filter(clips, torch.tensor(lengths))
    for clip, band, length in zip(clips, bands, lengths, strict=True):
        torch.testing.assert_close(band[:length], temporal.filter(clip[None, :length])[0], rtol=0, atol=1e-12)
        assert (band[length:] == 0).all()


@pytest.mark.parametrize("temporal", [IIR(), Ideal(2, 30, 100)], ids=["iir", "ideal"])
@pytest.mark.parametrize(
    "lengths", [torch.tensor([3]), torch.tensor([0, 3]), torch.tensor([3, 9]), torch.tensor([2.0, 3.0])]
)
def test_lengths_that_do_not_fit_the_clips_are_refused(temporal: TemporalFilter, lengths: Tensor) -> None:
    with pytest.raises(MerError, match=r"2 whole lengths in 1\.\.8"):
        temporal.filter(courses(8), lengths)


@pytest.mark.parametrize("kind", [IIRHz, Butterworth, Ideal])
def test_a_filter_in_hz_takes_the_clips_rate_unless_it_was_given_one(kind: type[Butterworth]) -> None:
    open_rate = kind(0.5, 10)
    assert open_rate.at(100).settings() == kind(0.5, 10, 100).settings()
    assert open_rate.at(100).settings() != open_rate.at(200).settings()
    assert kind(0.5, 10, 100).at(float("nan")).settings() == kind(0.5, 10, 100).settings()
    assert IIR().at(float("nan")).settings() == IIR().settings()


@pytest.mark.parametrize("kind", [IIRHz, Butterworth, Ideal])
def test_a_filter_in_hz_without_a_rate_is_refused(kind: type[Butterworth]) -> None:
    for use in (lambda one: one.filter(courses(8)), lambda one: one.weights(7), lambda one: one.settings()):
        with pytest.raises(MerError, match="the clip's frames a second; got none"):
            use(kind(0.5, 10))
    with pytest.raises(MerError, match=r"none on record; set magnify.temporal.fps"):
        kind(0.5, 10).at(float("nan"))


@pytest.mark.parametrize("kind", [IIRHz, Butterworth, Ideal])
@pytest.mark.parametrize("fps", [20.0, 15.0, -5.0])
def test_a_rate_too_low_for_the_band_is_refused(kind: type[Butterworth], fps: float) -> None:
    for make in (lambda: kind(0.5, 10).at(fps), lambda: kind(0.5, 10, fps)):
        with pytest.raises(MerError, match=r"fps|more than 20 frames a second"):
            make()


@pytest.mark.parametrize("kind", [IIRHz, Butterworth, Ideal])
@pytest.mark.parametrize(("low_hz", "high_hz"), [(10, 0.5), (5, 5), (0, 5), (-1, 5), (0.5, float("nan")), ("1", 5)])
def test_cutoffs_out_of_order_or_bounds_are_refused(kind: type[Butterworth], low_hz: float, high_hz: float) -> None:
    with pytest.raises(MerError, match=r"temporal\.(low|high)_hz"):
        kind(low_hz, high_hz, 100)


def test_a_clip_too_short_for_a_frequency_of_the_band_is_refused() -> None:
    with pytest.raises(MerError, match=r"8 frames at 100 fps, whose frequencies are 12.5 Hz apart"):
        Ideal(0.5, 10, 100).filter(courses(8))


def test_settings_tell_filters_apart() -> None:
    told = [
        tuple(temporal.settings().items()) for temporal in [*ALL, Ideal(2, 30, 100, matlab=True), Ideal(2, 31, 100)]
    ]
    assert len(set(told)) == len(told)
