"""``mer train ...``: all folds of a protocol, pooled metrics, artifacts; prepares what is missing; ``-m`` sweeps."""

import json
from collections.abc import Sequence

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from mer.errors import MerError, require_choice
from mer.hydra_app import run_hydra
from mer.progress import output
from mer.sweeps import is_sweep_job

_OBJECTIVES = ("accuracy", "uf1", "uar")


def main(arguments: Sequence[str]) -> None:
    """Compose ``train.yaml`` and run it, once or once a job of a sweep."""
    run_hydra("train", train, arguments)


def train(cfg: DictConfig) -> dict[str, float]:
    """Run the experiment, print its pooled metrics and what it wrote. Returns the scores a search can look at.

    Raises:
        MerError: a search without an objective, or an objective that is none.
    """
    _require_objective(cfg.objective)
    # torch and Lightning take seconds to import, which composing a configuration or handing out jobs need not wait for.
    from mer.experiment import run_experiment
    from mer.verbs.score import score_table

    folder, metrics = run_experiment(cfg)
    if cfg.json:
        print(json.dumps(metrics | {"run": str(folder)}, indent=2))
    elif not is_sweep_job():  # the table at a sweep's end has it all
        console = output()
        scores = {"pooled": metrics, "datasets": metrics["per_dataset"]}
        console.print(score_table(scores, title=f"{cfg.name}: {metrics['n_folds']} folds pooled"))
        for name in ("predictions.csv", "metrics.json", "config.yaml", "figures/confusion.png"):
            console.print(str(folder / name), soft_wrap=True)
    return {name: float(metrics[name]) for name in _OBJECTIVES}


def _require_objective(objective: str | None) -> None:
    sweeper = HydraConfig.get().runtime.choices.get("hydra/sweeper")
    if objective is not None:
        require_choice("objective", objective, _OBJECTIVES)
    elif sweeper != "basic":
        raise MerError(f"objective= for hydra/sweeper={sweeper}", "none", "set objective=uf1 protocol=tuning")
