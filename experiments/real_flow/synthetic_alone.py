"""Networks that never saw a real clip: ``python experiments/real_flow/synthetic_alone.py ROOT``, see README.md.

The recipe of composite_flow_best, trained on synthetic flow alone and tested on every real clip. Writes
synthetic_alone.csv, a row a seed and dataset.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from mer.build import build_training
from mer.engines import SequentialEngine
from mer.experiment import load_index, prepare_maps
from mer.hydra_app import conf_dir
from mer.predictions import MAIN_SCORES, predictions_table, score_predictions
from mer.protocols.folds import Fold
from mer.quiet import quiet_lightning

HERE = Path(__file__).parent
CLIPS, EPOCHS = 3000, 10  # as many steps as about 60 epochs of both datasets' clips take


def main() -> None:
    """Train a network a seed, and write what it tells of the real clips."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, metavar="ROOT", help="holds smic and casme2 with their labels.csv")
    parser.add_argument("--seeds", nargs="+", type=int, default=range(5), metavar="SEED")
    given = parser.parse_args()
    quiet_lightning()
    rows = [row for seed in given.seeds for row in scores(given.root, seed)]
    table = pd.DataFrame(rows)
    table.to_csv(HERE / "synthetic_alone.csv", index=False, float_format="%.4f", lineterminator="\n")
    print(table.to_string(index=False))


def scores(root: Path, seed: int) -> Iterator[dict[str, Any]]:
    """Scores of the network of ``seed`` on each dataset, with 95 % intervals over subjects."""
    words = ["dataset=flow_images", f"dataset.roots=[{root / 'smic'},{root / 'casme2'}]"]
    words += [
        "experiment=composite_flow_best",
        "synthetic=flow_images",
        "name=synthetic_alone",
        "trainer.accelerator=cpu",
    ]
    words += [f"seed={seed}", f"synthetic.seed={seed}", f"synthetic.clips={CLIPS}", f"trainer.max_epochs={EPOCHS}"]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", words)
    index, maps = prepare_maps(cfg, load_index(cfg))
    classes = list(index.classes)
    targets = torch.tensor([classes.index(label) for label in index.clips["label"]])
    untrained = Fold(np.array([], np.intp), np.arange(len(index)), "synthetic-alone")
    clips = instantiate(cfg.synthetic).join(classes, maps, targets, [untrained])
    training = build_training(cfg, clips.maps, clips.targets, len(classes))
    (trained,) = SequentialEngine().train(clips.folds, training, lambda done, total: None)
    found = score_predictions(predictions_table(index.clips, trained.probabilities, classes), classes)
    for dataset, its in {"both": found["pooled"], **found["datasets"]}.items():
        row: dict[str, Any] = {"dataset": dataset, "seed": seed}
        for name in MAIN_SCORES:
            row |= {name: its[name]} | dict(zip((f"{name}_low", f"{name}_high"), its["intervals"][name], strict=True))
        yield row


if __name__ == "__main__":
    main()
