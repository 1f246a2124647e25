"""Clips that are published as flow images: the path is entered after the flow step."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from mer.clip import ClipIndex, clip_index, clip_name
from mer.datasets.flow_proportion import v_per_u
from mer.errors import MerError, require_choice, require_number
from mer.flow.maps import FlowMaps
from mer.pixels import decoded

_COLUMNS = ("dataset", "subject", "clip", "label", "file")
_FULL_SCALE = 255.0


class FlowImages:
    """Folders of RGB PNGs: R = u, G = v, B = optical strain, each channel min-max scaled per clip to 0-255.

    Layout: ``labels.csv`` (dataset, subject, clip, label, file) beside the images, as the STSTNet authors published
    the MEGC2019 clips at 28x28 (Liong et al., FG 2019, doi 10.1109/FG.2019.8756567). The scaling lost two things:
    the zero of u and v, and the proportion between them. ``zero`` says where zero is put back.

    Args:
        roots: folders to join; subjects stay distinct by their ``dataset`` column.
        zero: ``median`` (most of a face stands still, so each channel's median is near zero motion) or ``middle``
            (half of the range).
        proportion: how far v is brought to the scale of u that the published strain tells, each clip by itself, in
            [0, 1]: v is multiplied by ``k ** proportion``, k of :func:`~mer.datasets.flow_proportion.v_per_u`. 0 leaves
            both as the images have them; between 0 and 1 the finding, which errs, is believed in part.
    """

    name = "flow_images"

    def __init__(self, roots: Sequence[str] | str | None, zero: str = "median", proportion: float = 0.0) -> None:
        self.roots = [roots] if isinstance(roots, str) else list(roots or ())
        self.zero = require_choice("dataset.zero", zero, ("median", "middle"))
        self.proportion = require_number("dataset.proportion", proportion, 0, 1)

    def load(self) -> ClipIndex:
        """Read every root's ``labels.csv``.

        Raises:
            MerError: no root, a file or column is missing, or a clip stands in two roots.
        """
        if not self.roots:
            raise MerError("one folder of flow images or more", "none", "set 'dataset.roots=[DIR,DIR]'")
        return clip_index([row for root in self.roots for row in _read_labels(Path(root).expanduser())])

    def flow_maps(self, clips: pd.DataFrame) -> FlowMaps:
        """Read the images of ``clips`` in their order: flow (N,2,H,W), strain (N,1,H,W) in [0,1].

        The full range of u is 1, and of v where its proportion to u is left as it is.

        Raises:
            MerError: an image cannot be read, or its size differs from the first one's.
        """
        images = np.stack(_same_size([(clip_name(clip), _read(clip["files"][0])) for _, clip in clips.iterrows()]))
        maps = torch.from_numpy(images).permute(0, 3, 1, 2).float().div(_FULL_SCALE)
        flow, strain = maps[:, :2], maps[:, 2:]
        middle = torch.full_like(flow[..., :1, :1], 0.5)
        zero = flow.flatten(2).median(dim=2).values[..., None, None] if self.zero == "median" else middle
        flow = flow - zero
        if self.proportion:
            flow[:, 1] *= (v_per_u(flow, strain) ** self.proportion)[:, None, None]
        return FlowMaps(flow, strain)


def _read_labels(root: Path) -> list[dict[str, Any]]:
    path = root / "labels.csv"
    if not path.is_file():
        raise MerError("labels.csv beside the flow images", f"no file {path}", "set 'dataset.roots=[DIR]'")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise MerError(f"a CSV with columns {', '.join(_COLUMNS)}", f"{path}: {error}", "write it again") from error
    missing = [column for column in _COLUMNS if column not in table.columns]
    if missing:
        raise MerError(f"columns {', '.join(_COLUMNS)}", f"{path} without {', '.join(missing)}", "add them")
    if table.empty:
        raise MerError("a clip a row in labels.csv", f"no row in {path}", "add the clips or leave the folder out")
    rows: list[dict[str, Any]] = table.to_dict("records")  # type: ignore[assignment]
    for line, row in enumerate(rows, start=2):
        if empty := [column for column in _COLUMNS if not row[column]]:
            raise MerError("no empty cell in labels.csv", f"row {line} of {path} without {empty[0]}", "fill it in")
    frame = {"fps": float("nan"), "onset": None, "apex": None, "offset": None, "action_units": ""}
    return [{**frame, **row, "files": (str(root / row["file"]),)} for row in rows]


def _read(file: str) -> np.ndarray:
    try:
        image = decoded(Path(file).read_bytes())
    except (OSError, ValueError):  # a name that is too long or holds a zero byte
        image = None
    if image is None:
        raise MerError("a readable flow image", f"{file}", "copy it again or remove its row from labels.csv")
    return image


def _same_size(named: list[tuple[str, np.ndarray]]) -> list[np.ndarray]:
    for name, image in named:
        if image.shape != named[0][1].shape:
            raise MerError(
                f"images of {named[0][1].shape[1]}x{named[0][1].shape[0]}",
                f"{name} of {image.shape[1]}x{image.shape[0]}",
                "join only roots of one size",
            )
    return [image for _, image in named]
