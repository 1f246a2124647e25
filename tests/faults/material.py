"""What the disturbed commands read: made once, and small."""

from functools import partial
from pathlib import Path

from mer.export import ReleasedModel, write_model
from mer.synth import write_casme2
from mer.trained import load_run
from tests.fakes import write_flow_images
from tests.fakes.trained import write_trained_run
from tests.faults.cases import MODEL, RUN, flow_words
from tests.faults.forks import apart, start
from tests.predict.faces import Bump, stream, write_video

_FPS = 25.0
_VIDEOS_S = {"first": 1.6, "second": 1.9, "third": 1.4}
_LONGEST_S = 600.0


def write_frames(data: Path) -> None:
    """Raw frames in CASME II's layout."""
    write_casme2(data / "frames", subjects=3, clips_per_subject=4, duration_s=(0.025, 0.025))


def write_flow(data: Path) -> None:
    """Flow images of six subjects."""
    write_flow_images(data / "flow", subjects=6, clips_per_subject=2)


def write_videos(data: Path) -> None:
    """A released model, and videos of a face that moves once in each."""
    data.mkdir(parents=True, exist_ok=True)
    write_model(ReleasedModel.from_run(load_run(write_trained_run(data / "untrained"))), data / MODEL)
    for name, seconds in _VIDEOS_S.items():
        images = stream([Bump(seconds / 2, px=3.0)], fps=_FPS, duration_s=seconds).images
        write_video(data / f"{name}.avi", images, _FPS)


def write_finished_run(data: Path) -> None:
    """A run that is finished, over the flow images."""
    words = flow_words(data, "trainer.max_epochs=1", "protocol=subject_kfold", "protocol.k=3", f"run_dir={data / RUN}")
    fork = start([*words, f"store={data / 'store'}"], data / "logs")
    if fork.wait(_LONGEST_S) != 0:
        raise RuntimeError(f"the run for the verbs that need one does not end well:\n{fork.said()}")


def write_data(data: Path) -> None:
    """All of it."""
    for write in (write_frames, write_flow, write_videos):
        apart(partial(write, data))
    write_finished_run(data)
