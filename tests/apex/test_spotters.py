"""Both spotters on clips whose apex is known."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from mer.apex import ApexSpotter, DivideAndConquer, FlowPeak, TrackedLandmarks
from mer.apex.dcrois import decorrelation
from mer.apex.flow_peak import without_trend
from mer.errors import MerError
from tests.apex.clips import SIZE_PX, expression, landmarks, mouth_bump, moving_clip, rise_and_fall

APEX, FRAMES = 11, 25
SPOTTERS: dict[str, ApexSpotter] = {
    "lbp": DivideAndConquer("lbp", smoothing_frames=2),
    "landmarks": DivideAndConquer("landmarks", landmarks=TrackedLandmarks()),
    "strain": DivideAndConquer("strain"),
    "flow_peak": FlowPeak(),
}
Crops = NDArray[np.uint8]


@pytest.fixture(scope="module")
def crops() -> Crops:
    return moving_clip(expression(APEX, FRAMES), FRAMES, noise_grey=1)


@pytest.mark.parametrize("spotter", SPOTTERS.values(), ids=SPOTTERS)
def test_the_apex_of_a_moving_texture_is_spotted(spotter: ApexSpotter, crops: Crops) -> None:
    found = spotter.spot(crops, landmarks())
    assert abs(found.frame - APEX) <= 3
    assert found.curve.shape == (FRAMES,)
    assert found.curve.dtype == np.float32
    assert np.array_equal(found.curve, spotter.curve(crops, landmarks()))


@pytest.mark.parametrize("spotter", [DivideAndConquer(), DivideAndConquer("strain"), FlowPeak()])
def test_the_curve_begins_with_0_and_two_equal_frames_have_an_apex(spotter: ApexSpotter, crops: Crops) -> None:
    found = spotter.spot(crops[[0, 0]], landmarks())
    assert found.frame == 1
    assert found.curve == pytest.approx([0, 0], abs=1e-3)
    assert spotter.curve(crops, landmarks())[0] == 0


@pytest.mark.parametrize("name", ["lbp", "strain", "flow_peak"])
def test_fixed_regions_stand_in_for_landmarks(name: str, crops: Crops) -> None:
    fixed = {
        "lbp": DivideAndConquer("lbp", fixed_regions=True, smoothing_frames=2),
        "strain": DivideAndConquer("strain", fixed_regions=True),
        "flow_peak": FlowPeak(fixed_regions=True),
    }[name]
    assert abs(fixed.spot(crops, None).frame - APEX) <= 3


@pytest.mark.parametrize("name", ["landmarks", "strain"])
def test_features_of_the_flow_peak_at_the_apex(name: str, crops: Crops) -> None:
    assert abs(int(SPOTTERS[name].curve(crops, landmarks()).argmax()) - APEX) <= 2


def test_a_drift_of_the_head_is_no_apex() -> None:
    crops = moving_clip(expression(APEX, FRAMES, drift_px=2.5), FRAMES, noise_grey=1)
    assert abs(FlowPeak().spot(crops, landmarks()).frame - APEX) <= 2
    assert abs(FlowPeak(returns=False).spot(crops, landmarks()).frame - APEX) <= 2


def test_a_blink_that_draws_strain_about_the_eyes_does_not_draw_the_flow_peak() -> None:
    y, x = np.indices((SIZE_PX, SIZE_PX)) / (SIZE_PX - 1)
    lids = sum(np.exp(-(((x - eye) / 0.08) ** 2) - ((y - 0.36) / 0.04) ** 2) for eye in (0.28, 0.72))

    def displacement(frame: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        blink = 3 * np.exp(-(((frame - 19) / 2) ** 2)) * lids
        move = -1.5 * rise_and_fall(frame, APEX, FRAMES - 1) * mouth_bump() + blink
        return np.zeros_like(mouth_bump()), move.astype(np.float32)

    crops = moving_clip(displacement, FRAMES, noise_grey=1)
    assert abs(DivideAndConquer("strain").spot(crops, landmarks()).frame - 19) <= 2
    assert abs(FlowPeak().spot(crops, landmarks()).frame - APEX) <= 2


def test_a_clip_that_ends_at_its_apex_needs_returns_false() -> None:
    crops = moving_clip(expression(APEX, FRAMES), FRAMES)[: APEX + 1]
    assert FlowPeak(returns=False, smoothing_frames=0).spot(crops, landmarks()).frame >= APEX - 1
    assert FlowPeak(smoothing_frames=0).curve(crops, landmarks())[-1] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("spotter", SPOTTERS.values(), ids=SPOTTERS)
def test_a_clip_gives_the_same_curve_every_time(spotter: ApexSpotter, crops: Crops) -> None:
    first, second = (spotter.curve(crops[:6], landmarks()) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_brightness_added_leaves_the_lbp_curve_as_it_is(crops: Crops) -> None:
    dim = crops // 2
    brighter = dim.copy()
    brighter[3:] += 60
    spotter = DivideAndConquer("lbp")
    assert np.allclose(spotter.curve(dim, landmarks()), spotter.curve(brighter, landmarks()), atol=1e-6)


def test_decorrelation_is_one_minus_the_cosine() -> None:
    rows = np.random.default_rng(0).random((5, 7))
    cosine = rows @ rows[0] / np.linalg.norm(rows, axis=1) / np.linalg.norm(rows[0])
    assert np.allclose(decorrelation(rows), 1 - cosine)
    assert decorrelation(np.array([[1.0, 0], [0, 2], [3, 0]])) == pytest.approx([0, 1, 0])


def test_decorrelation_with_nothing_is_refused() -> None:
    with pytest.raises(MerError, match="features that are not all 0; got 1 frames"):
        decorrelation(np.array([[1.0, 0], [0, 0]]))


def test_a_straight_line_in_time_is_no_movement() -> None:
    line = np.arange(5, dtype=np.float32)[:, None] * np.array([1, -2], np.float32)
    assert np.allclose(without_trend(line), 0)
    bump = np.array([0, 1, 3, 1, 0], np.float32)[:, None]
    assert np.allclose(without_trend(bump + line), np.repeat(bump, 2, axis=1))


def test_tracked_landmarks_follow_a_shift_of_the_face() -> None:
    def right(frame: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return np.full((SIZE_PX, SIZE_PX), 0.5 * frame, np.float32), np.zeros((SIZE_PX, SIZE_PX), np.float32)

    points = TrackedLandmarks()(moving_clip(right, 4), landmarks())
    assert points.shape == (4, 68, 2)
    moved = (points - landmarks())[:, 17:]
    assert np.abs(moved[..., 0] - 0.5 * np.arange(4)[:, None]).max() < 0.2
    assert np.abs(moved[..., 1]).max() < 0.2


def test_settings_tell_spotters_apart_and_leave_out_what_a_feature_does_not_use() -> None:
    made = [DivideAndConquer("lbp"), DivideAndConquer("lbp", smoothing_frames=1), *SPOTTERS.values(), FlowPeak("tvl1")]
    made += [FlowPeak(smoothing_frames=1), FlowPeak(returns=False), FlowPeak(fixed_regions=True)]
    made += [DivideAndConquer("strain", flow="tvl1"), DivideAndConquer("lbp", fixed_regions=True)]
    told = [repr(dict(spotter.settings())) for spotter in made]
    assert len(set(told)) == len(told)
    assert DivideAndConquer("lbp", flow="tvl1").settings() == DivideAndConquer("lbp").settings()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((3, 8, 8, 3), np.float32), r"crops \(T, S, S, 3\) of uint8; got float32"),
        (np.zeros((3, 8, 9, 3), np.uint8), r"got uint8 \(3, 8, 9, 3\)"),
        (np.zeros((3, 8, 8), np.uint8), r"got uint8 \(3, 8, 8\)"),
        (np.zeros((3, 8, 8, 1), np.uint8), r"got uint8 \(3, 8, 8, 1\)"),
        (np.zeros((1, 8, 8, 3), np.uint8), "two crops or more to spot an apex in; got 1"),
    ],
)
def test_what_is_no_clip_of_crops_is_refused(given: Crops, message: str) -> None:
    for spotter in (DivideAndConquer(), FlowPeak()):
        with pytest.raises(MerError, match=message):
            spotter.spot(given, None)


@pytest.mark.parametrize(
    ("points", "message"), [(np.zeros((5, 2)), r"got \(5, 2\)"), (np.full((68, 2), np.nan), "some that are no numbers")]
)
def test_what_are_no_landmarks_is_refused(points: NDArray[np.float32], message: str, crops: Crops) -> None:
    with pytest.raises(MerError, match=message):
        FlowPeak().spot(crops[:2], points)


@pytest.mark.parametrize("spotter", [DivideAndConquer(), FlowPeak()])
def test_no_landmarks_are_refused_without_fixed_regions(spotter: ApexSpotter, crops: Crops) -> None:
    with pytest.raises(MerError, match="landmarks, to know the face's regions; got none"):
        spotter.spot(crops[:2], None)


def test_the_onsets_landmarks_alone_are_refused_for_the_landmarks_feature(crops: Crops) -> None:
    with pytest.raises(MerError, match=r"landmarks of every frame .* got the onset's alone; .*TrackedLandmarks"):
        DivideAndConquer("landmarks")
    tracked = DivideAndConquer("landmarks", fixed_regions=True, landmarks=TrackedLandmarks())
    with pytest.raises(MerError, match=r"landmarks for apex\.feature=landmarks; got none"):
        tracked.spot(crops[:2], None)


def test_settings_out_of_bounds_are_refused() -> None:
    with pytest.raises(MerError, match=r"apex\.feature to be one of landmarks, lbp, strain; got 'hog'"):
        DivideAndConquer("hog")
    with pytest.raises(MerError, match=r"apex\.smoothing_frames"):
        DivideAndConquer(smoothing_frames=-1)
    with pytest.raises(MerError, match=r"apex\.smoothing_frames"):
        FlowPeak(smoothing_frames=-1)


def test_a_flow_that_is_not_there_is_refused(crops: Crops) -> None:
    for spotter in (FlowPeak("slow"), DivideAndConquer("strain", flow="slow")):
        with pytest.raises(MerError, match="flow to be one of"):
            spotter.spot(crops[:2], landmarks())


def test_clips_spotted_side_by_side_are_spotted_as_in_turn(crops: Crops) -> None:
    clips = [crops[:8], crops[4:12], crops[8:16], crops[12:20]]
    spotter = FlowPeak()
    in_turn = [spotter.curve(clip, landmarks()) for clip in clips]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(spotter.curve, clips, [landmarks()] * len(clips)))
    assert all(np.array_equal(one, other) for one, other in zip(in_turn, together, strict=True))
