"""What lies in a dataset's folder: frames by number, listed once, with a record of everything that was looked at."""

# os.path answers no where Path raises: a closed folder, a name too long; and takes half the time.
# ruff: noqa: PTH110, PTH111, PTH112, PTH113, PTH116, PTH119

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mer.errors import MerError
from mer.frames import VIDEO_SUFFIXES, count_video_frames, video_frame_name

# \d is any script's digit: a number is not to be read from the middle of one that other digits begin.
_NUMBERED_IMAGE = re.compile(r"(?<!\d)([0-9]{1,15})\.(?:jpg|jpeg|png|bmp)\Z", re.IGNORECASE)

State = tuple[str | int, ...] | None
UNSURE: State = ("unsure",)  # of what can change and leave no trace, as what lies behind a link


@dataclass(frozen=True)
class ClipFrames:
    """The frames of one clip on disk.

    Attributes:
        names: frame number -> name of the frame.
        flaws: frame number -> why that frame cannot be used.
        lack: why there is no frame at all; "" where there is one.
        home: state of the folder or video that holds them, equal for two names of one folder.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    flaws: Mapping[int, str] = field(default_factory=dict)
    lack: str = ""
    home: State = None


class DatasetTree:
    """A dataset's folder, read through one door.

    Args:
        root: the folder.
        frames: folder of the frames inside ``root``; either may itself be a link to another disk.
        first_video_frame: number of a video's first frame.
        follow_links: use clips and frames that are links out of the folder.

    Attributes:
        seen: each file and folder that was looked at and its state then, for ``mer.datasets.cache``.
    """

    def __init__(self, root: Path, frames: str = "", first_video_frame: int = 1, follow_links: bool = False) -> None:
        self.root = root
        self.frames_root = root / frames
        self.first_video_frame = first_video_frame
        self.seen: dict[str, State] = {}
        self._videos: dict[Path, dict[str, list[str]]] = {}
        homes = {os.path.realpath(root), os.path.realpath(self.frames_root)}
        self._homes = () if follow_links else tuple(home.rstrip(os.sep) + os.sep for home in homes)

    def file(self, relative: str) -> Path:
        """Path of a file in ``root``, which may be missing."""
        path = self.root / relative
        self._see(path)
        return path

    def folders(self, relative: str) -> list[str]:
        """Names of the folders in ``frames/relative`` and of its videos without their ending, sorted; hidden ones not.

        Links that lead nowhere are named too, so that what they stand for is refused and not lost. Empty where there
        is no such folder.

        Raises:
            MerError: the folder cannot be listed.
        """
        folder = self.frames_root / relative
        self._see(folder)
        try:
            with os.scandir(folder) as entries:
                found = [_clip_name(entry) for entry in entries]
        except OSError as error:
            if os.path.isdir(folder):
                raise MerError("a readable folder", f"{folder}: {error.strerror}", "make it readable") from error
            return []
        return sorted({name for name in found if name and name[0] != "."})

    def frames(self, relative: str) -> ClipFrames:
        """The frames in the folder ``frames/relative``, or in the video of that name.

        Hidden files are left out: archives packed on a Mac hold a ``._img46.jpg``, no image, beside ``img46.jpg``.
        """
        folder = self.frames_root / relative
        if self._leaves(folder):
            return self._link_out(folder)
        if folder.suffix.lower() in VIDEO_SUFFIXES and os.path.isfile(folder):
            return self._video(folder)
        home = self._see(folder)
        try:
            names, flaws = self._list(folder)
        except NotADirectoryError:
            return ClipFrames(lack=f"no frames on disk: {folder} is no folder")
        except FileNotFoundError:
            names, flaws = {}, {}
        except OSError as error:
            self._see(folder, UNSURE)
            return ClipFrames(lack=f"{folder} cannot be read: {error.strerror}")
        if names:
            return ClipFrames(names, flaws, home=home)
        videos = self._find_videos(folder)
        if len(videos) > 1:
            return ClipFrames(lack=f"two videos of that name, {videos[0]} and {videos[1]}")
        return self._video(folder.parent / videos[0]) if videos else ClipFrames(lack=f"no frames on disk in {folder}")

    def _list(self, folder: Path) -> tuple[dict[int, str], dict[int, str]]:
        names: dict[int, str] = {}
        flaws: dict[int, str] = {}
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                match = _NUMBERED_IMAGE.search(name)
                if match is None or name[0] == ".":
                    continue
                number = int(match[1])
                if not entry.is_file(follow_symlinks=False):
                    if not self._links_to_file(entry):
                        continue
                    if self._leaves(entry.path):
                        self._see(folder, UNSURE)
                        flaws[number] = f"{name} is a link out of the dataset's folder"
                if number in names:
                    other = os.path.basename(names[number])
                    flaws[number] = f"two files are frame {number}, {other} and {name}"
                names[number] = entry.path
        return names, flaws

    def _links_to_file(self, entry: os.DirEntry[str]) -> bool:
        if entry.is_symlink() and not os.path.exists(entry.path):
            self._see(Path(entry.path).parent, UNSURE)
        return os.path.isfile(entry.path)

    def _find_videos(self, folder: Path) -> list[str]:
        """Names of the videos that ``folder`` can mean, those in its own upper and lower case where there are any."""
        parent = folder.parent
        if parent not in self._videos:
            self._see(parent)
            self._videos[parent] = {}
            with suppress(OSError), os.scandir(parent) as entries:
                for name in sorted(entry.name for entry in entries if _video_stem(entry.name)):
                    self._videos[parent].setdefault(_video_stem(name).casefold(), []).append(name)
        names = self._videos[parent].get(folder.name.casefold(), [])
        return [name for name in names if _video_stem(name) == folder.name] or names

    def _video(self, video: Path) -> ClipFrames:
        if self._leaves(video):
            return self._link_out(video)
        home = self._see(video)
        count = count_video_frames(video)
        if count == 0:
            return ClipFrames(lack=f"{video} is no readable video")
        first = self.first_video_frame
        return ClipFrames({first + index: video_frame_name(video, index) for index in range(count)}, home=home)

    def _link_out(self, path: Path) -> ClipFrames:
        self._see(path, UNSURE)
        return ClipFrames(lack=f"{path} is a link out of the dataset's folder; set dataset.follow_links=true")

    def _leaves(self, path: str | Path) -> bool:
        return bool(self._homes) and not (os.path.realpath(path) + os.sep).startswith(self._homes)

    def _see(self, path: Path, state: State = None) -> State:
        name = str(path.absolute())
        if state is not None or name not in self.seen:
            self.seen[name] = state or source_state(path)
        return self.seen[name]


def source_state(path: str | Path) -> State:
    """What tells that a file or folder is as it was: a sheet's content, a folder's list of names; None for nothing.

    A folder's time changes with each file that is added to it, removed or renamed. Videos are told by size and time.
    """
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            return "folder", status.st_mtime_ns, status.st_ino
        if not stat.S_ISREG(status.st_mode) or str(path).lower().endswith(VIDEO_SUFFIXES):
            return "video", status.st_size, status.st_mtime_ns, status.st_ino
        return "file", hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return None


def require_root(root: str | Path | None, dataset: str) -> Path:
    """Return ``root`` as a path to an existing folder.

    Raises:
        MerError: it is not given, or is no folder.
    """
    if not root:
        raise MerError(f"the folder of {dataset}", "none", "set dataset.root=DIR")
    path = Path(os.path.expanduser(root))
    if not os.path.isdir(path):
        raise MerError(f"the folder of {dataset}", f"no folder {path}", "set dataset.root=DIR")
    return path


def _clip_name(entry: os.DirEntry[str]) -> str:
    is_folder = entry.is_dir(follow_symlinks=False) or os.path.isdir(entry.path)
    return entry.name if is_folder or not os.path.exists(entry.path) else _video_stem(entry.name)


def _video_stem(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem if dot + suffix.lower() in VIDEO_SUFFIXES else ""
