"""The worst mistakes of a run: clips that are wrong with the highest probability, and a picture of each."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from mer.files import atomic_file, safe_name
from mer.report.flow_pictures import flow_colours

WORST = 12
_FOLDER = "mistakes"
_SIDE_PX = 128
_GAP_PX = 4


def worst_mistakes(predictions: pd.DataFrame, clips: int = WORST) -> pd.DataFrame:
    """The wrong ones of ``predictions``, that with the highest probability first.

    Args:
        predictions: rows of predictions.csv.
        clips: not more than so many.

    Returns:
        ``dataset``, ``subject``, ``clip``, ``target``, ``prediction``, ``probability`` (of the prediction) and
        ``of_target``; NaN where the table tells none. The index is that of ``predictions``.
    """
    wrong = predictions[predictions["target"] != predictions["prediction"]]
    columns = [name for name in ("dataset", "subject", "clip", "target", "prediction") if name in wrong.columns]
    table = wrong[columns].copy()
    for name, of in (("probability", "prediction"), ("of_target", "target")):
        told = [row.get(f"prob_{row[of]}", np.nan) for row in wrong.to_dict("records")]
        table[name] = pd.to_numeric(pd.Series(told, wrong.index, dtype=object), errors="coerce").astype(float)
    return table.sort_values("probability", ascending=False, kind="stable").head(clips)


def picture_path(figures: Path, clip: Mapping[str, object]) -> Path:
    """Where the picture of the clip with this ``dataset``, ``subject`` and ``clip`` lies."""
    return figures / _FOLDER / f"{safe_name('-'.join(str(clip[key]) for key in ('dataset', 'subject', 'clip')))}.png"


def write_strip(flow_px: Tensor, faces: Sequence[Tensor], path: Path) -> None:
    """Write a clip's flow as colours, beside frames of it, as one PNG.

    Args:
        flow_px: ``(2, H, W)``.
        faces: RGB in [0, 1], ``(3, S, S)`` each, to the flow's left; none for the flow alone.
        path: of the PNG.
    """
    colours = flow_colours(flow_px[None].float())[0][0]
    tiles = [_tile(picture) for picture in (*faces, colours)]
    gap = np.full((_SIDE_PX, _GAP_PX, 3), 255, np.uint8)
    strip = np.concatenate([part for tile in tiles for part in (gap, tile)][1:], axis=1)
    with atomic_file(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", strip[..., ::-1])[1].tobytes())  # imwrite is silent on a full disk


def _tile(picture: Tensor) -> NDArray[np.uint8]:
    rgb = (picture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    return np.asarray(cv2.resize(rgb, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8)
