"""A drawn face that moves by a known displacement, and landmarks that are where they were drawn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
from hydra import compose, initialize_config_dir
from numpy.typing import NDArray

from mer.align import FoundLandmarks
from mer.align.landmarks import no_face
from mer.build import build_net
from mer.errors import MerError
from mer.export import ReleasedModel
from mer.export.networks import build_features
from mer.hydra_app import conf_dir, plain
from mer.predict.frames import TimedFrame
from mer.synth.portrait import load_portrait

SIZE = (200, 180)  # height, width
NOISE_GREY = 1.5
FAKE_CARD: dict[str, Any] = {"dataset": "Casme2", "scores": {}, "calibration": {}}
MOUTH = 62  # landmarks about which the skin moves
LID = 37


def points() -> NDArray[np.float32]:
    """The portrait's 68 landmarks, in the middle of the frame."""
    template = load_portrait().landmarks
    scaled = (template - template.mean(axis=0)) * (0.4 * SIZE[1] / np.ptp(template[:, 0]))
    return np.asarray(scaled + np.array([SIZE[1] / 2, SIZE[0] / 2]), np.float32)


@dataclass
class FixedLandmarks:
    """A source of landmarks that knows where the face is; a dark frame shows none. Counts how often it is asked."""

    upsample: int = 1
    asked: list[int] = field(default_factory=list)
    points_px: NDArray[np.float32] = field(default_factory=points)

    def find(self, onsets: Sequence[NDArray[np.uint8]], clips: Sequence[pd.Series]) -> list[FoundLandmarks | MerError]:
        self.asked += [int(clip["onset"]) for clip in clips]
        return [
            FoundLandmarks(self.points_px) if image.mean() > 20 else no_face(clip, "look elsewhere")
            for image, clip in zip(onsets, clips, strict=True)
        ]

    def state(self, clip: pd.Series) -> Any:
        return "fixed"


@dataclass(frozen=True)
class Bump:
    """A displacement to ``px`` and back, about a landmark, longest at ``apex_s``; 0 beyond ``half_s`` of it."""

    apex_s: float
    half_s: float = 0.12
    px: float = 2.0
    landmark: int = MOUTH
    sigma_px: float = 14.0


@cache
def texture() -> NDArray[np.float32]:
    """A face for who only sees flow: blobs of several sizes, ``(H, W, 3)``."""
    rng = np.random.default_rng(5)
    layers = [cv2.GaussianBlur(rng.normal(0, 1, (*SIZE, 3)), (0, 0), sigma) * sigma for sigma in (1.5, 4, 10)]
    mixed = np.sum(layers, axis=0)
    return np.asarray(128 + 45 * mixed / mixed.std(), np.float32)


def moved(bumps: Sequence[Bump], seconds: float, shift_px: float = 0.0) -> NDArray[np.float32]:
    """The texture at a time."""
    columns, rows = np.meshgrid(np.arange(SIZE[1], dtype=np.float32), np.arange(SIZE[0], dtype=np.float32))
    down = np.zeros(SIZE, np.float32)
    for bump in bumps:
        x, y = points()[bump.landmark]
        share = max(0.0, 1 - abs(seconds - bump.apex_s) / bump.half_s)
        near = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * bump.sigma_px**2))
        down += np.float32(bump.px * share**2 * (3 - 2 * share)) * near
    return np.asarray(
        cv2.remap(
            texture(), columns - np.float32(shift_px), rows - down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        )
    )


def frames(
    bumps: Sequence[Bump],
    times: Sequence[float] | NDArray[np.float64],
    noise_grey: float = NOISE_GREY,
    drift_px: float = 0.0,
) -> list[NDArray[np.uint8]]:
    """RGB frames at ``times``, s; the whole face drifts by ``drift_px`` a second."""
    rng = np.random.default_rng(1)
    drawn = []
    for seconds in times:
        clean = moved(bumps, float(seconds), drift_px * float(seconds))
        noisy = clean + rng.normal(0, noise_grey, SIZE)[..., None] if noise_grey else clean
        drawn.append(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    return drawn


@dataclass(frozen=True)
class Stream:
    """Frames at given times, as a ``FrameStream``."""

    images: Sequence[NDArray[np.uint8]]
    times: Sequence[float] | NDArray[np.float64]
    name: str = "drawn"
    source: str = "drawn"
    fps_told: float | None = None

    @property
    def fps(self) -> float:
        return self.fps_told or 1 / float(np.median(np.diff(self.times)))

    @property
    def expected(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[TimedFrame]:
        for index, (image, seconds) in enumerate(zip(self.images, self.times, strict=True)):
            yield TimedFrame(index, float(seconds), image)


def stream(bumps: Sequence[Bump], fps: float = 30.0, duration_s: float = 4.0, **more: float) -> Stream:
    """A video of the drawn face."""
    times = np.arange(round(duration_s * fps)) / fps
    return Stream(frames(bumps, times, **more), times)


def write_video(file: Any, images: Sequence[NDArray[np.uint8]], fps: float = 30.0, codec: str = "MJPG") -> str:
    """Write RGB frames to a video file."""
    height, width = images[0].shape[:2]
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*codec), fps, (width, height))
    for image in images:
        writer.write(np.ascontiguousarray(image[..., ::-1]))
    writer.release()
    return str(file)


@cache
def untrained_model(*overrides: str, dataset: str = "Casme2") -> ReleasedModel:
    """Networks as drawn by chance, in the form of a released model."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        words = ["experiment=demo", "align=fan", "align.size_px=64", "model.depth=1", "model.widths=[4]", "name=x"]
        cfg = compose("train", [*words, *overrides])
    groups = {name: plain(cfg[name]) for name in ("align", "apex", "magnify", "flow", "features")}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        nets = tuple(build_net(cfg, 3) for _ in range(2))
    classes = ("negative", "positive", "surprise")
    return ReleasedModel(
        classes, groups, plain(cfg.model), 1.5, FAKE_CARD | {"dataset": dataset}, build_features(cfg, "test"), nets
    )
