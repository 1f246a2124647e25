"""What all datasets of frames and annotations share."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from mer.clip import ClipIndex
from mer.datasets.rows import CodedRow, Corrections, build_index
from mer.datasets.tree import DatasetTree, require_root
from mer.errors import MerError, require_integer


class CodedDataset(ABC):
    """A folder of frames, a folder or a video a clip, and the annotations of its clips.

    Args:
        root: folder that holds the annotations and the frames' folder.
        frames: the frames' folder inside ``root``.
        sheet: the annotations' file name inside ``root``.
        corrections: use the known corrections of the annotations; each is noted.
        fill_gaps: most frames missing in a row that the frame before them stands in for; 0 refuses such clips.
        first_video_frame: number of the first frame where a clip is a video; frames written out count from 1.
        follow_links: use clips that are links to somewhere outside ``root``.
    """

    name: str
    title: ClassVar[str]
    fps: float
    known_corrections: ClassVar[Corrections] = Corrections()

    def __init__(
        self,
        root: str | Path | None,
        frames: str,
        sheet: str | None,
        corrections: bool = True,
        fill_gaps: int = 0,
        first_video_frame: int = 1,
        follow_links: bool = False,
    ) -> None:
        self.root = root
        self.frames = frames
        self.sheet = sheet
        self.corrections = corrections
        self.fill_gaps = require_integer("dataset.fill_gaps", fill_gaps, 0, 100)
        self.first_video_frame = require_integer("dataset.first_video_frame", first_video_frame, 0, 1)
        self.follow_links = follow_links

    def load(self) -> ClipIndex:
        """Read the annotations and list the frames.

        Raises:
            MerError: a folder, the annotations or one of their columns is missing.
        """
        root = require_root(self.root, self.title)
        tree = DatasetTree(root, self.frames, self.first_video_frame, self.follow_links)
        if not os.path.isdir(tree.frames_root):  # noqa: PTH112 - Path's raises where the name is too long
            raise MerError("the frames' folder", f"no folder {tree.frames_root}", "set dataset.frames=NAME")
        corrections = self.known_corrections if self.corrections else Corrections()
        return build_index(self.name, self.fps, self._rows(tree), tree, corrections, self.fill_gaps)

    @abstractmethod
    def _rows(self, tree: DatasetTree) -> Iterable[CodedRow]:
        """The annotated clips."""
