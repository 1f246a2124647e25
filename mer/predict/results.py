"""What a prediction says, and how it is written: JSON lines, see docs/predict.md."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import mer
from mer.files import atomic_file
from mer.predict.choose import SpotSettings
from mer.predict.frames import FrameStream
from mer.predict.spotting import FaceSpan, Spotting

SCHEMA_VERSION = 1
CAUTION = (
    "A label says which class of the training clips the movement looks most like. It is no feeling, thought or "
    "intention, and this is no lie detector: do not use it to decide anything about a person.",
    "Movements are candidates of a spotting curve: blinks, speech and movements of the head are among them, and real "
    "micro-expressions are missed. The model has no class for what is none, so every candidate gets a label.",
    "The model's scores are of clips cut by experts, on subjects left out of training; on the open video of another "
    "camera expect worse.",
)

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Pictures:
    """What the annotated video shows of a movement: RGB ``(S, S, 3)`` uint8 each.

    Attributes:
        onset: crop of the onset frame.
        magnified: magnified crop of the apex frame.
        grad_cam: where the networks look, over the apex frame; None where it was not asked for, or they do not tell.
    """

    onset: Image
    magnified: Image
    grad_cam: Image | None = None


@dataclass(frozen=True)
class Movement:
    """One movement and its label.

    Attributes:
        onset_frame, apex_frame, offset_frame: frames, counted from 0.
        onset_s, apex_s, offset_s: their times from the first frame, s.
        box_px: the face on the onset frame: left, top, right, bottom in px; None where the movement was given.
        spot_score: how far it stands out of the curve, in robust standard deviations; None where it was given.
        label: the most probable class.
        probabilities: class -> calibrated probability; they sum to 1.
        pictures: for the annotated video.
    """

    onset_frame: int
    apex_frame: int
    offset_frame: int
    onset_s: float
    apex_s: float
    offset_s: float
    box_px: tuple[float, float, float, float] | None
    spot_score: float | None
    label: str
    probabilities: Mapping[str, float]
    pictures: Pictures | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class RefusedMovement:
    """A movement that was spotted and got no label, and why."""

    onset_frame: int
    apex_frame: int
    offset_frame: int
    reason: str


@dataclass(frozen=True)
class ModelFacts:
    """What is told about the model.

    Attributes:
        source: its file or run.
        classes: its classes, in the order of the logits.
        n_folds: networks of the ensemble.
        temperature: that divides the logits.
        card: training data, scores on subjects left out, calibration before and after; `mer export`'s.
    """

    source: str
    classes: tuple[str, ...]
    n_folds: int
    temperature: float
    card: Mapping[str, Any]


@dataclass(frozen=True)
class Prediction:
    """All about one video.

    Attributes:
        video: its name without ending.
        source: where it lies.
        n_frames: frames that were read.
        n_frames_told: frames that the container names; more than were read where it is damaged.
        fps: median frames a second.
        duration_s: time of the last frame, s.
        width_px, height_px: of its frames.
        face_spans: stretches of frames with one face.
        watched_s: seconds in which movements could be spotted: a face, still enough, for long enough.
        remarks: what to know of the video.
        movements: labelled, in order of time.
        refused: spotted and not labelled.
        spotting: the curve, boxes and times behind all this.
        settings: how movements were spotted.
        model: what labelled them.
        key: fingerprint of the video's bytes, the model and the settings; None where nobody asked for it.
    """

    video: str
    source: str
    n_frames: int
    n_frames_told: int
    fps: float
    duration_s: float
    width_px: int
    height_px: int
    face_spans: tuple[FaceSpan, ...]
    watched_s: float
    remarks: tuple[str, ...]
    movements: tuple[Movement, ...]
    refused: tuple[RefusedMovement, ...]
    spotting: Spotting = field(repr=False)
    settings: SpotSettings
    model: ModelFacts = field(repr=False)
    key: str | None = None

    @classmethod
    def of(
        cls,
        stream: FrameStream,
        spotting: Spotting,
        found: Sequence[Movement | RefusedMovement],
        settings: SpotSettings,
        model: ModelFacts,
    ) -> "Prediction":
        """What ``model`` says of the movements that were spotted in ``stream``, labelled and refused ones."""
        height, width = spotting.shape
        return cls(
            video=stream.name,
            source=stream.source,
            n_frames=len(spotting.seconds),
            n_frames_told=stream.expected,
            fps=spotting.fps,
            duration_s=float(spotting.seconds[-1]),
            width_px=width,
            height_px=height,
            face_spans=spotting.face_spans(),
            watched_s=round(spotting.watched_s, 3),
            remarks=spotting.remarks,
            movements=tuple(one for one in found if isinstance(one, Movement)),
            refused=tuple(one for one in found if isinstance(one, RefusedMovement)),
            spotting=spotting,
            settings=settings,
            model=model,
        )

    def lines(self) -> Iterator[dict[str, Any]]:
        """The objects of the JSON lines: the header, a movement each, a refused movement each."""
        yield self._header()
        for one in self.movements:
            named = {name: value for name, value in vars(one).items() if name != "pictures"}
            yield {"type": "movement", "video": self.video, **named, "probabilities": dict(one.probabilities)}
        for refused in self.refused:
            yield {"type": "refused", "video": self.video, **asdict(refused)}

    def _header(self) -> dict[str, Any]:
        names = ("video", "source", "n_frames", "n_frames_told", "duration_s", "width_px", "height_px", "watched_s")
        spotting = asdict(self.settings) | {
            "curve_median_px": self.spotting.noise.median_px,
            "curve_deviation_px": self.spotting.noise.deviation_px,
            "threshold_px": self.spotting.threshold_px,
        }
        return {
            "type": "header",
            "schema": SCHEMA_VERSION,
            "mer": mer.__version__,
            "key": self.key,
            **{name: getattr(self, name) for name in names},
            "fps": self.fps if np.isfinite(self.fps) else None,
            "remarks": list(self.remarks),
            "face_spans": [span._asdict() for span in self.face_spans],
            "n_movements": len(self.movements),
            "spotting": spotting,
            "model": asdict(self.model),
            "caution": list(CAUTION),
        }


def write_lines(prediction: Prediction, path: Path) -> None:
    """Write the JSON lines, whole or not at all.

    Raises:
        MerError: the folder cannot be written.
    """
    text = "".join(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in prediction.lines())
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
