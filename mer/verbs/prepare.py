"""``mer prepare ...``: aligned key frames and flow of every clip into the store; goes on where it stopped."""

import json
from collections.abc import Sequence

from omegaconf import DictConfig

from mer.experiment import load_index, prepare_maps
from mer.hydra_app import run_hydra
from mer.progress import say


def main(arguments: Sequence[str]) -> None:
    """Compose ``prepare.yaml`` and prepare its clips."""
    run_hydra("prepare", prepare, arguments)


def prepare(cfg: DictConfig) -> None:
    """Prepare all clips and say how many, what was refused, and where they lie."""
    index, maps = prepare_maps(cfg, load_index(cfg))
    if cfg.json:
        notes = [vars(note) for note in index.notes]
        print(json.dumps({"n_clips": len(index), "flow_shape": list(maps.flow.shape), "notes": notes}, indent=2))
        return
    for note in index.notes:
        say(str(note))
    print(f"{len(index)} clips prepared, flow {tuple(maps.flow.shape[1:])}, store {cfg.store}")
