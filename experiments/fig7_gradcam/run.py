"""Do the maps lie where the face moves? ``python experiments/fig7_gradcam/run.py``, see README.md."""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from hydra import compose, initialize_config_dir
from numpy.typing import NDArray
from torch import Tensor, nn

from mer.action_units import parse_action_units
from mer.build import build_net
from mer.experiment import run_experiment
from mer.explain.clips import RunClips, read_clips
from mer.explain.grad_cam import METHODS, grad_cam, on_crop
from mer.explain.run import explain_run
from mer.explain.shares import share_inside
from mer.hydra_app import conf_dir
from mer.models.cam import CellGrid
from mer.progress import say
from mer.recognition import MicroExpressionModule
from mer.synth import write_casme2
from mer.synth.action_units import action_unit_field
from mer.trained import TrainedRun, load_run

HERE = Path(__file__).parent
NETWORKS = {
    "7x7 head": ["features.size=28"],  # the demo's
    "global pool": [
        *("features.size=56", "model.depth=4", "model.widths=[8,16,32]", "model.head_size=1"),
        "recognition.optimizer.lr=2e-3",
    ],
}
SUBJECTS, CLIPS, FOLDS = 24, 10, 4
SEEDS = (0, 1, 2)  # of the random weights
GAINS = {"": (1.0, 1.0), "R": (1.0, 0.0), "L": (0.0, 1.0)}  # of both sides of a face
MOVING = 0.5  # of the longest displacement: where a face moves by more, it moves
CPU = torch.device("cpu")
COLOURS = {"grad_cam": ("#0072b2", "o"), "hires_cam": ("#d55e00", "s")}


@dataclass(frozen=True)
class Measured:
    """A finished run, its clips, and for each of the N clips the class and the px that move, ``(N, S, S)``."""

    run: TrainedRun
    found: RunClips
    labels: Tensor
    moving: NDArray[np.bool_]


def main() -> None:
    """Write clips, train, measure; write results.csv, results.png and gradcam.jpg."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="keeps clips, store and runs; finished ones are taken as they are")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        if not (work / "clips" / "truth.csv").is_file():
            write_casme2(work / "clips", subjects=SUBJECTS, clips_per_subject=CLIPS)
        table = pd.concat([measure(name, train(work, name, words), work) for name, words in NETWORKS.items()])
        draw_faces(work, next(iter(NETWORKS)))
    table.to_csv(HERE / "results.csv", index=False, float_format="%.4f", lineterminator="\n")
    plot(table, HERE / "results.png")
    print(table.to_string(index=False))


def train(work: Path, name: str, words: Sequence[str]) -> TrainedRun:
    """The finished run of a network, trained on four folds of subjects where it is missing."""
    folder = run_folder(work, name)
    if not (folder / "metrics.json").is_file():
        say(f"training: {name}")
        places = [f"dataset.root={work / 'clips'}", f"store={work / 'store'}", f"run_dir={folder}"]
        fixed = ["experiment=demo", "protocol=subject_kfold", f"protocol.k={FOLDS}", "trainer.accelerator=cpu"]
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            cfg = compose("train", [*fixed, *words, *places])
        run_experiment(cfg)
    return load_run(folder)


def run_folder(work: Path, name: str) -> Path:
    """Where the run of a network is kept."""
    return work / name.replace(" ", "_")


def measure(name: str, run: TrainedRun, work: Path) -> pd.DataFrame:
    """One row a method and depth of randomisation, and one for the flow's own length."""
    measured = with_truth(run, work)
    uar = float(pd.read_json(run.path / "metrics.json", typ="series")["uar"])
    area = measured.moving.mean(axis=(1, 2))
    subjects = measured.found.clips["subject"].to_numpy()
    rows = []
    flow_px = measured.found.maps.flow
    lengths = torch.linalg.vector_norm(flow_px, dim=1)
    still = on_crop(lengths, CellGrid(1, 0), flow_px.shape[-1], measured.found.size_px)
    rows.append({"method": "length of the flow", "random": "-"} | summary(shares(still, measured), area, subjects))
    for method in METHODS:
        for depth, part in enumerate(["nothing", *parts(run)]):
            say(f"{name}, {method}: {part} random")
            seeds = SEEDS if depth else SEEDS[:1]
            each = [shares(maps(measured, method, depth, seed), measured) for seed in seeds]
            rows.append({"method": method, "random": part} | summary(mean_of(each), area, subjects))
    return pd.DataFrame([{"network": name, "uar": uar} | row for row in rows])


def with_truth(run: TrainedRun, work: Path) -> Measured:
    """The clips of ``run`` with what moves: the action units' own displacement, beyond half of its longest."""
    found = read_clips(run, CPU, {})
    truth = pd.read_csv(work / "clips" / "truth.csv").set_index(["subject", "clip"])
    shape = (found.size_px, found.size_px)
    moving = []
    for (_, clip), points in zip(found.clips.iterrows(), found.landmarks_px, strict=True):
        units = parse_action_units(truth.loc[(clip["subject"], clip["clip"]), "action_units"]).units
        field: Any = sum(action_unit_field(one.number, points, GAINS[one.side], shape) for one in units)
        length = np.hypot(*field)
        moving.append(length > MOVING * length.max())
    labels = torch.tensor([run.classes.index(label) for label in found.clips["label"]])
    return Measured(run, found, labels, np.stack(moving))


def parts(run: TrainedRun) -> list[str]:
    """The parts of the network from the last to the first, as they are randomised one on top of the other."""
    blocks = range(int(run.config.model.depth), 0, -1)
    return ["head", *(f"block {number}" for number in blocks), "stem"]


def maps(measured: Measured, method: str, depth: int, seed: int) -> Tensor:
    """Fused maps of the true class, each clip by the fold that never saw it, its last ``depth`` parts random."""
    found, drawn = measured.found, torch.zeros(measured.moving.shape)
    for fold, module in modules(measured.run, depth, seed):
        rows = np.flatnonzero(found.clips["fold"] == fold).tolist()
        inputs = module.features(found.maps.select(rows))
        made = grad_cam(module.net, inputs, measured.labels[rows], method=method)
        drawn[rows] = on_crop(made.fused, made.grid, inputs[0].shape[-1], found.size_px)
    return drawn


def modules(run: TrainedRun, depth: int, seed: int) -> Iterator[tuple[str, MicroExpressionModule]]:
    """Each fold's trained module with its last ``depth`` parts as a fresh network has them."""
    for number, fold in enumerate(run.folds):
        module = run.module(fold)
        torch.manual_seed(1000 * seed + number)
        fresh = build_net(run.config, len(run.classes)).eval()
        for old, new in list(zip(layers(module.net), layers(fresh), strict=True))[:depth]:
            for one, other in zip(old, new, strict=True):
                one.load_state_dict(other.state_dict())
        yield fold.name, module


def layers(net: Any) -> list[list[nn.Module]]:
    """The modules of each part of ``parts``, of both branches."""
    branches = [[layer for layer in branch if list(layer.parameters())] for branch in (net.branch_a, net.branch_b)]
    return [[net.head], *(list(pair) for pair in zip(*map(reversed, branches), strict=True))]


def shares(drawn: Tensor, measured: Measured) -> NDArray[np.float64]:
    """Of each clip the share of activation where its face moves, ``(N,)``; NaN where nothing is activated."""
    pairs = zip(drawn.double().numpy(), measured.moving, strict=True)
    return np.array([share_inside(heat, mask) for heat, mask in pairs])


def mean_of(each: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Mean over seeds of the clips that have a share, NaN where none has."""
    known = np.isfinite(each)
    counts = known.sum(axis=0)
    return np.where(counts > 0, np.where(known, each, 0).sum(axis=0) / np.maximum(counts, 1), np.nan)


def summary(share: NDArray[np.float64], area: NDArray[np.float64], subjects: NDArray[Any]) -> dict[str, float]:
    """Mean share over mean area of the clips with a share, and the 95 % interval over subjects drawn anew."""
    known = np.isfinite(share)
    names = np.unique(subjects[known])
    sums = np.array([[share[known & (subjects == one)].sum(), area[known & (subjects == one)].sum()] for one in names])
    chosen = np.random.default_rng(0).integers(len(names), size=(2000, len(names)))
    draws = sums[chosen].sum(axis=1)
    low, high = np.percentile(draws[:, 0] / draws[:, 1], [2.5, 97.5])
    means = {"n_clips": int(known.sum()), "share": share[known].mean(), "area": area[known].mean()}
    return means | {"times": means["share"] / means["area"], "times_low": low, "times_high": high}


def draw_faces(work: Path, name: str) -> None:
    """The figure that ``mer explain`` makes of the run."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        out = work / "explain"
        words = [f"run={run_folder(work, name)}", f"out={out}", "show_faces=true", "device=cpu"]
        explain_run(compose("explain", words))
    figure = cv2.imread(str(out / "gradcam.png"))
    if figure is None:
        raise FileNotFoundError(out / "gradcam.png")
    small = cv2.resize(figure, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(HERE / "gradcam.jpg"), small, [cv2.IMWRITE_JPEG_QUALITY, 88])


def plot(table: pd.DataFrame, file: Path) -> None:
    """Times the area by how much of the network is random, a panel a network."""
    names = list(dict.fromkeys(table["network"]))
    figure, panels = plt.subplots(1, len(names), figsize=(4.4 * len(names), 3.6), sharey=True, layout="constrained")
    for axes, name in zip(panels, names, strict=True):
        rows = table[table["network"] == name]
        axes.axhline(1, color="k", lw=0.8, ls=":", label="an even map")
        flow = rows[rows["random"] == "-"].iloc[0]
        axes.axhline(flow["times"], color="0.5", lw=1, ls="--", label="length of the flow")
        for shift, (method, (colour, marker)) in zip((-0.08, 0.08), COLOURS.items(), strict=True):
            one = rows[rows["method"] == method]
            reach = [one["times"] - one["times_low"], one["times_high"] - one["times"]]
            at = np.arange(len(one)) + shift
            axes.errorbar(at, one["times"], reach, fmt=f"{marker}-", color=colour, capsize=3, label=method)
        axes.set_xticks(range(len(one)), one["random"], rotation=40, ha="right")
        axes.set(title=f"{name}, UAR {flow['uar']:.2f}", xlabel="random from the head down to", ylim=(0, None))
    panels[0].set_ylabel("share where the face moves / area")
    panels[0].legend(fontsize="small")
    figure.savefig(file, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
