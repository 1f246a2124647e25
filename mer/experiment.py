"""One experiment, from configuration to a finished run's folder. Reads top to bottom."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.progress import Progress
from torch import Tensor

from mer.build import WATCH_TEST, build_engine, build_needs, build_training
from mer.claims import Claiming, share_out
from mer.clip import ClipIndex, clip_name
from mer.dataset_flow import beyond_bound
from mer.dataset_maps import DatasetMaps
from mer.datasets import FlowSource
from mer.datasets.cache import read_index
from mer.engines import LEAKY, OnFold, PooledFolds, fold_folder, leaky_scores, run_folds
from mer.errors import MerError
from mer.flow import FlowMaps, resize_flow, resize_map
from mer.flow.state import flow_state
from mer.hydra_app import command_line, plain
from mer.interrupts import CtrlC
from mer.machine import machine_facts
from mer.magnify import Bounded, Magnifier
from mer.predictions import per_subject, read_predictions, score_predictions, write_predictions
from mer.preparation import Preparation
from mer.progress import Counter, progress_bar, say
from mer.protocols import require_subjects_kept_back
from mer.protocols.folds import Fold
from mer.quiet import quiet_lightning
from mer.report.figures import plot_confusion
from mer.report.flow_pictures import plot_flow_on_faces, plot_flow_samples, sample_rows
from mer.report.magnification_pictures import plot_magnification
from mer.report.mistakes import picture_path, worst_mistakes, write_strip
from mer.run_folder import RunFolder, job_folder, open_run, provenance, run_key
from mer.runs import DIVERGED, FREE_SETTINGS, read_run
from mer.store import Store
from mer.tracking import FilesTracker, Tracker, tracked
from mer.tracking.secrets import known_secrets, masked
from mer.training_clips import TrainingClips


def run_experiment(cfg: DictConfig) -> tuple[Path, dict[str, Any]]:
    """Prepare, train every fold, pool, write. Returns the run's folder and its metrics."""
    config = plain(cfg)
    index = load_index(cfg)
    require_classes(index)
    index, maps = prepare_maps(cfg, index)
    for note in index.notes:
        say(str(note))
    folds = protocol_folds(cfg, index)
    if cfg.objective is not None:
        require_subjects_kept_back(folds, index.clips)
    with _open_run(cfg, config, index, maps) as run:
        say(f"complete already: {run.path}" if run.is_complete else f"run folder: {run.path}")
        if not run.is_complete:
            _draw_samples(cfg, index, maps, run.path / "figures")
        if not run.is_settled:
            _train(cfg, config, index, maps, folds, run)
    return run.path, dict(read_run(run.path).metrics)


def protocol_folds(cfg: DictConfig, index: ClipIndex) -> list[Fold]:
    """The folds of ``cfg.protocol``; how they are reported is no matter of theirs."""
    settings = {name: value for name, value in plain(cfg.protocol).items() if name != WATCH_TEST}
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
        return build_preparation(cfg, instantiate(cfg.magnify)).run(index, Counter(bars, "key frames"))[0]


def prepare_maps(cfg: DictConfig, index: ClipIndex) -> tuple[ClipIndex, FlowMaps]:
    """The clips that could be prepared, and at the features' size their flow and whatever else the model needs.

    Raises:
        MerError: the model needs frames, and the dataset is one of flow images; or landmarks, and there are none.
    """
    dataset = instantiate(cfg.dataset)
    if isinstance(dataset, FlowSource):
        return _published_maps(cfg, dataset, index)
    with progress_bar() as bars:
        index, maps = _dataset_maps(cfg, index, bars)
        return index, maps.together()


def prepare_store(cfg: DictConfig, index: ClipIndex) -> tuple[ClipIndex, list[int], dict[str, float]]:
    """Make what :func:`prepare_maps` would read, some clips at a time: however many there are, memory takes no more.

    Returns the clips that could be prepared, their flow's shape, and the part of each clip's magnified motion where
    eq. 5 does not hold, by its name; that is empty where nothing tells: no magnification, or another kind.

    Raises:
        MerError: as ``prepare_maps``.
    """
    dataset = instantiate(cfg.dataset)
    if isinstance(dataset, FlowSource):
        index, published = _published_maps(cfg, dataset, index)
        return index, list(published.flow.shape), {}
    with progress_bar() as bars:
        index, maps = _dataset_maps(cfg, index, bars)
        shapes = [part.flow.shape for part in maps.in_parts()]
    shares: dict[str, float] = {}
    if isinstance(maps.magnifier, Bounded):
        found = beyond_bound(index.clips, maps.paths, maps.preparation, maps.magnifier, maps.device).tolist()
        shares = dict(zip([clip_name(clip) for _, clip in index.clips.iterrows()], found, strict=True))
    return index, [len(index), *shapes[0][1:]], shares


def _published_maps(cfg: DictConfig, dataset: FlowSource, index: ClipIndex) -> tuple[ClipIndex, FlowMaps]:
    build_needs(cfg).refuse_flow_images()
    return index, _resize(dataset.flow_maps(index.clips), cfg.features.size)


def _dataset_maps(cfg: DictConfig, index: ClipIndex, bars: Progress) -> tuple[ClipIndex, DatasetMaps]:
    """The clips that have key frames, made where they are missing, and what makes their maps."""
    open_apex = int(index.clips["apex"].isna().sum())
    if open_apex:
        say(f"{open_apex} of {len(index)} clips have no usable annotated apex: apex= chooses it")
    device, needs = pick_device(cfg.trainer.accelerator), build_needs(cfg)
    magnifier = instantiate(cfg.magnify).to(device)
    preparation = build_preparation(cfg, magnifier)
    needs.refuse_without_landmarks(preparation.aligner.finds_landmarks)
    flow = instantiate(cfg.flow)
    # Asked before the clips are prepared: a flow method without its weights says so now.
    settings = {"magnify": plain(cfg.magnify), "flow": flow_state(flow, plain(cfg.flow))}
    index, paths = preparation.run(index, Counter(bars, "key frames"))
    maps = DatasetMaps(
        index.clips, paths, preparation, magnifier, flow, settings, device, cfg.features.size, needs,
        partial(Counter, bars),
    )  # fmt: skip
    return index, maps


def _draw_samples(cfg: DictConfig, index: ClipIndex, maps: FlowMaps, figures: Path) -> None:
    """Flow of each class as colours; with ``show_faces``, also a face of each class: its flow, its magnification."""
    labels, classes = index.clips["label"].tolist(), index.classes
    plot_flow_samples(maps.flow, labels, classes, figures / "flow_samples.png")
    if not cfg.show_faces:
        return
    if isinstance(instantiate(cfg.dataset), FlowSource):
        raise MerError("clips of frames to show faces of", "flow images", "set show_faces=false")
    rows = [row for chosen in sample_rows(labels, classes, 1) for row in chosen]
    titles = [labels[row] for row in rows]
    onset, apex, magnified = _faces(cfg, index, rows)
    plot_flow_on_faces(onset, maps.flow[rows], titles, figures / "flow_on_faces.png")
    plot_magnification(onset, apex, magnified, titles, figures / "magnification.png")


def _draw_mistakes(cfg: DictConfig, index: ClipIndex, maps: FlowMaps, predictions: pd.DataFrame, figures: Path) -> None:
    """The worst mistakes' flow as colours; with ``show_faces`` beside their onset, apex and magnified apex."""
    keys = ["dataset", "subject", "clip"]
    numbers = {tuple(clip): row for row, clip in enumerate(index.clips[keys].to_numpy().tolist())}
    for mistake in worst_mistakes(predictions).to_dict("records"):
        row = numbers[tuple(mistake[key] for key in keys)]
        faces = [frames[0] for frames in _faces(cfg, index, [row])] if cfg.show_faces else []
        write_strip(maps.flow[row], faces, picture_path(figures, {key: mistake[key] for key in keys}))


def _faces(cfg: DictConfig, index: ClipIndex, rows: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Onset, apex and magnified apex of the clips of ``rows``, RGB in [0, 1]."""
    magnifier = instantiate(cfg.magnify)
    preparation = build_preparation(cfg, magnifier)
    read = [preparation.key_frames(index.clips.iloc[row]) for row in rows]
    onset, apex, band = (
        torch.stack([getattr(one, name) for one in read]).float() for name in ("onset", "apex", "band")
    )
    return onset / 255, apex / 255, magnifier.magnify(apex / 255, band, onset / 255)


def build_preparation(cfg: DictConfig, magnifier: Magnifier) -> Preparation:
    """What makes the key frames that ``cfg`` asks for, in its store."""
    return Preparation(Store(cfg.store), instantiate(cfg.align), instantiate(cfg.apex), magnifier.temporal)


def pick_device(accelerator: str) -> torch.device:
    """The device that the Trainer's ``accelerator`` stands for."""
    wants_gpu = accelerator in ("auto", "gpu", "cuda")
    return torch.device("cuda" if wants_gpu and torch.cuda.is_available() else "cpu")


def _train(
    cfg: DictConfig, config: dict[str, Any], index: ClipIndex, maps: FlowMaps, folds: list[Fold], run: RunFolder
) -> None:
    quiet_lightning()
    with run.claims() as claims:
        if run.shared and not run.is_complete:
            pooled = _train_folds(cfg, index, maps, folds, run.folds, FilesTracker(), claims)
        for _ in share_out(["metrics"], lambda _: run.is_settled, claims):
            with tracked(instantiate(cfg.logger), run.path, run.key, config) as tracker:
                # Of several processes the one that pools tells the tracker, all at once; so does one that finds a run
                # whose process was killed between its last file and the tracker's end.
                if run.shared or run.is_complete:
                    for fold in folds:
                        tracker.fold(fold, fold_folder(run.folds, fold), False)
                else:
                    pooled = _train_folds(cfg, index, maps, folds, run.folds, tracker, claims)
                if not run.is_complete:
                    _draw_mistakes(cfg, index, maps, pooled.predictions, run.path / "figures")
                    _write_result(cfg, pooled, list(index.classes), len(folds), run)
                tracker.close(read_run(run.path).metrics, read_predictions(run.path / "predictions.csv"))


def _train_folds(
    cfg: DictConfig,
    index: ClipIndex,
    maps: FlowMaps,
    folds: list[Fold],
    root: Path,
    tracker: Tracker,
    claims: Claiming,
) -> PooledFolds:
    classes = list(index.classes)
    targets = torch.tensor([classes.index(label) for label in index.clips["label"]])
    trained_on: TrainingClips = instantiate(cfg.synthetic).join(classes, maps, targets, folds)
    training = build_training(cfg, trained_on.maps, trained_on.targets, len(classes))
    with progress_bar() as bars, CtrlC() as ctrl_c:
        fold_bar, epoch_bar = Counter(bars, "folds"), Counter(bars, "epochs")
        on_fold = _announce(len(folds), fold_bar, tracker)

        def on_epoch(done: int, total: int) -> None:
            ctrl_c.check()
            epoch_bar(done, total)

        engine = build_engine(cfg, index)
        return run_folds(engine, training, index.clips, classes, trained_on.folds, root, on_fold, on_epoch, claims)


def _write_result(cfg: DictConfig, pooled: PooledFolds, classes: list[str], n_folds: int, run: RunFolder) -> None:
    write_predictions(pooled.predictions, run.path / "predictions.csv")
    scores = score_predictions(pooled.predictions, classes)
    metrics = scores["pooled"] | {
        "classes": classes,
        "per_dataset": scores["datasets"],
        "per_subject": per_subject(pooled.predictions),
        "n_folds": n_folds,
        "seconds": pooled.seconds,
        "seeds": {"run": int(cfg.seed), "folds": dict(pooled.seeds)},
        **provenance(),
        "machine": machine_facts(pick_device(cfg.trainer.accelerator)),
        "command": masked(command_line(), known_secrets()),
    }
    if pooled.diverged:
        metrics[DIVERGED] = dict(pooled.diverged)
        told = ", ".join(f"{name} ({where})" for name, where in pooled.diverged.items())
        say(f"DIVERGED, not a result: no numbers in {told}; lower recognition.optimizer.lr=")
    if pooled.leaky is not None:
        leaky = metrics[LEAKY] = leaky_scores(pooled.leaky, classes)
        told = ", ".join(f"{name} {leaky[name]:.4f} (honest {metrics[name]:.4f})" for name in leaky)
        say(f"LEAKY, best epoch chosen on the test clips, not a result: {told}")
    plot_confusion(np.array(metrics["confusion"]), classes, cfg.name, run.path / "figures" / "confusion.png")
    run.write_json("metrics.json", metrics)


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
        job = job_folder(cfg.sweep_name, HydraConfig.get().job.override_dirname, key)
    return open_run(outputs, key, config, cfg.run_dir, job, shared=cfg.share_run or cfg.worker is not None)


def _resize(maps: FlowMaps, size: int) -> FlowMaps:
    strain = None if maps.strain is None else resize_map(maps.strain, size)
    return FlowMaps(resize_flow(maps.flow, size), strain)
