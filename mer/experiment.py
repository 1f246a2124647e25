"""One experiment, from configuration to a finished run's folder. Reads top to bottom."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor

from mer.clip import ClipIndex, clip_name
from mer.datamodule import ClipDataset
from mer.datasets import FlowSource
from mer.datasets.cache import read_index
from mer.engines import LEAKY, OnFold, Training, leaky_scores, run_folds
from mer.errors import MerError
from mer.features.inputs import ClipInputs, clip_inputs
from mer.flow import FlowMaps, resize_flow, resize_map
from mer.hydra_app import plain
from mer.predictions import per_subject, score_predictions, write_predictions
from mer.preparation import Bounded, Magnifier, Preparation, beyond_bound, dataset_flow
from mer.progress import Counter, progress_bar, say
from mer.protocols.folds import Fold
from mer.quiet import quiet_lightning
from mer.recognition import MicroExpressionModule, balanced_weights
from mer.report.figures import plot_confusion
from mer.run_folder import RunFolder, job_folder, open_run, provenance, run_key
from mer.runs import FREE_SETTINGS, read_run
from mer.store import Store
from mer.tracking import Tracker

_WATCH_TEST = "report_best_epoch_on_test"


def run_experiment(cfg: DictConfig) -> tuple[Path, dict[str, Any]]:
    """Prepare, train every fold, pool, write. Returns the run's folder and its metrics."""
    config = plain(cfg)
    index = load_index(cfg)
    require_classes(index)
    index, maps = prepare_maps(cfg, index)
    for note in index.notes:
        say(str(note))
    folds = protocol_folds(cfg, index)
    with _open_run(cfg, config, index, maps) as run:
        if run.is_complete:
            say(f"complete already: {run.path}")
        else:
            say(f"run folder: {run.path}")
            _train(cfg, config, index, maps, folds, run)
    return run.path, dict(read_run(run.path).metrics)


def protocol_folds(cfg: DictConfig, index: ClipIndex) -> list[Fold]:
    """The folds of ``cfg.protocol``; how they are reported is no matter of theirs."""
    settings = {name: value for name, value in plain(cfg.protocol).items() if name != _WATCH_TEST}
    folds: list[Fold] = instantiate(settings)(index.clips)
    return folds


def load_index(cfg: DictConfig) -> ClipIndex:
    """The dataset's clips under the label scheme."""
    dataset = read_index(instantiate(cfg.dataset), plain(cfg.dataset), cfg.store)
    index: ClipIndex = instantiate(cfg.labels).apply(dataset)
    return index


def require_classes(index: ClipIndex) -> None:
    """Raise where the label scheme left nothing to tell apart.

    Raises:
        MerError: all clips are of one class.
    """
    found = index.clips["label"].unique()
    if len(found) < 2:
        refused = sum(note.kind == "refused" for note in index.notes)
        got = f"{len(index)} clips of {found[0]} alone, {refused} refused"
        raise MerError("clips of two classes or more", got, "choose labels=, see `mer check`")


def prepare_clips(cfg: DictConfig, index: ClipIndex) -> ClipIndex:
    """The clips that have key frames, made where they are missing; the refused ones are noted.

    Raises:
        MerError: the dataset's clips enter the path after the flow step; or none can be prepared.
    """
    if isinstance(instantiate(cfg.dataset), FlowSource):
        raise MerError("clips of frames", "flow images, which need no preparation", "leave shard= out")
    with progress_bar() as bars:
        return _preparation(cfg, instantiate(cfg.magnify)).run(index, Counter(bars, "key frames"))[0]


def prepare_maps(cfg: DictConfig, index: ClipIndex) -> tuple[ClipIndex, FlowMaps]:
    """The clips that could be prepared, and their flow at the features' size."""
    dataset = instantiate(cfg.dataset)
    if isinstance(dataset, FlowSource):
        return index, _resize(dataset.flow_maps(index.clips), cfg.features.size)
    open_apex = int(index.clips["apex"].isna().sum())
    if open_apex:
        say(f"{open_apex} of {len(index)} clips have no usable annotated apex: apex= chooses it")
    magnifier = instantiate(cfg.magnify)
    preparation = _preparation(cfg, magnifier)
    settings = {"magnify": plain(cfg.magnify), "flow": plain(cfg.flow)}
    with progress_bar() as bars:
        index, paths = preparation.run(index, Counter(bars, "key frames"))
        maps = dataset_flow(
            index.clips, paths, preparation, magnifier, instantiate(cfg.flow), settings,
            pick_device(cfg.trainer.accelerator), Counter(bars, "flow"),
        )  # fmt: skip
    return index, _resize(maps, cfg.features.size)


def prepared_beyond_bound(cfg: DictConfig, index: ClipIndex) -> dict[str, float]:
    """Prepared clip -> the part of its magnified motion where eq. 5 does not hold; empty where nothing tells."""
    device = pick_device(cfg.trainer.accelerator)
    magnifier: Magnifier = instantiate(cfg.magnify).to(device)
    if isinstance(instantiate(cfg.dataset), FlowSource) or not isinstance(magnifier, Bounded):
        return {}
    preparation = _preparation(cfg, instantiate(cfg.magnify))
    index, paths = preparation.run(index, lambda done, total: None)
    shares = beyond_bound(index.clips, paths, preparation, magnifier, device)
    return dict(zip([clip_name(clip) for _, clip in index.clips.iterrows()], shares.tolist(), strict=True))


def _preparation(cfg: DictConfig, magnifier: Magnifier) -> Preparation:
    return Preparation(Store(cfg.store), instantiate(cfg.align), instantiate(cfg.apex), magnifier.temporal)


def pick_device(accelerator: str) -> torch.device:
    """The device that the Trainer's ``accelerator`` stands for."""
    wants_gpu = accelerator in ("auto", "gpu", "cuda")
    return torch.device("cuda" if wants_gpu and torch.cuda.is_available() else "cpu")


def _train(
    cfg: DictConfig, config: dict[str, Any], index: ClipIndex, maps: FlowMaps, folds: list[Fold], run: RunFolder
) -> None:
    quiet_lightning()
    tracker: Tracker = instantiate(cfg.logger)
    tracker.open(run.path, run.key, config)
    try:
        metrics, predictions = _run_protocol(cfg, index, maps, folds, run, tracker)
    except BaseException as error:
        tracker.fail(f"{type(error).__name__}: {error}")
        raise
    tracker.close(metrics, predictions)
    run.write_json("metrics.json", metrics)


def _run_protocol(
    cfg: DictConfig, index: ClipIndex, maps: FlowMaps, folds: list[Fold], run: RunFolder, tracker: Tracker
) -> tuple[dict[str, Any], pd.DataFrame]:
    classes = list(index.classes)
    training = build_training(cfg, maps, torch.tensor([classes.index(label) for label in index.clips["label"]]))
    with progress_bar() as bars:
        fold_bar, epoch_bar = Counter(bars, "folds"), Counter(bars, "epochs")
        on_fold = _announce(len(folds), fold_bar, tracker)
        pooled = run_folds(
            instantiate(cfg.engine), training, index.clips, classes, folds, run.path / "folds", on_fold, epoch_bar
        )
    write_predictions(pooled.predictions, run.path / "predictions.csv")
    scores = score_predictions(pooled.predictions, classes)
    metrics = scores["pooled"] | {
        "classes": classes,
        "per_dataset": scores["datasets"],
        "per_subject": per_subject(pooled.predictions),
        "n_folds": len(folds),
        "seconds": pooled.seconds,
        **provenance(),
    }
    if pooled.leaky is not None:
        leaky = metrics[LEAKY] = leaky_scores(pooled.leaky, classes)
        told = ", ".join(f"{name} {leaky[name]:.4f} (honest {metrics[name]:.4f})" for name in leaky)
        say(f"LEAKY, best epoch chosen on the test clips, not a result: {told}")
    plot_confusion(np.array(metrics["confusion"]), classes, cfg.name, run.path / "figures" / "confusion.png")
    return metrics, pooled.predictions


def build_training(cfg: DictConfig, maps: FlowMaps, targets: Tensor) -> Training:
    """How the folds of ``cfg`` are trained on clips with ``maps`` and class numbers ``targets`` ``(N,)``."""
    num_classes = int(targets.max()) + 1
    device = build_trainer(cfg).strategy.root_device
    return Training(
        ClipDataset(maps, targets).to(device),
        partial(build_module, cfg, num_classes),
        partial(build_inputs, cfg),
        partial(build_trainer, cfg),
        plain(cfg.trainer),
        cfg.batch_size,
        cfg.seed,
        bool(cfg.protocol.get(_WATCH_TEST, False)),
    )


def build_trainer(cfg: DictConfig, **settings: Any) -> pl.Trainer:
    """A fresh Trainer that keeps no log of its own: an engine writes what a fold's training gave."""
    trainer: pl.Trainer = instantiate(cfg.trainer, logger=False, **settings)
    return trainer


def build_inputs(cfg: DictConfig, clips: ClipDataset) -> ClipInputs:
    """What makes the network's inputs of ``clips``."""
    return clip_inputs(clips.maps, instantiate(cfg.features), instantiate(cfg.augment))


def build_module(cfg: DictConfig, num_classes: int, training: ClipDataset) -> MicroExpressionModule:
    """A fresh module; what it learns from data, the class weights too, it learns from ``training`` alone."""
    features = instantiate(cfg.features)
    net = instantiate(
        cfg.model, num_classes=num_classes, input_size=cfg.features.size, in_channels=features.in_channels
    )
    weights = balanced_weights(training.targets, num_classes) if cfg.recognition.balanced_loss else None
    return MicroExpressionModule(
        net,
        features,
        instantiate(cfg.recognition.optimizer),
        num_classes,
        weights,
        cfg.recognition.label_smoothing,
    )


def _announce(n_folds: int, bar: Counter, tracker: Tracker) -> OnFold:
    bar(0, n_folds)
    done = iter(range(1, n_folds + 1))

    def on_fold(fold: Fold, folder: Path, is_new: bool) -> None:
        number = next(done)
        tracker.fold(fold, folder, is_new)
        bar(number, n_folds)
        say(f"fold {number}/{n_folds} {fold.subject}: {'trained' if is_new else 'was complete'}")

    return on_fold


def _open_run(cfg: DictConfig, config: Mapping[str, Any], index: ClipIndex, maps: FlowMaps) -> RunFolder:
    # What dataset, labels and steps before the flow decide is all in clips, classes and the flow, wherever they lie.
    told = (*FREE_SETTINGS, "dataset", "labels", "align")
    decisive = {name: value for name, value in config.items() if name not in told}
    clips = index.clips[["dataset", "subject", "clip", "label"]].to_numpy().tolist()
    key = run_key(decisive, [*clips, list(index.classes), maps.digest()])
    outputs, job = Path(cfg.outputs).expanduser() / cfg.name, None
    if HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN:
        job = job_folder(cfg.sweep, HydraConfig.get().job.override_dirname, key)
    return open_run(outputs, key, config, cfg.run_dir, job)


def _resize(maps: FlowMaps, size: int) -> FlowMaps:
    strain = None if maps.strain is None else resize_map(maps.strain, size)
    return FlowMaps(resize_flow(maps.flow, size), strain)
