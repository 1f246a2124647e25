"""`mer predict` by stage on 640x480, beside a detector on each frame; and its memory as the video grows."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from omegaconf import OmegaConf
from rich.table import Table

from mer.align import DlibLandmarks, FoundLandmarks
from mer.apex.interval import Interval
from mer.bench.timing import seconds
from mer.errors import MerError
from mer.frames import Image
from mer.hydra_app import conf_dir
from mer.predict import FrameStream, Movement, Prediction, SpotSettings, Spotting, VideoFile, spot
from mer.predict.annotate import write_annotated
from mer.predict.clips import MovementFrames, MovementPath
from mer.predict.face import Face, FaceWindow, box_of
from mer.predict.frames import TimedFrame
from mer.predict.motion import REACH_S, window_curve
from mer.predict.results import ModelFacts, Pictures
from mer.synth.portrait import load_portrait

_WIDTH, _HEIGHT, _FPS = 640, 480, 30.0
_LONG_FPS = 100.0  # of the video whose memory is watched
_FACE_SHARE = 0.35  # of the frame's width, from ear to ear
_NOISE_GREY, _NOISES = 2.0, 16
_MOVEMENT = Interval(0, 5, 9)
_CLASSES = ("negative", "positive", "surprise")
_PICTURE_PX = 112
_MODEL = {"align": "fan", "apex": "annotated", "magnify": "evm", "flow": "tvl1", "features": "uvm_uveps"}
_MB = 1024**2
_ALONE = """
import sys
from pathlib import Path
from mer.bench.peak import peak_bytes
from mer.bench.predict import PortraitLandmarks, prediction_of
from mer.predict import SpotSettings, VideoFile, spot
from mer.predict.annotate import write_annotated
from mer.predict.timeline import plot_timeline
video = VideoFile(sys.argv[1])
found = prediction_of(video, spot(video, PortraitLandmarks(), SpotSettings()))
write_annotated(video, found, Path(sys.argv[1] + ".annotated.mp4"))
plot_timeline(found, Path(sys.argv[1] + ".png"))
print(peak_bytes())
"""

Rows = list[dict[str, object]]


class PortraitLandmarks:
    """The landmarks of the face that the bench's video shows, at no cost."""

    def find(self, onsets: Sequence[Image], clips: Sequence[pd.Series]) -> list[FoundLandmarks | MerError]:
        """As ``LandmarkSource``."""
        return [FoundLandmarks(_portrait()[1]) for _ in onsets]

    def state(self, clip: pd.Series) -> object:
        """As ``LandmarkSource``."""
        return "portrait"


def bench_prediction(n_frames: int, long_frames: int, repeats: int) -> Rows:
    """Frames a second of each stage; memory at a tenth of a long video and at all of it.

    Detection is dlib's, where it is installed: once a window in mer, on each frame in what a user would use instead.

    Args:
        n_frames: of the video that is timed, at 30 frames a second.
        long_frames: of the video whose memory is watched, at 100; 0 leaves it out.
        repeats: the stages are measured in turn, so often; medians count.
    """
    with TemporaryDirectory() as folder:
        video = _write_video(Path(folder) / "timed.mp4", n_frames, _FPS)
        stages = _Stages(video, Path(folder))
        times = [{name: call() for name, call in stages.calls.items()} for _ in range(repeats + 1)][1:]
        rows: Rows = [{"stage": name, "frames_per_s": 1 / median(one[name] for one in times)} for name in stages.calls]
        lengths = (long_frames // 10, long_frames) if long_frames else ()
        for length in lengths:
            long = _write_video(Path(folder) / f"{length}.mp4", length, _LONG_FPS)
            rows.append({"stage": f"memory of {length} frames", "peak_mb": _peak_mb(long)})
    return rows


def prediction_of(stream: FrameStream, spotting: Spotting) -> Prediction:
    """What would be said of ``stream`` had one movement been found in it, with its three pictures."""
    height, width = spotting.shape
    onset_s, apex_s, offset_s = (float(spotting.seconds[at]) for at in _MOVEMENT)
    picture = np.full((_PICTURE_PX, _PICTURE_PX, 3), 128, np.uint8)
    shares = dict.fromkeys(_CLASSES, 1 / len(_CLASSES))
    box = (0.0, 0.0, float(width), float(height))
    pictures = Pictures(picture, picture, picture)
    movement = Movement(*_MOVEMENT, onset_s, apex_s, offset_s, box, 0.0, _CLASSES[0], shares, pictures)
    model = ModelFacts("bench", _CLASSES, 1, 1.0, {})
    return Prediction.of(stream, spotting, [movement], SpotSettings(), model)


def prediction_table(rows: Sequence[dict[str, object]]) -> Table:
    """The rows for a terminal."""
    table = Table("stage", "frames a second", "ms a frame", "peak memory (MB)", title="mer predict, 640x480")
    for row in rows:
        if "peak_mb" in row:
            table.add_row(str(row["stage"]), "", "", f"{row['peak_mb']:.0f}")
        else:
            rate = float(str(row["frames_per_s"]))
            table.add_row(str(row["stage"]), f"{rate:.1f}", f"{1000 / rate:.2f}", "")
    return table


class _Stages:
    """The stages as calls that return seconds a frame."""

    def __init__(self, video: str, folder: Path) -> None:
        self._stream, self._folder = VideoFile(video), folder
        self._frames = list(self._stream)
        image, points = _portrait()
        self._window = FaceWindow(Face(points, box_of(points)), image, 0.0)
        self._crops = np.stack([self._window.crop(frame.image) for frame in self._frames])
        settings = {group: OmegaConf.to_container(_conf(group, name)) for group, name in _MODEL.items()}
        self._spotted = spot(self._stream, PortraitLandmarks(), SpotSettings())
        self._path = MovementPath(settings, PortraitLandmarks(), torch.device("cpu"))
        self.calls = {"decode": self._decode, "crop and follow": self._follow, "curve": self._curve}
        self.calls |= {"label, a frame of a movement": self._label, "annotated video": self._annotate}
        self.calls |= {"all of spotting, landmarks given": self._spot}
        try:
            self._dlib = DlibLandmarks()
            self._dlib.find([], [])
        except MerError:
            return
        self.calls |= {"all of spotting, dlib": self._spot_dlib, "instead: dlib on each frame": self._each}

    def _decode(self) -> float:
        return self._a_frame(seconds(lambda: [frame.index for frame in self._stream]))

    def _follow(self) -> float:
        return self._a_frame(
            seconds(lambda: [self._window.follow(self._window.crop(frame.image)) for frame in self._frames])
        )

    def _curve(self) -> float:
        times, points, settings = self._times(), self._window.points_px, SpotSettings()
        twice = settings.window_s / (settings.window_s - 2 * REACH_S)  # windows overlap
        return self._a_frame(twice * seconds(lambda: window_curve(self._crops, times, points, settings.flow)))

    def _label(self) -> float:
        with TemporaryDirectory(dir=self._folder) as folder:
            took = seconds(lambda: self._prepare(Path(folder)))
        return took / (_MOVEMENT.offset - _MOVEMENT.onset + 1)

    def _prepare(self, folder: Path) -> None:
        kept = MovementFrames("bench", _MOVEMENT, folder)
        for frame in self._frames[_MOVEMENT.onset : _MOVEMENT.offset + 1]:
            kept.add(frame.image, frame.seconds)
        self._path.prepare(kept.clips(), folder)

    def _annotate(self) -> float:
        found = prediction_of(self._stream, self._spotted)
        return self._a_frame(seconds(lambda: write_annotated(self._stream, found, self._folder / "annotated.mp4")))

    def _spot(self) -> float:
        return self._a_frame(seconds(lambda: spot(self._stream, PortraitLandmarks(), SpotSettings())))

    def _spot_dlib(self) -> float:
        return self._a_frame(seconds(lambda: spot(self._stream, self._dlib, SpotSettings())))

    def _each(self) -> float:
        few = self._frames[::10]
        return seconds(lambda: self._detect(few)) / len(few)

    def _detect(self, frames: Sequence[TimedFrame]) -> None:
        for frame in frames:
            clip = pd.Series({"dataset": "bench", "subject": "", "clip": "", "onset": frame.index})
            self._dlib.find([frame.image], [clip])

    def _a_frame(self, took: float) -> float:
        return took / len(self._frames)

    def _times(self) -> NDArray[np.float64]:
        return np.array([frame.seconds for frame in self._frames])


def _portrait() -> tuple[Image, NDArray[np.float32]]:
    """The portrait in a frame of 640x480, RGB, and its landmarks there."""
    portrait = load_portrait()
    scale = _FACE_SHARE * _WIDTH / float(np.ptp(portrait.landmarks[:, 0]))
    shift = np.array([_WIDTH, _HEIGHT]) / 2 - scale * portrait.landmarks.mean(axis=0)
    matrix = np.column_stack([scale * np.eye(2), shift])
    drawn = cv2.warpAffine(
        np.clip(portrait.image, 0, 255).astype(np.uint8), matrix, (_WIDTH, _HEIGHT), borderMode=cv2.BORDER_REPLICATE
    )
    points = scale * portrait.landmarks + shift
    return np.asarray(cv2.cvtColor(drawn, cv2.COLOR_BGR2RGB), np.uint8), np.asarray(points, np.float32)


def _write_video(file: Path, n_frames: int, fps: float) -> str:
    """The portrait, still, with camera noise."""
    rng, (image, _) = np.random.default_rng(0), _portrait()
    noisy = [
        np.clip(image[..., ::-1] + rng.normal(0, _NOISE_GREY, image.shape[:2])[..., None], 0, 255).astype(np.uint8)
        for _ in range(_NOISES)
    ]
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), fps, (_WIDTH, _HEIGHT))
    for number in range(n_frames):
        writer.write(noisy[number % _NOISES])
    writer.release()
    return str(file)


def _peak_mb(video: str) -> float:
    """Largest memory of a process of its own that spots in ``video`` and writes the annotated one and the timeline."""
    ran = subprocess.run([sys.executable, "-c", _ALONE, video], capture_output=True, text=True, check=True)
    return int(ran.stdout) / _MB


def _conf(group: str, name: str) -> object:
    return OmegaConf.load(conf_dir() / group / f"{name}.yaml")
