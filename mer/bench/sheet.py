"""A contact sheet of videos, to see how well their faces are found and how still the crops are."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mer.align import Aligner, FoundLandmarks
from mer.align.contact_sheet import SheetRow, sheet_row, write_contact_sheet
from mer.errors import MerError
from mer.frames import count_video_frames, map_frames, video_frame_name
from mer.progress import say

_MOST_FRAMES = 60


def write_video_sheet(videos: Sequence[str], aligner: Aligner, file: str | Path) -> None:
    """Write the contact sheet of ``videos``, of their first frames; a video without a face is named and left out.

    Raises:
        MerError: no video is left, one cannot be read, or the file cannot be written.
    """
    rows = [row for video in videos if (row := _row(video, aligner)) is not None]
    write_contact_sheet(rows, file)


def _row(video: str, aligner: Aligner) -> SheetRow | None:
    names = [video_frame_name(video, index) for index in range(min(count_video_frames(video), _MOST_FRAMES))]
    if not names:
        raise MerError("a video", f"{video}, which cannot be opened", "check the path")
    frames = list(map_frames(lambda _, frame: frame, names))
    clip = pd.Series({"dataset": "video", "subject": Path(video).parent.name, "clip": Path(video).name, "onset": 0})
    found = aligner.find([frames[0]], [clip])[0]
    if isinstance(found, FoundLandmarks):
        return sheet_row(Path(video).name, frames, found, aligner)
    say(str(found))
    return None
