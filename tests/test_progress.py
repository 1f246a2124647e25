"""Progress is a bar on a terminal, and a line from time to time elsewhere."""

import time

import pytest

import mer.progress
from mer.progress import Counter, progress_bar


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that have passed, to be set."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_lines_tell_rate_and_time_left(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as bars:
        counter = Counter(bars, "key frames")
        for done, seconds in ((1, 1.0), (20, 40.0), (25, 50.0), (40, 80.0), (100, 200.0)):
            clock[0] = seconds
            counter(done, 100)
    assert capsys.readouterr().err.splitlines() == [
        "key frames: 20/100, 0.5/s, 160 s left",
        "key frames: 40/100, 0.5/s, 120 s left",
    ]


@pytest.mark.parametrize(("seconds_each", "shown"), [(0.1, "10.0/s"), (4.0, "4.0 s each")])
def test_bar_shows_the_rate(seconds_each: float, shown: str) -> None:
    now = [0.0]
    from rich.progress import Progress

    progress = Progress(get_time=lambda: now[0], disable=True)
    task = progress.add_task("x", total=10)
    for done in range(1, 6):
        now[0] = done * seconds_each
        progress.update(task, completed=done)
    assert str(mer.progress.RateColumn().render(progress.tasks[0])) == shown
