"""A released model's file: one safetensors file, of which nothing is run and nothing believed unchecked.

Each tensor of the network stands there once, the folds along its first dimension. The file's one piece of metadata,
``mer_model``, is JSON of the form :data:`MODEL`; with several, safetensors would put them in an order of chance.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mer.errors import MerError
from mer.export.card import model_card
from mer.export.evidence import CARD
from mer.export.model import ReleasedModel
from mer.export.networks import build_features, build_networks, expected_tensors
from mer.export.settings import GROUPS, NETWORK, portable
from mer.files import atomic_file
from mer.metrics.calibration import HIGHEST, LOWEST
from mer.schema import Plain, parse
from mer.trusted import trusted_config

SCHEMA_VERSION = 2
MODEL = {
    "schema": int,
    "classes": [str],
    "folds": int,
    "temperature": float,
    "flip_average": bool,
    "settings": {name: {str: Plain} for name in (*GROUPS, NETWORK)},
    "card": CARD,
    "model_card": [str],  # the same in Markdown, line by line, for people
}
_MOST_HEADER_BYTES = 16 * 1024**2
_MOST_CLASSES = 1000
_WHAT = "a model that `mer export` wrote"
_REMEDY = "get the file from whoever made it, or let `mer export` write it again"


def write_model(model: ReleasedModel, path: Path) -> None:
    """Write ``model``, whole or not at all; equal models are equal files.

    Raises:
        MerError: the folder cannot be written.
    """
    states = [net.state_dict() for net in model.nets]
    tensors = {name: torch.stack([state[name].cpu() for state in states]) for name in states[0]}
    content = {
        "schema": SCHEMA_VERSION,
        "classes": list(model.classes),
        "folds": model.n_folds,
        "temperature": model.temperature,
        "flip_average": model.flip_average,
        "settings": {**model.settings, NETWORK: model.network},
        "card": model.card,
        "model_card": model_card(model).splitlines(),
    }
    metadata = {"mer_model": json.dumps(content, ensure_ascii=False)}
    parse(metadata["mer_model"], MODEL, "metadata")
    with atomic_file(path) as temporary:
        save_file(tensors, temporary, metadata)


def load_model(path: str | Path, trusted: Collection[str] = ()) -> ReleasedModel:
    """The model in the file ``path``.

    Args:
        path: what `mer export` wrote.
        trusted: dotted names of classes beside mer's own that the user vouches for.

    Raises:
        MerError: no such file; another content; settings that name what mer does not offer; tensors that are not
            those of its network.
    """
    file = Path(path).expanduser()
    _require_small_header(file)
    try:
        with safe_open(file, "pt") as opened:
            content = _read_content(opened.metadata() or {}, file)
            config = _trusted_settings(content["settings"], file, trusted)
            expected = expected_tensors(config, len(content["classes"]), str(file))
            _require_shapes(opened, expected, content["folds"], file)
            tensors = {name: opened.get_tensor(name) for name in expected}
    except (SafetensorError, OSError) as error:
        raise _refuse(file, str(error)) from error
    _require_finite(tensors, file)
    settings = content["settings"]
    return ReleasedModel(
        tuple(content["classes"]),
        {name: settings[name] for name in GROUPS},
        settings[NETWORK],
        content["temperature"],
        content["card"],
        build_features(config, str(file)),
        tuple(build_networks(config, len(content["classes"]), tensors, str(file))),
        content["flip_average"],
    )


def _require_small_header(file: Path) -> None:
    """Refuse a header that nothing of mer's needs, before anyone reads it."""
    if not file.is_file():
        raise MerError(_WHAT, f"no file {file}", "give model=FILE, or run=DIR of a finished run")
    with file.open("rb") as opened:
        size = int.from_bytes(opened.read(8), "little")
    if size > min(_MOST_HEADER_BYTES, file.stat().st_size):
        raise _refuse(file, "its first bytes tell of no safetensors header")


def _read_content(metadata: Mapping[str, str], file: Path) -> dict[str, Any]:
    if "mer_model" not in metadata:
        raise _refuse(file, "it has no metadata of mer's")
    # Its version first: another one may have another form.
    version = parse(metadata["mer_model"], {str: Plain}, f"metadata of {file}").get("schema")
    if version != SCHEMA_VERSION:
        raise MerError(f"a model file of schema {SCHEMA_VERSION}", f"{version!r} in {file}", "install the mer it is of")
    content: dict[str, Any] = parse(metadata["mer_model"], MODEL, f"metadata of {file}")
    classes = content["classes"]
    if not 2 <= len(classes) <= _MOST_CLASSES or len(set(classes)) < len(classes):
        raise _refuse(file, "its classes are fewer than two, too many, or not distinct")
    if content["folds"] < 1 or not LOWEST <= content["temperature"] <= HIGHEST:
        raise _refuse(file, f"folds {content['folds']}, temperature {content['temperature']}")
    return content


def _trusted_settings(settings: Mapping[str, Any], file: Path, trusted: Collection[str]) -> DictConfig:
    if portable(settings) != settings:
        raise _refuse(file, "its settings hold a path")
    return trusted_config(dict(settings), str(file), trusted)


def _require_shapes(opened: Any, expected: Mapping[str, Tensor], folds: int, file: Path) -> None:
    """Compare what the header tells of each tensor, before one is read."""
    names = set(opened.keys())
    if not expected or names != expected.keys():
        odd = sorted(names ^ expected.keys())
        raise _refuse(file, f"{len(odd)} tensors too many or too few for its network, such as {odd[:1]}")
    for name, tensor in expected.items():
        told = opened.get_slice(name)
        shape = [folds, *tensor.shape]
        if told.get_shape() != shape or told.get_dtype() != _TYPES.get(tensor.dtype):
            raise _refuse(file, f"{name} is {told.get_dtype()} {told.get_shape()}, not {tensor.dtype} {shape}")


_TYPES = {torch.float32: "F32", torch.int64: "I64", torch.bool: "BOOL"}


def _require_finite(tensors: Mapping[str, Tensor], file: Path) -> None:
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise _refuse(file, f"{name} holds values that are no numbers")


def _refuse(file: Path, reason: str) -> MerError:
    return MerError(_WHAT, f"{file}: {' '.join(reason.split())}", _REMEDY)
