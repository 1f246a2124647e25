"""One frame in closed form against the whole-clip run, for every filter, at random lengths and odd sizes."""

import pytest
import torch
from torch import Tensor

from mer.errors import MerError
from mer.magnify import (
    IIR,
    Butterworth,
    EulerianMagnifier,
    Ideal,
    IIRHz,
    TemporalFilter,
    amplify,
    collapse,
    laplacian_pyramid,
)
from mer.magnify.eulerian import level_gains

FILTERS = {
    "iir": IIR(),
    "iir in hz": IIRHz(1, 20, 100),
    "butterworth": Butterworth(0.5, 10, 100),
    "ideal": Ideal(5, 40, 100),
}

SIZES = [(7, 10, 11), (9, 17, 33), (12, 31, 19), (24, 45, 64), (19, 13, 81)]


def random_clip(frames: int, height: int, width: int, batch: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(frames * 10_000 + height * 100 + width)
    return 0.4 + 0.2 * torch.rand(batch, frames, 3, height, width, generator=generator)


@pytest.mark.parametrize("matlab", [False, True])
@pytest.mark.parametrize("temporal", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize(("frames", "height", "width"), SIZES)
def test_closed_form_equals_the_full_run(
    temporal: TemporalFilter, frames: int, height: int, width: int, matlab: bool
) -> None:
    magnifier = EulerianMagnifier(temporal=temporal, matlab=matlab)
    clip = random_clip(frames, height, width, batch=2)
    full = magnifier(clip)
    assert (full - clip).abs().max() > 1e-3
    for index in range(frames):
        torch.testing.assert_close(magnifier.frame(clip, index), full[:, index], rtol=0, atol=1e-5)


@pytest.mark.parametrize("temporal", FILTERS.values(), ids=FILTERS)
def test_clips_of_different_lengths_are_magnified_as_if_alone(temporal: TemporalFilter) -> None:
    magnifier = EulerianMagnifier(temporal=temporal)
    clips, lengths = random_clip(14, 21, 18, batch=3), torch.tensor([14, 9, 11])
    full = magnifier(clips, lengths)
    for clip, one, length in zip(clips, full, lengths.tolist(), strict=True):
        torch.testing.assert_close(one[:length], magnifier(clip[None, :length])[0], rtol=0, atol=1e-6)
        torch.testing.assert_close(one[length:], clip[length:], rtol=0, atol=0)


@pytest.mark.parametrize("temporal", FILTERS.values(), ids=FILTERS)
def test_each_clip_of_a_batch_has_its_own_frame_and_length(temporal: TemporalFilter) -> None:
    magnifier = EulerianMagnifier(temporal=temporal)
    clips, lengths, indices = random_clip(14, 21, 18, batch=3), torch.tensor([14, 9, 11]), torch.tensor([3, 8, 5])
    expected = magnifier(clips, lengths)[torch.arange(3), indices]
    torch.testing.assert_close(magnifier.frame(clips, indices, lengths), expected, rtol=0, atol=1e-5)


def test_a_frame_beyond_its_clips_length_is_refused() -> None:
    with pytest.raises(MerError, match=r"0\.\.4"):
        EulerianMagnifier().frame(random_clip(8, 9, 9, batch=2), 5, torch.tensor([8, 5]))


def test_another_number_of_frames_than_clips_is_refused() -> None:
    with pytest.raises(MerError, match="2 frame indices; got 3"):
        EulerianMagnifier().frame(random_clip(8, 9, 9, batch=2), torch.tensor([1, 2, 3]))


@pytest.mark.parametrize("frames", [0, 9])
def test_a_length_outside_the_clip_is_refused(frames: int) -> None:
    with pytest.raises(MerError, match=r"whole lengths in 1\.\.8"):
        EulerianMagnifier().frame(random_clip(8, 9, 9), 0, torch.tensor([frames]))


def test_matlab_hands_its_quirks_to_the_filter() -> None:
    assert EulerianMagnifier(temporal=Butterworth(1, 5, 30), matlab=True).temporal.settings() == (
        Butterworth(0.5, 2.5, 30).settings()
    )
    assert EulerianMagnifier(temporal=Ideal(1, 5, 30), matlab=True).temporal.settings()["gain"] == 0.5


@pytest.mark.parametrize(("height", "width"), [(5, 5), (9, 31), (24, 17), (37, 37), (66, 70)])
@pytest.mark.parametrize("outer", [0.0, 3.0])
def test_amplify_is_the_collapse_of_the_levels_times_gains(height: int, width: int, outer: float) -> None:
    images = random_clip(2, height, width)[0].double()
    gains = [outer, *(gain - 2 for gain in level_gains(height, width, 20, 16)[1:-1]), outer]
    expected = collapse([gain * level for gain, level in zip(gains, laplacian_pyramid(images), strict=True)])
    torch.testing.assert_close(amplify(images, gains), expected, rtol=0, atol=1e-12)


def test_amplify_refuses_another_number_of_gains() -> None:
    with pytest.raises(MerError, match="3 gains, one a level; got 2"):
        amplify(random_clip(1, 10, 10)[0], [1.0, 2.0])
