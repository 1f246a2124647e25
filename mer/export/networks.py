"""Features and networks made from the settings of a file."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor, nn

from mer.build import build_net
from mer.errors import MerError

_REMEDY = "get the file from whoever made it, or let `mer export` write it again"


def build_features(config: DictConfig, where: str) -> nn.Module:
    """What makes the networks' inputs of maps.

    Args:
        config: trusted settings.
        where: names their file in errors.

    Raises:
        MerError: the settings make no features.
    """
    return _made(lambda: instantiate(config.features), f"features in {where}")


def expected_tensors(config: DictConfig, num_classes: int, where: str) -> dict[str, Tensor]:
    """The tensors of the network that ``config`` names, with name, shape and type but without memory.

    So settings that ask for a network larger than the machine cost nothing.

    Raises:
        MerError: the settings make no network.
    """
    with torch.device("meta"):
        return dict(_made(lambda: build_net(config, num_classes), f"model in {where}").state_dict())


def build_networks(config: DictConfig, num_classes: int, tensors: Mapping[str, Tensor], where: str) -> list[nn.Module]:
    """The networks of F folds.

    Args:
        config: trusted settings.
        num_classes: number of classes.
        tensors: name -> ``(F, ...)``, those of :func:`expected_tensors` for each fold.
        where: names the file in errors.
    """
    with torch.random.fork_rng(devices=[]):  # whoever loads a model keeps the random numbers they had
        blank = _made(lambda: build_net(config, num_classes), f"model in {where}")
    nets = []
    for fold in range(len(next(iter(tensors.values())))):
        net = copy.deepcopy(blank)
        net.load_state_dict({name: tensor[fold] for name, tensor in tensors.items()})
        nets.append(net)
    return nets


def _made(make: Callable[[], Any], what: str) -> nn.Module:
    try:
        made = make()
    except MerError:
        raise
    except Exception as error:  # what a constructor raises on settings that are not its own is anything
        raise MerError(f"a valid {what}", " ".join(str(error).split())[:300], _REMEDY) from error
    if not isinstance(made, nn.Module):
        raise MerError(f"a torch module as {what}", type(made).__name__, _REMEDY)
    return made
