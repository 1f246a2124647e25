"""What a dataset's index holds, beside what is published of it, and whether its images can be read."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pandas as pd

from mer.apex import ApexChooser
from mer.clip import ClipIndex, Note, clip_name
from mer.errors import MerError
from mer.frames import frame_problem, map_frames, split_frame_name
from mer.keyframes import apex_index, needed_frames
from mer.labels import Published
from mer.magnify import TemporalFilter

OnClip = Callable[[int, int], None]


@dataclass(frozen=True)
class Counts:
    """The clips of one dataset.

    Attributes:
        dataset: its name.
        per_class: class -> clips found, in the order of the logits.
        per_subject: subject -> class -> clips found.
        published: what is published of it; None where nothing is.
    """

    dataset: str
    per_class: Mapping[str, int]
    per_subject: Mapping[str, Mapping[str, int]]
    published: Published | None

    @property
    def subjects(self) -> list[str]:
        """Subjects found and published, sorted."""
        return sorted({*self.per_subject, *(self.published.per_subject if self.published else ())})


def count_clips(index: ClipIndex, published: Mapping[str, Published]) -> list[Counts]:
    """Count the clips of each dataset in ``index``, a label scheme applied."""
    return [
        Counts(
            str(dataset),
            {name: int((clips["label"] == name).sum()) for name in index.classes},
            {
                str(subject): {name: int((rows["label"] == name).sum()) for name in index.classes}
                for subject, rows in clips.groupby("subject")
            },
            published.get(str(dataset)),
        )
        for dataset, clips in index.clips.groupby("dataset")
    ]


def check_images(
    index: ClipIndex, apex: ApexChooser, temporal: TemporalFilter, decode: bool, on_clip: OnClip
) -> ClipIndex:
    """Look at every frame of ``index``; a clip with an unreadable one that its key frames need is refused.

    Args:
        index: clips of frames.
        apex: chooses the apex, the last frame that is read on the way to the flow.
        temporal: a filter that looks ahead has the frames after the apex read too.
        decode: decode each frame; else only look at where its file begins and ends.
        on_clip: told how many clips are done, of how many.
    """
    kept: list[bool] = []
    notes = list(index.notes)
    with ThreadPoolExecutor() as pool:
        found = pool.map(_decoding_problem if decode else _first_problem, index.clips["files"])
        for (_, clip), (place, problem) in zip(index.clips.iterrows(), found, strict=True):
            is_needed = bool(problem) and place < _frames_read(clip, apex, temporal)
            kept.append(not is_needed)
            if problem:
                after = "" if is_needed else ", after the apex, so no step up to the flow reads it"
                notes.append(Note(clip_name(clip), "refused" if is_needed else "repaired", problem + after))
            on_clip(len(kept), len(index))
    return replace(index, clips=index.clips[kept].reset_index(drop=True), notes=tuple(notes))


def _frames_read(clip: pd.Series, apex: ApexChooser, temporal: TemporalFilter) -> int:
    try:
        return len(needed_frames(clip, apex_index(clip, apex), temporal))
    except MerError:  # no apex can be chosen: the whole clip counts
        return len(clip["files"])


def _first_problem(files: Sequence[str]) -> tuple[int, str]:
    """Place of the first frame that looks unreadable, and what is wrong with it; "" where all look whole."""
    if split_frame_name(files[-1])[1] is not None:  # a video that has its last frame has all
        problem = frame_problem(files[-1])
        return 0, f"unreadable video {files[-1]}: {problem}" if problem else ""
    problems = ((place, file, frame_problem(file)) for place, file in enumerate(files))
    return next(((place, f"unreadable image {file}: {text}") for place, file, text in problems if text), (0, ""))


def _decoding_problem(files: Sequence[str]) -> tuple[int, str]:
    read = 0
    try:
        for _ in map_frames(lambda name, image: image.shape, files):
            read += 1
    except MerError as error:
        return read, f"unreadable image: {error.args[1]}"
    return 0, ""
