"""Scores of every model that takes flow, on published flow: ``python experiments/flow_methods/run.py ROOT``."""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from hydra import compose, initialize_config_dir

from mer.build import is_network
from mer.experiment import run_experiment
from mer.hydra_app import conf_dir
from mer.predictions import MAIN_SCORES
from mer.progress import say

HERE = Path(__file__).parent
SETS: Mapping[str, Sequence[str]] = {"SMIC": ("smic",), "SMIC + CASME II": ("smic", "casme2")}
PROTOCOLS = {"SMIC": ("protocol=loso",), "SMIC + CASME II": ("protocol=subject_kfold", "protocol.k=5")}
CLASSICAL = ("dataset=flow_images", "features.size=28")
MODELS: Mapping[str, Sequence[str]] = {
    "majority": (*CLASSICAL, "model=majority"),
    "chance": (*CLASSICAL, "model=chance"),
    "bi_woof": (*CLASSICAL, "model=bi_woof"),
    "ststnet": ("experiment=ststnet_flow",),
    "off_apexnet": ("experiment=off_apexnet_flow",),
    "dual_inception": ("experiment=dual_inception_flow", "trainer.max_epochs=20"),
    "rcn_a": ("experiment=rcn_a_flow", "recognition.scheduler=null"),
    "dual_branch": ("experiment=smic_flow",),
}


def main() -> None:
    """Train each model on each set, write results.csv; rows that are not asked for stay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, metavar="ROOT", help="holds smic and casme2, each with its labels.csv")
    parser.add_argument("--work", type=Path, help="keeps the runs; finished ones are taken as they are")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), metavar="MODEL")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), metavar="SET", help=", ".join(SETS))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for name in given.sets:
            roots = SETS[name]
            for model in given.models:
                say(f"{name}, {model}")
                row = measure(
                    (given.work or Path(temporary)) / f"{model}-{'-'.join(roots)}",
                    [given.root / one for one in roots],
                    [*MODELS[model], *PROTOCOLS[name]],
                )
                keep({"clips": name, "model": model} | row, HERE / "results.csv")
    print(pd.read_csv(HERE / "results.csv").to_string(index=False))


def measure(run: Path, roots: Sequence[Path], choices: Sequence[str]) -> dict[str, Any]:
    """Settings, pooled scores with their 95 % intervals over subjects, UF1 and UAR of each dataset, and seconds."""
    words = [f"dataset.roots=[{','.join(map(str, roots))}]", f"run_dir={run}", "name=flow_methods"]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", [*choices, *words, "engine=parallel", "trainer.accelerator=cpu"])
    _, metrics = run_experiment(cfg)
    row: dict[str, Any] = {
        "epochs": cfg.trainer.max_epochs if is_network(cfg.model) else None,
        "n_clips": metrics["n_clips"],
        "folds": metrics["n_folds"],
    }
    for name in MAIN_SCORES:
        low, high = metrics["intervals"][name]
        row |= {name: metrics[name], f"{name}_low": low, f"{name}_high": high}
    for dataset in ("smic", "casme2"):
        alone = metrics["per_dataset"].get(dataset, {})
        row |= {f"{dataset}_{name}": alone.get(name) for name in ("uf1", "uar")}
    return row | {"seconds": metrics["seconds"]}


def keep(row: Mapping[str, Any], file: Path) -> None:
    """Put ``row`` into the table ``file``, in the place of the one that its set and model had."""
    known = pd.read_csv(file).to_dict("records") if file.is_file() else []
    rows = [one for one in known if (one["clips"], one["model"]) != (row["clips"], row["model"])] + [dict(row)]
    rows.sort(key=lambda one: ([*SETS].index(one["clips"]), [*MODELS].index(one["model"])))
    pd.DataFrame(rows).astype({"epochs": "Int64"}).to_csv(file, index=False, float_format="%.4f", lineterminator="\n")


if __name__ == "__main__":
    main()
