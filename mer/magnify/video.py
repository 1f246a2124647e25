"""A whole video magnified, written side by side with the original."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, tee
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from mer.errors import MerError
from mer.frames import VIDEO_SUFFIXES, Image, count_video_frames, map_frames, video_fps, video_frame_name
from mer.magnify.magnifier import Bounded, Magnifier
from mer.magnify.temporal import TemporalFilter
from mer.video_writer import video_writer

_BATCH = 8  # frames magnified at once
_BYTES_A_VALUE = 24  # of a frame that is held: as read, stacked, its spectrum twice, its band
_GIGABYTE = 1e9


@dataclass(frozen=True)
class MagnifiedVideo:
    """What was written.

    Attributes:
        file: the video, twice as wide as the original.
        frames: how many.
        height, width: of the original, px.
        fps: frames a second, as in the original.
        beyond_bound: part of the added motion beyond eq. 5, mean over frames; None for another method.
    """

    file: str
    frames: int
    height: int
    width: int
    fps: float
    beyond_bound: float | None


@torch.inference_mode()
def magnify_video(
    video: str,
    file: Path,
    magnifier: Magnifier,
    device: torch.device,
    memory_gb: float = 4.0,
    on_frame: Callable[[int, int], None] = lambda done, total: None,
) -> MagnifiedVideo:
    """Write ``video`` and, right of it, its magnified frames to ``file`` (mp4).

    Frames are read, filtered, magnified and written a few at a time; a filter that looks ahead holds all of them.

    Args:
        video: mp4, avi or mov.
        file: is there only once it is complete.
        magnifier: on ``device``; its filter is taken at the video's frame rate unless it has its own.
        device: where it works.
        memory_gb: most memory that the frames may take.
        on_frame: told how many frames are done, of how many.

    Raises:
        MerError: no such video, no frames or frame rate in it, too large for ``memory_gb``, or nowhere to write.
    """
    names = _frame_names(video)
    fps = video_fps(video)
    if not fps > 0:
        got = "none, or none that a camera has"
        raise MerError(f"frames a second in {video}", got, "write the video again with a frame rate")
    temporal = magnifier.temporal.at(fps)
    images = map_frames(lambda _, image: image, names)
    first = next(images)
    _require_memory(video, first, len(names) if temporal.looks_ahead else _BATCH, memory_gb)
    frames = (_tensor(image, device) for image in _with_first(first, images))
    shares: list[Tensor] = []
    done = 0
    with video_writer(file, fps, 2 * first.shape[1], first.shape[0]) as writer:
        for batch, bands in _batches(frames, temporal):
            onsets = _tensor(first, device).expand_as(batch)
            for pair in torch.cat([batch, magnifier.magnify(batch, bands, onsets)], dim=-1):
                writer.write(_bgr(pair))
            if isinstance(magnifier, Bounded):
                shares.append(magnifier.beyond_bound(batch, bands))
            done += len(batch)
            on_frame(done, len(names))
    height, width = first.shape[:2]
    return MagnifiedVideo(str(file), done, height, width, fps, float(torch.cat(shares).mean()) if shares else None)


def _frame_names(video: str) -> list[str]:
    if not Path(video).is_file():
        raise MerError("a video", f"no file {video}", "check the path")
    if not video.lower().endswith(VIDEO_SUFFIXES):
        raise MerError(f"a video ({', '.join(VIDEO_SUFFIXES)})", video, "convert it, with ffmpeg say")
    names = [video_frame_name(video, index) for index in range(count_video_frames(video))]
    if not names:
        raise MerError("frames", f"none in {video}", "check that it plays, and copy it again")
    return names


def _require_memory(video: str, frame: Image, held: int, memory_gb: float) -> None:
    needed_gb = held * frame.size * _BYTES_A_VALUE / _GIGABYTE
    if needed_gb > memory_gb:
        got = f"{needed_gb:.2g} for {held} frames of {frame.shape[1]}x{frame.shape[0]} in {video}"
        remedy = "set a larger memory_gb, cut the video, or choose a filter that does not look ahead (magnify=evm)"
        raise MerError(f"frames that fit in memory_gb={memory_gb:g}", got, remedy)


def _with_first(first: Image, rest: Iterator[Image]) -> Iterator[Image]:
    yield first
    yield from rest


def _batches(frames: Iterator[Tensor], temporal: TemporalFilter) -> Iterator[tuple[Tensor, Tensor]]:
    shown, filtered = tee(frames)  # holds what the filter has seen and no one shown
    pairs = zip(shown, temporal.bands(filtered), strict=True)
    while batch := list(islice(pairs, _BATCH)):
        yield torch.stack([frame for frame, _ in batch]), torch.stack([band for _, band in batch])


def _tensor(image: Image, device: torch.device) -> Tensor:
    return torch.from_numpy(image).to(device).permute(2, 0, 1) / 255


def _bgr(frame: Tensor) -> Image:
    image = (frame * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR), np.uint8)
