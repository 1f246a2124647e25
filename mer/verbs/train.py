"""``mer train ...``: all folds of a protocol, pooled metrics, artifacts; prepares what is missing; ``-m`` sweeps."""

import json
from collections.abc import Sequence

from omegaconf import DictConfig

from mer.experiment import run_experiment
from mer.hydra_app import run_hydra
from mer.progress import output
from mer.verbs.score import score_table


def main(arguments: Sequence[str]) -> None:
    """Compose ``train.yaml`` and run it, once or once a job of a sweep."""
    run_hydra("train", train, arguments)


def train(cfg: DictConfig) -> None:
    """Run the experiment, print its pooled metrics and what it wrote."""
    folder, metrics = run_experiment(cfg)
    if cfg.json:
        print(json.dumps(metrics | {"run": str(folder)}, indent=2))
        return
    console = output()
    scores = {"pooled": metrics, "datasets": metrics["per_dataset"]}
    console.print(score_table(scores, title=f"{cfg.name}: {metrics['n_folds']} folds pooled"))
    for name in ("predictions.csv", "metrics.json", "config.yaml", "figures/confusion.png"):
        console.print(str(folder / name), soft_wrap=True)
