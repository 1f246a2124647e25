"""Arguments out of bounds are named in one line."""

import pytest

from mer.errors import MerError
from mer.synth.settings import Settings


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("subjects", 1),
        ("subjects", 100),
        ("subjects", 2.5),
        ("clips_per_subject", 0),
        ("seed", -1),
        ("frame_size", (640,)),
        ("frame_size", (640, 10)),
        ("duration_s", (0.2, 0.04)),
        ("duration_s", 0.2),
        ("duration_s", "xy"),
        ("motion_px", (1.5, 0.3)),
        ("motion_px", (0.0, 0.3)),
        ("motion_px", (0.3, 50.0)),
        ("motion_px", (0.3,)),
        ("drift_px", 9.0),
        ("distractor_px", -0.1),
        ("head_variation", 1.5),
        ("blinks", -0.5),
        ("extra_frames", -1),
        ("noise_grey", -1.0),
        ("noise_grey", float("nan")),
        ("noise_grey", "loud"),
        ("jpeg_quality", 0),
    ],
)
def test_argument_out_of_bounds_is_refused(argument: str, value: object) -> None:
    with pytest.raises(MerError, match=argument):
        Settings(**{argument: value})  # type: ignore[arg-type]


def test_clips_too_short_for_their_frame_rate_are_refused() -> None:
    settings = Settings(duration_s=(0.02, 0.2))
    settings.require_frames(200)
    with pytest.raises(MerError, match=r"duration_s of 0\.03 s or more, 4 frames at 100 fps; got 0\.02"):
        settings.require_frames(100)


def test_lines_name_every_setting_once() -> None:
    lines = Settings(motion_px=(0.25, 1)).lines().splitlines()
    assert "motion_px=0.25,1" in lines
    assert len(lines) == len({line.partition("=")[0] for line in lines}) == 13
