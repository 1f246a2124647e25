"""Key frames are the aligned onset, the aligned apex, and the temporal filter's band at the apex."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from mer.align import NoCrop
from mer.apex import AnnotatedApex, MiddleApex
from mer.errors import MerError
from mer.frames import read_frame
from mer.keyframes import WeightedSum, extract_key_frames, key_frames_of, needed_frames
from mer.magnify import IIR, Butterworth, Ideal
from tests.conftest import MakeClip

Frames = list[npt.NDArray[np.uint8]]


@pytest.fixture
def frames() -> Frames:
    """Seven frames of noise, 48x64."""
    return list(np.random.default_rng(0).integers(0, 256, (7, 48, 64, 3), np.uint8))


def iir_band(frames: npt.NDArray[np.float64], r1: float, r2: float) -> npt.NDArray[np.float64]:
    """The MIT code's recursion, as published: two low-pass filters and their difference at the last frame."""
    fast, slow = frames[0], frames[0]
    for frame in frames[1:]:
        fast = (1 - r1) * fast + r1 * frame
        slow = (1 - r2) * slow + r2 * frame
    return np.asarray(fast - slow)


def test_onset_and_apex_are_the_aligned_frames(make_clip: MakeClip, frames: Frames) -> None:
    clip = make_clip(frames, onset=4, apex=8)
    key = extract_key_frames(clip, NoCrop(16), AnnotatedApex(), IIR())
    crop = NoCrop(16).align(frames[0], clip).apply
    np.testing.assert_array_equal(key.onset.permute(1, 2, 0), crop(frames[0]))
    np.testing.assert_array_equal(key.apex.permute(1, 2, 0), crop(frames[4]))
    assert key.landmarks_px.shape == (0, 2)


@pytest.mark.parametrize("apex", [5, 6, 10])
@pytest.mark.parametrize(("r1", "r2"), [(0.4, 0.05), (1.0, 0.3)])
def test_band_is_the_recursion_over_the_aligned_frames(
    make_clip: MakeClip, frames: Frames, apex: int, r1: float, r2: float
) -> None:
    clip = make_clip(frames, onset=4, apex=apex)
    key = extract_key_frames(clip, NoCrop(32), AnnotatedApex(), IIR(r1, r2))
    crop = NoCrop(32).align(frames[0], clip).apply
    expected = iir_band(np.stack([crop(frame) / 255.0 for frame in frames[: apex - 3]]), r1, r2)
    assert str(key.band.dtype) == "torch.float32"
    np.testing.assert_allclose(key.band.permute(1, 2, 0), expected, atol=1e-7)


def test_frames_after_the_apex_do_not_matter(make_clip: MakeClip, frames: Frames) -> None:
    whole, cut = make_clip(frames, apex=6), make_clip(frames[:3], apex=6, clip="EP01_02f")
    settings = (NoCrop(16), AnnotatedApex(), IIR())
    for one, other in zip(
        vars(extract_key_frames(whole, *settings)).values(),
        vars(extract_key_frames(cut, *settings)).values(),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_apex_step_decides_where_the_dataset_gives_none(make_clip: MakeClip, frames: Frames) -> None:
    clip = make_clip(frames, onset=4)
    key = extract_key_frames(clip, NoCrop(48), AnnotatedApex(missing=MiddleApex()), IIR())
    np.testing.assert_array_equal(key.apex.permute(1, 2, 0), NoCrop(48).align(frames[0], clip).apply(frames[3]))


def test_clip_that_stands_still_has_no_band(make_clip: MakeClip, frames: Frames) -> None:
    key = extract_key_frames(make_clip([frames[0]] * 6, apex=9), NoCrop(16), AnnotatedApex(), IIR())
    np.testing.assert_allclose(key.band, 0, atol=1e-7)
    np.testing.assert_array_equal(key.onset, key.apex)


def test_frame_of_another_size_is_refused(make_clip: MakeClip, frames: Frames) -> None:
    frames[2] = frames[2][:40]
    with pytest.raises(MerError, match=r"frames of 64x48; got .*img6\.png of 64x40"):
        extract_key_frames(make_clip(frames, apex=8), NoCrop(16), AnnotatedApex(), IIR())


@pytest.mark.parametrize("number", [4, 6])
@pytest.mark.parametrize("content", [None, b"", b"\x89PNG cut off"], ids=["missing", "empty", "cut off"])
def test_frame_that_cannot_be_read_is_named(
    make_clip: MakeClip, frames: Frames, number: int, content: bytes | None
) -> None:
    clip = make_clip(frames, apex=8)
    file = Path(clip["files"][number - 4])
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(MerError, match=rf"a readable frame; got .*img{number}\.png.*; copy it again"):
        extract_key_frames(clip, NoCrop(16), AnnotatedApex(), IIR())


def test_frames_are_read_as_rgb_whatever_the_path(tmp_path: Path) -> None:
    file = tmp_path / "表情" / "img1.png"
    file.parent.mkdir()
    blue_green_red = np.full((4, 4, 3), (10, 20, 30), np.uint8)
    file.write_bytes(cv2.imencode(".png", blue_green_red)[1].tobytes())
    assert read_frame(str(file))[0, 0].tolist() == [30, 20, 10]


def test_grey_frames_become_three_equal_channels(tmp_path: Path) -> None:
    file = tmp_path / "img1.png"
    grey = np.random.default_rng(0).integers(0, 256, (4, 4), np.uint8)
    cv2.imwrite(str(file), grey)
    np.testing.assert_array_equal(read_frame(str(file)), np.repeat(grey[..., None], 3, axis=2))


@pytest.mark.parametrize("weights", [[0.5], [1.0, -1.0], [-0.4, 0.0, 0.3, 0.1], [0.0, 0.0], [-0.2, -0.3]])
def test_weighted_sum_is_that_of_numpy(weights: list[float]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (len(weights), 5, 7, 3), np.uint8)
    total = WeightedSum(images[0], weights[0])
    for image, weight in zip(images[1:], weights[1:], strict=True):
        total.add(image, weight)
    np.testing.assert_allclose(total.value(), np.tensordot(weights, images.astype(float), 1), atol=1e-10)


def test_frames_read_in_turn_make_the_same_key_frames(make_clip: MakeClip, frames: Frames) -> None:
    clip = make_clip(frames, onset=4, apex=9)
    files = needed_frames(clip, 5, IIR())
    transform = NoCrop(16).align(frames[0], clip)
    made = [key_frames_of(files, 5, frames[0], transform, IIR(), in_parallel=parallel) for parallel in (True, False)]
    for one, other in zip(vars(made[0]).values(), vars(made[1]).values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_stabilised_key_frames_are_without_the_drift(make_clip: MakeClip) -> None:
    texture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (160, 160, 3), np.uint8), (0, 0), 2.5)
    texture = cv2.normalize(texture, None, 0, 255, cv2.NORM_MINMAX)
    shifts = np.linspace(0, 2, 17)
    drifting = [
        np.asarray(cv2.warpAffine(texture, np.array([[1, 0, x], [0, 1, 0.0]]), (160, 160), borderMode=2), np.uint8)
        for x in shifts
    ]
    clip = make_clip(drifting, onset=0, apex=16)
    aligner = NoCrop(160)
    moved = extract_key_frames(clip, aligner, AnnotatedApex(), IIR())
    aligner.stabilise = True
    held = extract_key_frames(clip, aligner, AnnotatedApex(), IIR())
    inner = np.s_[:, 24:-24, 24:-24]
    before, after = (
        float(np.abs(key.apex.numpy()[inner].astype(int) - key.onset.numpy()[inner]).mean()) for key in (moved, held)
    )
    assert after < before / 5


def test_filter_that_looks_ahead_needs_the_clip_to_its_end(make_clip: MakeClip, frames: Frames) -> None:
    clip = make_clip(frames, onset=4, apex=6)  # at 200 fps, so that the clip of 7 frames holds 29, 57 and 86 Hz
    temporal = Ideal(20, 90)
    assert needed_frames(clip, 2, temporal) == clip["files"]
    assert needed_frames(clip, 2, IIR()) == clip["files"][:3]
    key = extract_key_frames(clip, NoCrop(16), AnnotatedApex(), temporal)
    crop = NoCrop(16).align(frames[0], clip).apply
    crops = np.stack([crop(frame) / 255.0 for frame in frames])
    weights = temporal.at(200).weights(2, 7)
    np.testing.assert_allclose(key.band.permute(1, 2, 0), np.tensordot(weights, crops, 1), atol=1e-6)
    np.testing.assert_array_equal(key.apex.permute(1, 2, 0), crop(frames[2]))


def test_filter_in_hz_is_that_of_the_clips_frame_rate(make_clip: MakeClip, frames: Frames) -> None:
    clip = make_clip(frames, onset=4, apex=9)
    slow = pd.Series(clip.to_dict() | {"fps": 100.0})
    band, slower, scaled = (
        extract_key_frames(one, NoCrop(16), AnnotatedApex(), Butterworth(low, high)).band
        for one, low, high in ((clip, 5, 40), (slow, 5, 40), (slow, 2.5, 20))
    )
    assert not np.allclose(band, slower)
    np.testing.assert_allclose(band, scaled, atol=1e-7)
