"""Movements are found where they were planted, and nowhere without a face."""

from dataclasses import replace

import numpy as np
import pytest

from mer.align import FoundLandmarks
from mer.errors import MerError
from mer.predict import SpotSettings, spot
from mer.predict.spotting import Spotting
from tests.predict.faces import LID, Bump, FixedLandmarks, Stream, frames, stream

SETTINGS = SpotSettings(window_s=2.0)


def spotted(video: Stream, settings: SpotSettings = SETTINGS) -> Spotting:
    return spot(video, FixedLandmarks(), settings)


def test_planted_movement_is_found_at_its_time() -> None:
    found = spotted(stream([Bump(1.6)], fps=25, duration_s=3.0))
    (movement,) = found.movements
    assert movement.interval.apex == pytest.approx(40, abs=1)
    assert movement.interval.onset == pytest.approx(37, abs=2)
    assert movement.interval.offset == pytest.approx(43, abs=2)
    assert movement.score > 6
    (span,) = found.face_spans()
    assert (span.first_frame, span.last_frame) == (0, 74)
    assert (np.diff(found.curve_s) > 0).all()


def test_face_at_rest_or_drifting_or_blinking_shows_no_movement() -> None:
    lids = [Bump(1.4, 0.1, 3.0, LID, 3.0), Bump(1.4, 0.1, 3.0, LID + 7, 3.0)]
    for video in (stream([], fps=25, duration_s=2.4, drift_px=2.0), stream(lids, fps=25, duration_s=2.4)):
        assert spotted(video).movements == ()


def test_variable_frame_rate_counts_by_its_time_stamps() -> None:
    rng = np.random.default_rng(2)
    times = np.concatenate([[0.0], np.cumsum(rng.choice([0.02, 0.04, 0.06], 79))])
    apex_s = float(times[40])
    found = spotted(Stream(frames([Bump(apex_s, 0.15)], times), times))
    (movement,) = found.movements
    assert found.seconds[movement.interval.apex] == pytest.approx(apex_s, abs=0.06)
    assert found.seconds[movement.interval.onset] == pytest.approx(apex_s - 0.12, abs=0.08)


def test_fast_video_is_looked_at_in_means_of_frames() -> None:
    video = stream([Bump(0.9, 0.1)], fps=100, duration_s=1.8)
    found = spotted(video, SpotSettings(fps=25, window_s=2.0))
    assert 20 < len(found.curve_s) < 40
    assert len(found.seconds) == 180
    (movement,) = found.movements
    assert movement.interval.apex == pytest.approx(90, abs=5)


def test_nothing_is_found_where_the_face_has_left() -> None:
    video = stream([Bump(0.9), Bump(2.3)], fps=25, duration_s=3.0)
    dark = [image if at < 1.6 else np.zeros_like(image) for image, at in zip(video.images, video.times, strict=True)]
    source = FixedLandmarks()
    found = spot(Stream(dark, video.times), source, SETTINGS)
    assert [round(found.seconds[one.interval.apex], 1) for one in found.movements] == [0.9]
    (span,) = found.face_spans()
    assert span.last_frame == 39
    assert np.isnan(found.boxes_px[40:]).all()
    # Where there is none, a face is looked for a few times a second, not on every frame.
    assert 3 <= sum(at >= 40 for at in source.asked) <= 7


def test_video_without_a_face_has_no_spans() -> None:
    dark = [np.zeros((60, 80, 3), np.uint8)] * 10
    found = spotted(Stream(dark, np.arange(10) / 25))
    assert (found.face_spans(), found.movements, len(found.curve_s)) == ((), (), 0)
    assert found.shape == (60, 80)


def test_head_that_jumps_is_found_anew() -> None:
    images = frames([], np.arange(20) / 25)
    jumped = [*images, *(np.roll(image, 30, axis=1) for image in images)]
    source = FixedLandmarks()
    found = spot(Stream(jumped, np.arange(40) / 25), source, SETTINGS)
    assert found.movements == ()
    assert any(20 <= at <= 27 for at in source.asked)


def test_another_face_ends_what_is_told_of_the_first() -> None:
    class Turns(FixedLandmarks):
        def find(self, onsets, clips):  # type: ignore[no-untyped-def]
            found = super().find(onsets, clips)
            shift = np.array([45, 40], np.float32) * (len(self.asked) > 1)
            return [FoundLandmarks(one.points_px - shift) if isinstance(one, FoundLandmarks) else one for one in found]

    source = Turns()
    found = spot(stream([], fps=25, duration_s=2.6), source, SETTINGS)
    turned_s = source.asked[1] / 25
    assert [span.first_frame for span in found.face_spans()] == [0, source.asked[1]]
    # Each face is compared with itself alone, 0.3 s before and after.
    assert not (np.abs(found.curve_s - turned_s) < 0.2).any()
    assert (found.curve_s < turned_s).any()
    assert (found.curve_s > turned_s).any()


def test_windows_overlap_so_that_no_second_is_unwatched() -> None:
    found = spotted(stream([Bump(1.7), Bump(3.4)], fps=20, duration_s=5.0))
    assert 0.02 < np.diff(found.curve_s).min() <= np.diff(found.curve_s).max() < 0.11
    assert [round(found.seconds[one.interval.apex], 1) for one in found.movements] == [1.7, 3.4]


def test_two_windows_are_the_most_that_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    from mer.predict import spotting

    held: list[int] = []
    see = spotting._Follower.see

    def counted(self: spotting._Follower, frame: object) -> None:
        see(self, frame)  # type: ignore[arg-type]
        held.append(sum(len(window.crops) for window in self._windows))

    monkeypatch.setattr(spotting._Follower, "see", counted)
    spotted(stream([], fps=10, duration_s=6.0), SpotSettings(fps=10, window_s=2.0))
    assert max(held) <= 2 * 22


def test_too_few_frames_a_second_are_refused() -> None:
    with pytest.raises(MerError, match="8 frames a second or more"):
        spotted(Stream(frames([], [0.0, 0.2]), [0.0, 0.2]))


def test_slow_video_says_what_cannot_be_seen_in_it() -> None:
    images = [np.zeros((40, 40, 3), np.uint8)] * 5
    slow = spotted(Stream(images, np.arange(5) / 10))
    assert slow.remarks == ("10 frames a second: movements shorter than 0.2 s cannot be seen",)
    assert spotted(Stream(images, np.arange(5) / 24.9)).remarks == ()
    assert spotted(Stream(images[:1], np.zeros(1), fps_told=25.0)).remarks == ()


def test_several_faces_are_remarked_once_with_their_first_time() -> None:
    class Two(FixedLandmarks):
        def find(self, onsets, clips):  # type: ignore[no-untyped-def]
            found = super().find(onsets, clips)
            told = "2 faces, the largest taken" if self.asked[-1] >= 10 else ""
            return [replace(one, remark=told) if isinstance(one, FoundLandmarks) else one for one in found]

    images = frames([], np.arange(100) / 25)
    dark = [np.zeros_like(image) if 2 <= at < 10 else image for at, image in enumerate(images)]
    found = spot(Stream(dark, np.arange(100) / 25), Two(), SpotSettings(window_s=1.0))
    (remark,) = found.remarks
    assert remark.startswith("2 faces, the largest taken, first at 0.")
    first, second = found.face_spans()
    assert (first.first_frame, first.last_frame) == (0, 1)
    assert 10 <= second.first_frame < 17


def test_watched_seconds_are_those_of_the_curve_without_its_gaps() -> None:
    found = spotted(stream([], fps=25, duration_s=3.0))
    assert found.watched_s == pytest.approx(3.0 - 0.6, abs=0.1)
    paused = replace(found, curve_s=np.concatenate([np.arange(26) / 25, 5 + np.arange(26) / 25]))
    assert paused.watched_s == pytest.approx(2.0)
    assert replace(found, curve_s=np.zeros(0)).watched_s == 0
    assert replace(found, curve_s=np.zeros(1)).watched_s == 0


def test_progress_is_told_frame_by_frame() -> None:
    told: list[tuple[int, int]] = []
    images = [np.zeros((40, 40, 3), np.uint8)] * 3
    spot(Stream(images, np.arange(3) / 25), FixedLandmarks(), SETTINGS, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
