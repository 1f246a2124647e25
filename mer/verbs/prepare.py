"""``mer prepare ...``: aligned key frames and flow of every clip into the store; goes on where it stopped."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from omegaconf import DictConfig
from rich.table import Table

from mer.clip import ClipIndex
from mer.errors import MerError, require_number
from mer.experiment import load_index, prepare_clips, prepare_store
from mer.hydra_app import run_hydra
from mer.progress import output, say
from mer.store import Store

_SHARD = re.compile(r"(\d+)/(\d+)")
_TASKS = {"--size": "size", "--prune": "prune"}
_MEGABYTE = 1e6


def main(arguments: Sequence[str]) -> None:
    """Compose ``prepare.yaml`` and prepare its clips, or, with ``--size`` or ``--prune``, look after the store."""
    tasks = [_TASKS[word] for word in arguments if word in _TASKS]
    task = {"size": size, "prune": prune}[tasks[0]] if tasks else prepare
    run_hydra("prepare", task, [word for word in arguments if word not in _TASKS])


def prepare(cfg: DictConfig) -> None:
    """Prepare all clips, or the key frames of one shard, and say how many, what was refused, and where they lie."""
    index = load_index(cfg)
    shape: list[int] = []
    shares: dict[str, float] = {}
    if cfg.shard is None:
        index, shape, shares = prepare_store(cfg, index)
    else:
        index = prepare_clips(cfg, shard_of(index, str(cfg.shard)))
    if cfg.json:
        notes = [vars(note) for note in index.notes]
        told = {"n_clips": len(index), "flow_shape": shape, "notes": notes, "beyond_bound": shares}
        print(json.dumps(told, indent=2))
        return
    for note in index.notes:
        say(str(note))
    if shares:
        most = max(shares, key=lambda name: shares[name])
        middle = median(shares.values())
        shown = f"{middle:.0%} in the median clip, most in {most}, {shares[most]:.0%}"
        say(f"magnified motion beyond eq. 5's bound: {shown}")
    what = f"flow {tuple(shape[1:])}" if shape else f"key frames of shard {cfg.shard}"
    print(f"{len(index)} clips prepared, {what}, store {cfg.store}")


def shard_of(index: ClipIndex, shard: str) -> ClipIndex:
    """The clips of shard ``i/n``, i from 1: every n-th one, so that each shard has its share of each subject.

    Raises:
        MerError: ``shard`` is no i/n with 1 <= i <= n, or holds no clip.
    """
    match = _SHARD.fullmatch(shard)
    number, total = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= total:
        raise MerError("shard=i/n with 1 <= i <= n", repr(shard), "set shard=1/4, say")
    clips = index.clips.iloc[number - 1 :: total].reset_index(drop=True)
    if clips.empty:
        raise MerError(f"{number} clips or more for shard={shard}", f"{len(index)}", "use fewer shards")
    return replace(index, clips=clips)


def size(cfg: DictConfig) -> None:
    """Print what the store takes on disk, by dataset and step."""
    usage = Store(cfg.store).usage()
    total = sum(use.size_bytes for use in usage)
    if cfg.json:
        print(json.dumps({"store": str(cfg.store), "bytes": total, "steps": [vars(use) for use in usage]}, indent=2))
        return
    table = Table("dataset", "step", "files", "MB", title=f"store {cfg.store}")
    for use in usage:
        table.add_row(use.dataset, use.step, str(use.files), f"{use.size_bytes / _MEGABYTE:.1f}")
    table.add_section()
    table.add_row("", "", str(sum(use.files for use in usage)), f"{total / _MEGABYTE:.1f}")
    output().print(table)


def prune(cfg: DictConfig) -> None:
    """Remove from the store what no run has used for ``unused_days``."""
    days = require_number("unused_days", cfg.unused_days, 0)
    files, size_bytes = Store(cfg.store).prune(days)
    if cfg.json:
        print(json.dumps({"store": str(cfg.store), "files": files, "bytes": size_bytes}, indent=2))
    else:
        print(f"{files} files removed, {size_bytes / _MEGABYTE:.1f} MB, unused for {days:g} days, store {cfg.store}")
