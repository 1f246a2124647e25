"""``mer explain``: a finished run's clips explained, shares inside regions measured, figures written."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from omegaconf import DictConfig
from torch import nn

from mer.action_units import ActionUnit
from mer.clip import clip_name
from mer.errors import MerError, require_choice, require_integer
from mer.explain.answers import Explanation, attention, explanations, rows_most_surely_right
from mer.explain.clips import RunClips, read_clips
from mer.explain.grad_cam import METHODS, method_for
from mer.explain.pictures import ExplainedClip, Picture, flow_picture, plot_attention, plot_grad_cam
from mer.explain.regions import unit_polygons
from mer.explain.shares import Units, class_table, records, share_rows
from mer.files import atomic_file
from mer.hydra_app import plain
from mer.progress import Counter, progress_bar, say
from mer.trained import TrainedRun, load_run

_CLASSES = ("answers", "all")
_HIGHEST_UNIT = 80


def explain_run(cfg: DictConfig) -> dict[str, Any]:
    """Explain the run ``cfg.run`` as ``conf/explain.yaml`` says. Returns what ``shares.json`` holds.

    Raises:
        MerError: no finished run of a network that names its last maps, a clip that it did not predict, a bad choice.
    """
    require_choice("classes", cfg.classes, _CLASSES)
    require_choice("method", cfg.method or METHODS[0], METHODS)
    expected = expected_units(plain(cfg.action_units))
    run = load_run(Path(cfg.run).expanduser(), cfg.trust)
    method = cfg.method or _method_for(run.module(run.folds[0]).net)  # before anything is prepared
    device = torch.device(cfg.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    found = read_clips(run, device, plain(cfg.settings))
    if cfg.show_faces and found.preparation is None:
        raise MerError("clips of frames to show faces of", "flow images", "set show_faces=false")
    shown = _rows_shown(cfg.clips, run, found)
    out = Path(cfg.out).expanduser() if cfg.out else run.path / "explain"
    told = explanations(run, found, device, method, cfg.classes == "all")
    rows, drawn = _gather(told, found, expected, shown)
    files = _draw(drawn, found, expected, cfg.show_faces, out) + _draw_attention(run, found, shown, cfg, device, out)
    return _write(run, rows, method, files, out)


def expected_units(by_class: dict[str, Any]) -> Units:
    """Class -> action units, from the numbers in the configuration.

    Raises:
        MerError: no list, or a number that is no action unit.
    """
    for label, units in by_class.items():
        if not isinstance(units, list):
            raise MerError(f"a list for action_units.{label}", repr(units), f"set action_units.{label}=[4,5]")
    return {
        label: frozenset(ActionUnit(require_integer(f"action_units.{label}", one, 1, _HIGHEST_UNIT)) for one in units)
        for label, units in by_class.items()
    }


def _method_for(net: nn.Module) -> str:
    chosen = method_for(net)
    if chosen != METHODS[0]:
        say(f"this network's head weighs each place by itself, so its gradient is too: {chosen}; see method=")
    return chosen


def _rows_shown(names: Sequence[str] | None, run: TrainedRun, found: RunClips) -> list[int]:
    if names is None:
        return rows_most_surely_right(found.clips, run.classes)
    rows = {clip_name(clip): row for row, (_, clip) in enumerate(found.clips.iterrows())}
    for name in names or ["none"]:
        if name not in rows:
            raise MerError(f"clips= of {run.path}, as {next(iter(rows))}", str(name), "see its predictions.csv")
    return [rows[name] for name in names]


def _gather(
    told: Iterable[Explanation], found: RunClips, expected: Units, shown: Sequence[int]
) -> tuple[list[dict[str, Any]], list[Explanation]]:
    """Rows of shares.csv, and the explanations to draw, in the order of ``shown``."""
    rows: list[dict[str, Any]] = []
    drawn: list[Explanation] = []
    seen: set[int] = set()
    with progress_bar() as bars:
        counter = Counter(bars, "clips explained")
        for one in told:
            rows += share_rows(one, found.clips.iloc[one.row], found.landmarks_px[one.row], expected)
            drawn += [one] if one.row in shown else []
            seen.add(one.row)
            counter(len(seen), len(found.clips))
    if all(points is None for points in found.landmarks_px):
        say("no landmarks here, so no regions of action units: maps are drawn, shares are left out")
    return rows, sorted(drawn, key=lambda one: (shown.index(one.row), "true" not in one.reasons))


def _picture(found: RunClips, row: int, show_faces: bool) -> Picture:
    face = found.onset(row) if show_faces else None
    picture = flow_picture(found.maps.flow[row], found.size_px) if face is None else face
    return picture.permute(1, 2, 0).numpy()


def _draw(drawn: Sequence[Explanation], found: RunClips, expected: Units, show_faces: bool, out: Path) -> list[Path]:
    rows = [_row(one, found, expected, show_faces) for one in drawn]
    heading = "onset" if show_faces else "flow to apex"
    arrays = {name: np.stack([row.maps[name] for row in rows]) for name in rows[0].maps}
    names = {"clip": [clip_name(found.clips.iloc[one.row]) for one in drawn], "explained": [one.label for one in drawn]}
    return [*plot_grad_cam(rows, heading, out), _write_arrays(out / "gradcam.npz", {**names, **arrays})]


def _row(one: Explanation, found: RunClips, expected: Units, show_faces: bool) -> ExplainedClip:
    clip, points = found.clips.iloc[one.row], found.landmarks_px[one.row]
    units = sorted(expected.get(one.label, ()))
    regions = [] if points is None else [corners for unit in units for corners in unit_polygons(points, unit)]
    scaled = Explanation(one.row, one.label, one.reasons, one.maps.scaled()).named()
    title = f"{one.label} ({', '.join(one.reasons)})\n{clip['subject']} {clip['clip']}"
    maps = {name: heat.numpy() for name, heat in scaled.items()}
    return ExplainedClip(title, _picture(found, one.row, show_faces), maps, regions, None if show_faces else points)


def _draw_attention(
    run: TrainedRun, found: RunClips, shown: Sequence[int], cfg: DictConfig, device: torch.device, out: Path
) -> list[Path]:
    """Strips of attention; nothing where the network has none."""
    each = [attention(run, found, row, device) for row in shown]
    if not each[0]:
        say("no spatial attention in this network: no attention maps")
        return []
    maps = {
        branch: [np.stack([one[branch][block].numpy() for one in each]) for block in range(len(blocks))]
        for branch, blocks in each[0].items()
    }
    clips = [found.clips.iloc[row] for row in shown]
    titles = [f"{clip['label']}\n{clip['subject']} {clip['clip']}" for clip in clips]
    pictures = [_picture(found, row, cfg.show_faces) for row in shown]
    arrays = {f"{branch}_{number:02d}": one for branch, blocks in maps.items() for number, one in enumerate(blocks, 1)}
    names = {"clip": [clip_name(clip) for clip in clips]}
    return [*plot_attention(maps, titles, pictures, out), _write_arrays(out / "attention.npz", {**names, **arrays})]


def _write_arrays(path: Path, arrays: dict[str, Any]) -> Path:
    with atomic_file(path) as temporary, temporary.open("wb") as opened:
        np.savez_compressed(opened, **arrays)
    return path


def _write(run: TrainedRun, rows: list[dict[str, Any]], method: str, files: list[Path], out: Path) -> dict[str, Any]:
    table = pd.DataFrame(rows)
    with atomic_file(out / "shares.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.6f", lineterminator="\n")
    names = [str(path) for path in (*files, out / "shares.csv", out / "shares.json")]
    report = {"run": str(run.path), "method": method, "classes": records(class_table(table)), "files": names}
    with atomic_file(out / "shares.json") as temporary:
        temporary.write_text(json.dumps(report, indent=2) + "\n")
    return report
