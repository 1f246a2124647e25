"""How much of a map's positive activation lies inside regions of the face."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer.action_units import ActionUnit, parse_action_units
from mer.align.landmarks import Points
from mer.errors import MerError
from mer.explain.answers import Explanation
from mer.explain.regions import units_mask

Units = Mapping[str, frozenset[ActionUnit]]
_KEYS = ("explained", "reason", "map")
_NAN = float("nan")


def share_inside(positive: NDArray[np.floating], mask: NDArray[np.bool_]) -> float:
    """``sum of the map inside the mask / sum of the map``; NaN where nothing is activated.

    Args:
        positive: a map without negative values, ``(H, W)``.
        mask: the regions, ``(H, W)``.

    Raises:
        MerError: the shapes differ, or the map has negative values.
    """
    if positive.shape != mask.shape or (positive < 0).any():
        got = f"{positive.shape} from {positive.min():g}, a mask {mask.shape}"
        raise MerError("a map without negative values and a mask of its shape", got, "give ReLU(S), drawn on the crop")
    total = float(positive.sum())
    return float(positive[mask].sum()) / total if total > 0 else _NAN


def share_rows(one: Explanation, clip: pd.Series, landmarks_px: Points | None, expected: Units) -> list[dict[str, Any]]:
    """Rows of shares.csv: one a reason and map of ``one``.

    Args:
        one: the clip explained for a class.
        clip: its row of the clip index, with ``prediction``.
        landmarks_px: ``(68, 2)`` on the crop; without them there are no shares.
        expected: class -> action units.

    Returns:
        ``share`` and ``area`` of the regions of the action units that are expected in the explained class;
        ``share_coded`` and ``area_coded`` of those that the dataset codes for this clip, for certain. NaN where
        there is no such region.
    """
    names = {"dataset": clip["dataset"], "subject": clip["subject"], "clip": clip["clip"], "target": clip["label"]}
    units = {"": expected.get(one.label, frozenset()), "_coded": parse_action_units(clip["action_units"]).units}
    maps = {name: heat.numpy() for name, heat in one.named().items()}
    size_px = next(iter(maps.values())).shape[0]
    masks = {ending: _mask(landmarks_px, found, size_px) for ending, found in units.items()}
    return [
        {**names, "prediction": clip["prediction"], "explained": one.label, "reason": reason, "map": name}
        | {key: value for ending, mask in masks.items() for key, value in _shares(heat, mask, ending).items()}
        for reason in one.reasons
        for name, heat in maps.items()
    ]


def class_table(clips: pd.DataFrame) -> pd.DataFrame:
    """Mean over clips of shares and area shares, for each explained class, why it was explained, and map.

    Args:
        clips: one row a clip, explained class and map: ``explained``, ``reason``, ``map``, ``share``, ``area``,
            ``share_coded``, ``area_coded``; NaN where there is no region, or nothing activated.

    Returns:
        For each class and map ``n_clips``, ``share``, ``area`` and ``times`` (the one over the other) over the clips
        that have a share in the class's regions; with ``_coded`` the same over those with one in their coded units'.
    """
    tables = [_means(clips, ending) for ending in ("", "_coded")]
    return pd.concat(tables, axis=1).reset_index()


def records(table: pd.DataFrame) -> list[dict[str, object]]:
    """The rows of a table as plain values, None where there is none."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _mask(landmarks_px: Points | None, units: frozenset[ActionUnit], size_px: int) -> NDArray[np.bool_]:
    return np.zeros((size_px, size_px), bool) if landmarks_px is None else units_mask(landmarks_px, units, size_px)


def _shares(heat: NDArray[np.floating], mask: NDArray[np.bool_], ending: str) -> dict[str, float]:
    has_region = bool(mask.any())
    return {
        f"share{ending}": share_inside(heat, mask) if has_region else _NAN,
        f"area{ending}": float(mask.mean()) if has_region else _NAN,
    }


def _means(clips: pd.DataFrame, ending: str) -> pd.DataFrame:
    share, area = f"share{ending}", f"area{ending}"
    grouped = clips.assign(**{area: clips[area].where(clips[share].notna())}).groupby(list(_KEYS), sort=False)
    means = grouped[[share, area]].mean()
    means.insert(0, f"n_clips{ending}", grouped[share].count())
    means[f"times{ending}"] = means[share] / means[area]
    return means
