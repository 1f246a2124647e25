"""Finding a clip's frames on disk: folders are listed once, numbers are those of the file names."""

import re
from pathlib import Path

from mer.errors import MerError

_NUMBERED_IMAGE = re.compile(r"(\d+)\.(?:jpg|jpeg|png|bmp)$", re.IGNORECASE)


def list_frames(folder: Path) -> dict[int, str]:
    """Frame number -> path of every numbered image in ``folder``; empty where there is no such folder.

    Hidden files are left out: archives packed on a Mac hold a ``._img46.jpg``, no image, beside each ``img46.jpg``.
    """
    if not folder.is_dir():
        return {}
    found = ((_NUMBERED_IMAGE.search(path.name), path) for path in folder.iterdir() if path.name[0] != ".")
    return {int(match[1]): str(path) for match, path in found if match}


def require_root(root: str | Path | None, dataset: str) -> Path:
    """Return ``root`` as a path to an existing folder.

    Raises:
        MerError: it is not given, or is no folder.
    """
    if not root:
        raise MerError(f"the folder of {dataset}", "none", "set dataset.root=DIR")
    path = Path(root).expanduser()
    if not path.is_dir():
        raise MerError(f"the folder of {dataset}", f"no folder {path}", "set dataset.root=DIR")
    return path
