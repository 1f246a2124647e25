"""``mer predict VIDEO... model=FILE out=DIR``: movements of a face, spotted and labelled."""

import json
import re
import time
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.progress import Progress

from mer.align.landmarks import LandmarkSource
from mer.errors import FailedJobsError, MerError
from mer.hydra_app import plain, run_hydra
from mer.predict import FrameStream, Prediction, Recognizer, SpotSettings, open_frames, write_lines
from mer.predict.again import finished_lines, model_digest, prediction_key, remove_pictures
from mer.predict.annotate import write_annotated
from mer.predict.outputs import Outputs, choose_outputs
from mer.predict.timeline import plot_timeline
from mer.progress import Counter, progress_bar, say

_BAD_INPUT = 2
_FREE_SETTINGS = ("model_file", "run", "out", "annotate", "timeline", "device", "json")  # which decide no movement
_MODEL = re.compile(r"\Amodel=")  # Hydra would look for a file of conf/model


def main(arguments: Sequence[str]) -> None:
    """Compose ``predict.yaml`` with the words that are no videos, and predict the videos.

    Raises:
        FailedJobsError: videos could not be read; the others are done.
    """
    videos = [word for word in arguments if _is_video(word)]
    refused: list[str] = []
    words = [_MODEL.sub("model_file=", word) for word in arguments if word not in videos]
    run_hydra("predict", partial(predict, videos=videos, refused=refused), words)
    if refused:
        raise FailedJobsError(refused, _BAD_INPUT)


def predict(cfg: DictConfig, videos: Sequence[str], refused: list[str]) -> None:
    """Write what is found in each video, and say where it lies; why a video was refused goes into ``refused``.

    A video that this model and these settings have finished already is left as it is.
    """
    outputs = choose_outputs(videos, Path(cfg.out).expanduser())
    recognizer = _recognizer(cfg)
    recognizer.landmarks.find([], [])  # without weights none of the videos can be read: say so once
    settings = {name: value for name, value in plain(cfg).items() if name not in _FREE_SETTINGS}
    key_of = partial(prediction_key, model=model_digest(recognizer.model), settings=settings)
    told: list[list[dict[str, Any]]] = []
    with progress_bar() as bars:
        for output in outputs:
            try:
                lines = _predict_one(cfg, recognizer, output, key_of, bars)
                if cfg.json:  # else nothing of a video is kept: there may be many
                    told.append(lines)
            except MerError as error:
                refused.append(f"{output.source}: {error}")
    if cfg.json:
        print(json.dumps(told, indent=2, ensure_ascii=False))


def _predict_one(
    cfg: DictConfig, recognizer: Recognizer, output: Outputs, key_of: Callable[[str], str], bars: Progress
) -> list[dict[str, Any]]:
    """The JSON lines of one video."""
    stream = open_frames(output.source, cfg.fps)
    key = key_of(output.source)
    wanted = [file for file, is_wanted in ((output.video, cfg.annotate), (output.timeline, cfg.timeline)) if is_wanted]
    finished = finished_lines(output, key, wanted)
    if finished is None:
        return list(_predict_anew(cfg, recognizer, stream, output, key, bars).lines())
    if not cfg.json:
        print(f"{output.lines}: was complete")
    return finished


def _predict_anew(
    cfg: DictConfig, recognizer: Recognizer, stream: FrameStream, output: Outputs, key: str, bars: Progress
) -> Prediction:
    started = time.monotonic()
    spotted, labelled = Counter(bars, f"frames of {stream.name}"), Counter(bars, "movements labelled")
    found = replace(recognizer.predict(stream, spotted, labelled), key=key)
    seconds = time.monotonic() - started
    remove_pictures(output)
    write_lines(found, output.lines)  # first: by them the next prediction knows the other files for its own
    if cfg.annotate:
        write_annotated(stream, found, output.video, Counter(bars, f"frames of {output.video.name} written"))
    if cfg.timeline:
        plot_timeline(found, output.timeline)
    _tell(stream, found, seconds)
    if not cfg.json:
        print(_line(found, output))
    return found


def _recognizer(cfg: DictConfig) -> Recognizer:
    given = {name: path for name, path in (("model", cfg.model_file), ("run", cfg.run)) if path is not None}
    if len(given) != 1:
        got = " and ".join(given) or "neither"
        raise MerError("model=FILE or run=DIR", got, "give one, such as run=outputs/demo/... of a finished run")
    settings = SpotSettings(cfg.sensitivity, cfg.min_s, cfg.max_s, cfg.blink_ratio, **cfg.spot)
    ((name, path),) = given.items()
    if name == "run" and not Path(path).expanduser().is_dir():
        raise MerError("a finished run's folder", f"no folder {path}", "give run=DIR, or model=FILE")
    return Recognizer.load(path, _landmarks(cfg), settings, cfg.device, cfg.annotate and cfg.grad_cam)


def _landmarks(cfg: DictConfig) -> LandmarkSource:
    if "landmarks" not in cfg.align or "path" in cfg.align.landmarks:
        raise MerError("align=fan or align=dlib, which look at frames", "another align=", "choose one of these")
    source: LandmarkSource = instantiate(cfg.align.landmarks)
    return source


def _tell(stream: FrameStream, found: Prediction, seconds: float) -> None:
    rate = f"{found.n_frames} frames at {found.n_frames / max(seconds, 1e-6):.1f} frames a second"
    say(f"{stream.name}: {rate}; a face for {_face_s(found):.1f} s, still enough for {found.watched_s:.1f} s")
    if found.n_frames < found.n_frames_told:
        say(f"{stream.name}: {found.n_frames_told} frames named, {found.n_frames} could be decoded")
    for remark in found.remarks:
        say(f"{stream.name}: {remark}")
    for one in found.refused:
        say(f"{stream.name}: no label for frames {one.onset_frame} to {one.offset_frame}: {one.reason}")


def _line(found: Prediction, output: Outputs) -> str:
    labels = Tally(one.label for one in found.movements)
    told = ", ".join(f"{label} {count}" for label, count in sorted(labels.items()))
    count = len(found.movements)
    movements = f"{count} movement{'' if count == 1 else 's'}" + (f" ({told})" if told else "")
    face = movements if found.face_spans else "no face"
    return f"{output.lines}: {face} in {found.duration_s:.1f} s"


def _face_s(found: Prediction) -> float:
    return sum(span.last_s - span.first_s for span in found.face_spans)


def _is_video(word: str) -> bool:
    return Path(word).exists() or not ("=" in word or word.startswith(("-", "~", "+")))
