"""A finished run read back: its settings, and the networks of its folds."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig
from safetensors import SafetensorError
from safetensors.torch import load_file

from mer.build import build_net, is_network
from mer.errors import MerError
from mer.recognition import MicroExpressionModule
from mer.runs import read_run
from mer.trusted import trusted_config


@dataclass(frozen=True)
class RunFold:
    """A fold that a run keeps.

    Attributes:
        name: the fold's: under LOSO ``<dataset>-<subject>`` of the subject left out.
        folder: holds its weights, and ``predictions.csv`` of the clips that it has not seen.
    """

    name: str
    folder: Path

    @property
    def weights(self) -> Path:
        """The network's weights after the last epoch, safetensors."""
        return self.folder / "model.safetensors"


@dataclass(frozen=True)
class TrainedRun:
    """A finished run of a network.

    Attributes:
        path: the run's folder.
        config: its settings, of which all that may be made is mer's own or vouched for.
        classes: names of the classes, in the order of the logits.
        folds: in the order of their names.
    """

    path: Path
    config: DictConfig
    classes: tuple[str, ...]
    folds: tuple[RunFold, ...]

    def fold(self, name: str) -> RunFold:
        """The fold of that name.

        Raises:
            MerError: there is none.
        """
        for fold in self.folds:
            if fold.name == name:
                return fold
        raise MerError(f"a fold of {self.path} ({self.folds[0].name}, ...)", name, "choose one of its folds")

    def module(self, fold: RunFold) -> MicroExpressionModule:
        """The module of ``fold`` with its weights, in eval mode.

        Raises:
            MerError: the file cannot be read, or its weights are not those of the settings' network.
        """
        net = build_net(self.config, len(self.classes))
        try:
            net.load_state_dict(load_file(fold.weights))
        except (OSError, SafetensorError, RuntimeError) as error:
            got = f"{fold.weights}: {' '.join(str(error).split())}"
            raise MerError(f"weights of the network of {self.path}", got, "let `mer train` train the fold") from error
        features = instantiate(self.config.features)
        optimizer = instantiate(self.config.recognition.optimizer)
        flip_average = bool(self.config.recognition.get("flip_average", False))
        return MicroExpressionModule(net, features, optimizer, len(self.classes), flip_average=flip_average).eval()


def load_run(path: Path, trusted: Collection[str] = ()) -> TrainedRun:
    """The finished run in the folder ``path``.

    Args:
        path: the run's folder.
        trusted: dotted names of the user's own classes in its settings.

    Raises:
        MerError: it is not finished, not a network's, or names what mer does not offer.
    """
    run = read_run(path)
    config = trusted_config(dict(run.config), str(path / "config.yaml"), trusted)
    try:
        has_network = is_network(config.model)
        classes = tuple(str(name) for name in run.metrics["classes"])
        folds = tuple(_read_fold(folder) for folder in sorted((path / "folds").iterdir()) if folder.name[0] != ".")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MerError("a finished run's folder", f"{path}: {error}", "let `mer train` finish it") from error
    if not has_network:
        raise MerError(
            "a run that trained a network", f"{config.model._target_} in {path}", "choose a run of another model="
        )
    if len(folds) != run.metrics["n_folds"]:
        got = f"{len(folds)} of {run.metrics['n_folds']} in {path}"
        raise MerError("all folds of the run", got, "let `mer train` train the others")
    return TrainedRun(path, config, classes, folds)


def _read_fold(folder: Path) -> RunFold:
    return RunFold(str(json.loads((folder / "metrics.json").read_text())["subject"]), folder)
