"""One experiment, from configuration to a finished run's folder. Reads top to bottom."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig

from mer.clip import ClipIndex, clip_name
from mer.datamodule import ClipDataset
from mer.datasets import FlowSource
from mer.datasets.cache import read_index
from mer.errors import MerError
from mer.flow import FlowMaps, resize_flow, resize_map
from mer.hydra_app import plain
from mer.magnify import Bounded, Magnifier
from mer.predictions import per_subject, score_predictions, write_predictions
from mer.preparation import Preparation, beyond_bound, dataset_flow
from mer.progress import Counter, progress_bar, say
from mer.protocols.callbacks import EpochBar
from mer.protocols.engine import SequentialEngine
from mer.protocols.folds import Fold
from mer.quiet import quiet_lightning
from mer.recognition import MicroExpressionModule, balanced_weights
from mer.report.figures import plot_confusion
from mer.run_folder import RunFolder, job_folder, open_run, provenance, run_key
from mer.runs import FREE_SETTINGS, read_run
from mer.store import Store


def run_experiment(cfg: DictConfig) -> tuple[Path, dict[str, Any]]:
    """Prepare, train every fold, pool, write. Returns the run's folder and its metrics."""
    config = plain(cfg)
    index = load_index(cfg)
    require_classes(index)
    index, maps = prepare_maps(cfg, index)
    for note in index.notes:
        say(str(note))
    folds: list[Fold] = instantiate(cfg.protocol)(index.clips)
    with _open_run(cfg, config, index, maps) as run:
        if run.is_complete:
            say(f"complete already: {run.path}")
        else:
            say(f"run folder: {run.path}")
            _train(cfg, config, index, maps, folds, run)
    return run.path, dict(read_run(run.path).metrics)


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
    index, maps, _ = _prepare_maps(cfg, index, tell_bound=False)
    return index, maps


def prepare_maps_and_bound(cfg: DictConfig, index: ClipIndex) -> tuple[ClipIndex, FlowMaps, dict[str, float]]:
    """As :func:`prepare_maps`, and the part of each clip's magnified motion where eq. 5 does not hold, by its name.

    Empty where nothing tells: no magnification, or another kind.
    """
    return _prepare_maps(cfg, index, tell_bound=True)


def _prepare_maps(cfg: DictConfig, index: ClipIndex, tell_bound: bool) -> tuple[ClipIndex, FlowMaps, dict[str, float]]:
    dataset = instantiate(cfg.dataset)
    if isinstance(dataset, FlowSource):
        return index, _resize(dataset.flow_maps(index.clips), cfg.features.size), {}
    open_apex = int(index.clips["apex"].isna().sum())
    if open_apex:
        say(f"{open_apex} of {len(index)} clips have no usable annotated apex: apex= chooses it")
    device = pick_device(cfg.trainer.accelerator)
    magnifier = instantiate(cfg.magnify).to(device)
    preparation = _preparation(cfg, magnifier)
    settings = {"magnify": plain(cfg.magnify), "flow": plain(cfg.flow)}
    with progress_bar() as bars:
        index, paths = preparation.run(index, Counter(bars, "key frames"))
        maps = dataset_flow(
            index.clips, paths, preparation, magnifier, instantiate(cfg.flow), settings, device, Counter(bars, "flow"),
        )  # fmt: skip
    shares: dict[str, float] = {}
    if tell_bound and isinstance(magnifier, Bounded):
        found = beyond_bound(index.clips, paths, preparation, magnifier, device).tolist()
        shares = dict(zip([clip_name(clip) for _, clip in index.clips.iterrows()], found, strict=True))
    return index, _resize(maps, cfg.features.size), shares


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
    classes = list(index.classes)
    tracker = instantiate(cfg.logger)
    tracker.open(run.path, run.key, config)
    with progress_bar() as bars:
        fold_bar, epoch_bar = Counter(bars, "folds"), Counter(bars, "epochs")
        engine = SequentialEngine(
            build_module=partial(build_module, cfg, len(classes)),
            build_trainer=lambda logger: instantiate(cfg.trainer, logger=logger, callbacks=[EpochBar(epoch_bar)]),
            build_logger=tracker.fold_logger,
            batch_size=cfg.batch_size,
            seed=cfg.seed,
        )
        targets = torch.tensor([classes.index(label) for label in index.clips["label"]])
        pooled, seconds = engine.run(
            index.clips, ClipDataset(maps, targets), classes, folds, run.path / "folds", _announce(folds, fold_bar)
        )
    write_predictions(pooled, run.path / "predictions.csv")
    scores = score_predictions(pooled, classes)
    metrics = scores["pooled"] | {
        "classes": classes,
        "per_dataset": scores["datasets"],
        "per_subject": per_subject(pooled),
        "n_folds": len(folds),
        "seconds": seconds,
        **provenance(),
    }
    plot_confusion(np.array(metrics["confusion"]), classes, cfg.name, run.path / "figures" / "confusion.png")
    tracker.close(metrics, pooled)
    run.write_json("metrics.json", metrics)


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
        instantiate(cfg.augment),
        instantiate(cfg.recognition.optimizer),
        num_classes,
        weights,
        cfg.recognition.label_smoothing,
    )


def _announce(folds: list[Fold], bar: Counter) -> Any:
    bar(0, len(folds))
    done = iter(range(1, len(folds) + 1))

    def on_fold(fold: Fold, is_new: bool) -> None:
        number = next(done)
        bar(number, len(folds))
        say(f"fold {number}/{len(folds)} {fold.subject}: {'trained' if is_new else 'was complete'}")

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
