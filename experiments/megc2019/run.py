"""UF1 and UAR in MEGC2019's three classes, beside the published: ``python experiments/megc2019/run.py ROOT``."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from hydra import compose, initialize_config_dir

from mer.build import is_network
from mer.engines import LEAKY
from mer.errors import MerError
from mer.experiment import run_experiment
from mer.files import atomic_file
from mer.hydra_app import conf_dir
from mer.progress import say
from mer.report.run_tables import markdown

HERE = Path(__file__).parent
DATASETS = ("smic", "casme2", "samm")
PROTOCOLS = {"5 folds": ("protocol=subject_kfold", "protocol.k=5"), "LOSO": ("protocol=loso",)}
Pair = tuple[float, float]


@dataclass(frozen=True)
class Method:
    """What trains a method, and its published UF1 and UAR of all clips and of each dataset's, of 442 clips, LOSO."""

    choices: Sequence[str]
    published: Sequence[Pair] = ()
    note: str = ""


CLASSICAL = ("dataset=flow_images", "features.size=28")
SMALL_HTNET = ("experiment=htnet_flow", "model.width=48", "model.repeats=[1,1,2]", "trainer.max_epochs=60")
METHODS: Mapping[str, Method] = {
    "majority": Method((*CLASSICAL, "model=majority")),
    "chance": Method((*CLASSICAL, "model=chance")),
    "bi_woof": Method(
        (*CLASSICAL, "model=bi_woof"), ((0.6296, 0.6227), (0.5727, 0.5829), (0.7805, 0.8026), (0.5211, 0.5139))
    ),
    "off_apexnet": Method(
        ("experiment=off_apexnet_flow",), ((0.7196, 0.7096), (0.6817, 0.6695), (0.8764, 0.8681), (0.5409, 0.5392))
    ),
    "dual_inception": Method(("experiment=dual_inception_flow", "trainer.max_epochs=20")),
    "rcn_a": Method(
        ("experiment=rcn_a_flow", "recognition.scheduler=null"),
        ((0.7432, 0.7190), (0.6326, 0.6441), (0.8512, 0.8123), (0.7601, 0.6715)),
    ),
    "ststnet": Method(
        ("experiment=ststnet_flow", "engine.channels_last=true"),
        ((0.7353, 0.7605), (0.6801, 0.7013), (0.8382, 0.8686), (0.6588, 0.6810)),
        "the printed UAR is macro-precision; the recall of all clips in the authors' MATLAB log is .7186",
    ),
    "htnet": Method(
        (*SMALL_HTNET, "recognition.optimizer.lr=3e-4", "batch_size=32"),
        ((0.8603, 0.8475), (0.8049, 0.7905), (0.9532, 0.9516), (0.8131, 0.8124)),
        "published: each subject's best epoch on its own test clips, which leaks; ours: a small one",
    ),
    "dual_branch": Method(("experiment=smic_flow",)),
}
# These rows of experiments/flow_methods are of the same clips, folds, settings and seed.
TAKEN = {"majority", "chance", "bi_woof", "off_apexnet", "dual_inception", "rcn_a", "dual_branch"}
TAKEN_FROM = HERE.parent / "flow_methods" / "results.csv"


def main() -> None:
    """Train what is asked for and not done, write results.csv and results.md; other rows stay."""
    given = _parser().parse_args()
    found = [name for name in DATASETS if (given.root / name / "labels.csv").is_file()]
    failed = []
    for name in given.methods:
        try:
            row = taken(name) if name in TAKEN and (given.protocol, *found) == ("5 folds", "smic", "casme2") else None
            row = row or measure(name, [given.root / one for one in found], given.protocol, given.work)
            keep({"datasets": "+".join(found), "protocol": given.protocol, "method": name} | row, given.out)
        except MerError as error:
            failed.append(f"{name}: {error}")
    for line in failed:
        say(f"failed: {line}")
    print((given.out / "results.md").read_text())
    raise SystemExit(1 if failed else 0)


def taken(name: str) -> dict[str, Any] | None:
    """The row that experiments/flow_methods measured of the same settings, if it did."""
    table = pd.read_csv(TAKEN_FROM)
    rows = table[(table["clips"] == "SMIC + CASME II") & (table["model"] == name)].to_dict("records")
    if not rows:
        return None
    return {key: value for key, value in rows[0].items() if key not in ("clips", "model")} | {"run": "flow_methods"}


def measure(name: str, roots: Sequence[Path], protocol: str, work: Path) -> dict[str, Any]:
    """Pooled scores with 95 % intervals over subjects, each dataset's UF1 and UAR, and the figure that leaks."""
    run = work / f"{name}-{'-'.join(root.name for root in roots)}-{protocol.replace(' ', '_')}"
    say(f"{name}, {protocol}: {run}")
    words = [
        f"dataset.roots=[{','.join(map(str, roots))}]",
        f"run_dir={run}",
        "name=megc2019",
        "trainer.accelerator=cpu",
    ]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", [*METHODS[name].choices, *PROTOCOLS[protocol], *words, "trainer.accelerator=cpu"])
        cfg.protocol.report_best_epoch_on_test = is_network(cfg.model)
    _, metrics = run_experiment(cfg)
    row: dict[str, Any] = {
        "epochs": cfg.trainer.max_epochs if is_network(cfg.model) else None,
        "n_clips": metrics["n_clips"],
        "folds": metrics["n_folds"],
    }
    for score in ("accuracy", "uf1", "uar"):
        low, high = metrics["intervals"][score]
        row |= {score: metrics[score], f"{score}_low": low, f"{score}_high": high}
    for dataset, alone in metrics["per_dataset"].items():
        row |= {f"{dataset}_{score}": alone[score] for score in ("uf1", "uar")}
    leaky = {f"leaky_{score}": metrics[LEAKY][score] for score in ("uf1", "uar")} if LEAKY in metrics else {}
    return row | leaky | {"seconds": metrics["seconds"], "run": "here"}


def keep(row: Mapping[str, Any], out: Path) -> None:
    """Put ``row`` into results.csv, in the place of the one of its method, and write results.md anew."""
    file, key = out / "results.csv", ("datasets", "protocol", "method")
    known = pd.read_csv(file).to_dict("records") if file.is_file() else []
    rows = [one for one in known if any(one[name] != row[name] for name in key)] + [dict(row)]
    rows.sort(key=lambda one: (one["datasets"], one["protocol"], [*METHODS].index(one["method"])))
    out.mkdir(parents=True, exist_ok=True)
    with atomic_file(file) as temporary:
        table = pd.DataFrame(rows).astype({"epochs": "Int64"})
        table.to_csv(temporary, index=False, float_format="%.4f", lineterminator="\n")
    with atomic_file(out / "results.md") as temporary:
        temporary.write_text("\n".join(_table(name, part) for name, part in table.groupby(["datasets", "protocol"])))


def _table(name: Any, rows: pd.DataFrame) -> str:
    found = name[0].split("+")
    header = ["method", "epochs", "UF1", "UAR", *(f"{one} UF1 / UAR" for one in found), "best epoch (leaks) UF1"]
    header += ["published UF1 / UAR", *(f"published {one}" for one in found)]
    cells = [[(cell,) for cell in _cells(row, found)] for _, row in rows.iterrows()]
    notes = [f"- {method}: {METHODS[method].note}." for method in rows["method"] if METHODS[method].note]
    return "\n".join([f"**{', '.join(name)}**\n", markdown(header, cells), *notes, ""])


def _cells(row: "pd.Series[Any]", found: Sequence[str]) -> list[str]:
    published = METHODS[row["method"]].published
    scores = [f"{row[one]:.3f} ({row[f'{one}_low']:.3f} to {row[f'{one}_high']:.3f})" for one in ("uf1", "uar")]
    ours = [f"{row[f'{one}_uf1']:.3f} / {row[f'{one}_uar']:.3f}" for one in found]
    leaky = row.get("leaky_uf1")
    theirs = [published[0], *(published[1 + DATASETS.index(one)] for one in found)] if published else []
    told = [f"{uf1:.3f} / {uar:.3f}" for uf1, uar in theirs] or [""] * (1 + len(found))
    epochs = "-" if pd.isna(row["epochs"]) else str(row["epochs"])
    return [row["method"], epochs, *scores, *ours, "" if pd.isna(leaky) else f"{leaky:.3f}", *told]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, metavar="ROOT", help="holds smic, casme2 and, where one has it, samm")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="METHOD")
    parser.add_argument("--protocol", choices=PROTOCOLS, default="5 folds", help="5 folds over subjects, or LOSO")
    parser.add_argument(
        "--work", type=Path, default=Path("outputs/megc2019"), help="keeps the runs; finished ones stay"
    )
    parser.add_argument("--out", type=Path, default=HERE, help="where results.csv and results.md go")
    return parser


if __name__ == "__main__":
    main()
