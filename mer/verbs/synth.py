"""``mer synth dataset=casme2 out=DIR``: synthetic clips in a dataset's true on-disk layout."""

import json
from collections.abc import Sequence

from hydra.utils import instantiate
from omegaconf import DictConfig

from mer.errors import MerError
from mer.hydra_app import run_hydra
from mer.progress import Counter, progress_bar


def main(arguments: Sequence[str]) -> None:
    """Compose ``synth.yaml`` and write its clips."""
    run_hydra("synth", synth, arguments)


def synth(cfg: DictConfig) -> None:
    """Write the clips and say where they lie and how to go on."""
    if not cfg.out:
        raise MerError("a folder to write to", "none", "set out=DIR")
    with progress_bar() as bars:
        clips = instantiate(cfg.synth, out=cfg.out, progress=Counter(bars, "clips written"))
    if cfg.json:
        print(json.dumps({"out": str(cfg.out), "n_clips": len(clips)}))
    else:
        words = f"{clips.attrs['words']} dataset.root={cfg.out}"
        print(f"{len(clips)} clips in {cfg.out}; next: mer check {words}, then mer train experiment=demo {words}")
