"""``Recognizer``: frames in, labelled movements out."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch
from hydra.utils import instantiate
from numpy.typing import NDArray
from omegaconf import OmegaConf
from torch import Tensor

from mer.align.landmarks import LandmarkSource
from mer.apex.interval import Interval
from mer.errors import MerError, require_choice
from mer.export import ReleasedModel, load_model
from mer.flow import FlowMaps
from mer.hydra_app import conf_dir
from mer.predict.choose import SpotSettings
from mer.predict.clips import MovementFrames, MovementPath, PreparedMovement
from mer.predict.frames import FramesInMemory, FrameStream
from mer.predict.heat import heat_picture, mean_heat, names_its_maps
from mer.predict.results import Image, ModelFacts, Movement, Pictures, Prediction, RefusedMovement
from mer.predict.spotting import OnFrame, Spotting, spot
from mer.trained import load_run

_PICTURE_PX = 112  # a long video has many movements
_FROM_FRAMES = "FlowImages"  # in a card: a model that has seen no frames


class Recognizer:
    """Spots movements in a video and labels them with a trained model.

    Args:
        model: a trained model, all of its folds as one ensemble.
        landmarks: what finds landmarks.
        settings: what counts as a movement.
        device: where magnification, flow and networks run; None: a GPU where there is one.
        source: names the model in results.
        grad_cam: add to each movement's pictures where the networks look, if they tell; costs a backward pass of each.

    Raises:
        MerError: the model was not trained on frames of faces aligned by their eyes.
    """

    def __init__(
        self,
        model: ReleasedModel,
        landmarks: LandmarkSource,
        settings: SpotSettings | None = None,
        device: str | None = None,
        source: str = "model",
        grad_cam: bool = False,
    ) -> None:
        if model.card.get("dataset") == _FROM_FRAMES:
            raise MerError("a model trained on clips of frames", f"one of flow images, {source}", "train one on frames")
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.model = model.to(self.device)
        self.landmarks = landmarks
        self.settings = settings or SpotSettings()
        self._grad_cam = grad_cam and names_its_maps(model)
        self._path = MovementPath(model.settings, landmarks, self.device)
        self._facts = ModelFacts(source, model.classes, model.n_folds, model.temperature, model.card)

    @classmethod
    def load(
        cls,
        path: str | Path,
        landmarks: str | LandmarkSource = "fan",
        settings: SpotSettings | None = None,
        device: str | None = None,
        grad_cam: bool = False,
    ) -> "Recognizer":
        """The recognizer of a model file (`mer export`) or a finished run's folder.

        Args:
            path: the file or the folder.
            landmarks: ``fan`` or ``dlib``, or what finds landmarks.
            settings: what counts as a movement.
            device: as above.
            grad_cam: as above.

        Raises:
            MerError: neither file nor run; or a model that cannot be used on videos.
        """
        at = Path(path).expanduser()
        model = ReleasedModel.from_run(load_run(at)) if at.is_dir() else load_model(at)
        source = landmark_source(landmarks) if isinstance(landmarks, str) else landmarks
        return cls(model, source, settings, device, str(path), grad_cam)

    def __call__(self, frames: Sequence[NDArray[np.uint8]] | NDArray[np.uint8], fps: float) -> Prediction:
        """Spot and label the movements of ``frames``, RGB ``(T, H, W, 3)`` uint8 of ``fps`` frames a second.

        Raises:
            MerError: other frames, or too few a second; or landmarks cannot be found at all.
        """
        return self.predict(FramesInMemory(frames, fps))

    def predict(
        self,
        stream: FrameStream,
        on_spotted: OnFrame = lambda done, total: None,
        on_labelled: OnFrame = lambda done, total: None,
    ) -> Prediction:
        """Spot and label the movements of a stream, which is run through twice and never held.

        Args:
            stream: a video file, a folder of images, or frames in memory.
            on_spotted: told how many frames the first pass has done, of how many.
            on_labelled: told how many movements are labelled, of how many.

        Raises:
            MerError: it cannot be read, or landmarks cannot be found at all.
        """
        spotting = spot(stream, self.landmarks, self.settings, on_spotted)
        return self.label(stream, spotting, on_labelled)

    def label(
        self, stream: FrameStream, spotting: Spotting, on_labelled: OnFrame = lambda done, total: None
    ) -> Prediction:
        """Label the movements that ``spot`` found in ``stream``.

        Raises:
            MerError: the stream cannot be read again.
        """
        found: list[Movement | RefusedMovement] = []
        spotted = {one.interval: one for one in spotting.movements}
        for interval, prepared in self._prepared(stream, list(spotted)):
            box = tuple(round(float(side), 1) for side in spotting.boxes_px[interval.onset])
            found.append(self._label(interval, prepared, spotting.seconds, box, spotted[interval].score))
            on_labelled(len(found), len(spotted))
        return Prediction.of(stream, spotting, found, self.settings, self._facts)

    def recognise(
        self, frames: Sequence[NDArray[np.uint8]] | NDArray[np.uint8], fps: float, intervals: Sequence[Interval]
    ) -> list[Movement]:
        """Label movements whose onset, apex and offset are known, as training would see them.

        Args:
            frames: RGB ``(T, H, W, 3)`` uint8.
            fps: frames a second.
            intervals: indices of frames, onset < apex <= offset.

        Raises:
            MerError: an interval outside of the frames, or one without a face on its onset frame.
        """
        stream = FramesInMemory(frames, fps)
        for one in intervals:
            if not 0 <= one.onset < one.apex <= one.offset < len(frames):
                raise MerError(
                    f"0 <= onset < apex <= offset < {len(frames)}", f"{tuple(one)}", "give indices of frames"
                )
        seconds = np.arange(len(frames)) / stream.fps
        labelled = {}
        for interval, prepared in self._prepared(stream, intervals):
            if isinstance(prepared, MerError):
                raise prepared
            labelled[interval] = self._label(interval, prepared, seconds, None, None)
        found = (labelled[interval] for interval in intervals)
        return [movement for movement in found if isinstance(movement, Movement)]

    def _prepared(
        self, stream: FrameStream, intervals: Sequence[Interval]
    ) -> Iterator[tuple[Interval, PreparedMovement | MerError]]:
        """Each interval's maps, or why there are none, as the frames run by; frames are held on disk alone."""
        if not intervals:
            return
        last = max(one.offset for one in intervals)
        waiting = sorted(set(intervals), reverse=True)
        running: list[MovementFrames] = []
        with ExitStack() as folders:
            for frame in stream:
                while waiting and waiting[-1].onset == frame.index:
                    folder = folders.enter_context(TemporaryDirectory(prefix="mer-predict-"))
                    running.append(MovementFrames(stream.name, waiting.pop(), Path(folder)))
                for one in list(running):
                    one.add(frame.image, frame.seconds)
                    if one.interval.offset == frame.index:
                        running.remove(one)
                        yield one.interval, self._try(one)
                if not running:
                    folders.close()
                if frame.index == last:
                    return

    def _try(self, movement: MovementFrames) -> PreparedMovement | MerError:
        try:
            return self._path.prepare(movement.clips(), movement.folder)
        except MerError as error:
            return error

    def _label(
        self,
        interval: Interval,
        prepared: PreparedMovement | MerError,
        seconds: NDArray[np.float64],
        box: tuple[float, ...] | None,
        score: float | None,
    ) -> Movement | RefusedMovement:
        if isinstance(prepared, MerError):
            return RefusedMovement(*interval, reason=str(prepared))
        maps = prepared.maps.to(self.device)
        values = self.model.probabilities(maps)[0].tolist()
        probabilities = dict(zip(self.model.classes, values, strict=True))
        label = max(probabilities, key=lambda name: probabilities[name])
        onset_s, apex_s, offset_s = (float(seconds[at]) for at in interval)
        pictures = self._pictures(prepared, maps, self.model.classes.index(label))
        corners: tuple[float, float, float, float] | None = box  # type: ignore[assignment]
        return Movement(*interval, onset_s, apex_s, offset_s, corners, score, label, probabilities, pictures)

    def _pictures(self, prepared: PreparedMovement, maps: FlowMaps, class_index: int) -> Pictures:
        onset, magnified = _picture(prepared.onset), _picture(prepared.magnified)
        if not self._grad_cam:
            return Pictures(onset, magnified)
        heat = mean_heat(self.model, maps, class_index, prepared.apex.shape[-1])[0].cpu()
        return Pictures(onset, magnified, _shrunk(heat_picture(prepared.apex, heat)))


def landmark_source(name: str) -> LandmarkSource:
    """The source of landmarks that ``align=NAME`` chooses.

    Raises:
        MerError: no such choice, or one that looks at no frames.
    """
    folder = conf_dir() / "align"
    sources = {path.stem for path in folder.glob("*.yaml")} - {"given", "none"}
    chosen = OmegaConf.load(folder / f"{require_choice('landmarks', name, sources)}.yaml")
    source: LandmarkSource = instantiate(chosen.landmarks)
    return source


def _picture(image: Tensor) -> Image:
    return _shrunk(np.ascontiguousarray((image * 255).round().byte().permute(1, 2, 0).numpy()))


def _shrunk(picture: Image) -> Image:
    side = min(picture.shape[0], _PICTURE_PX)
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
