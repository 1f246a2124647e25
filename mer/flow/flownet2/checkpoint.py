"""FlowNet 2.0's published weights: found, read without running anything from the file, checked tensor by tensor.

NVIDIA's checkpoint, converted from the authors' Caffe model, and ptlflow's have the same names and shapes, so one set
of conventions, NVIDIA's, serves both. A file that holds these tensors alone, pickled by torch or as safetensors, is
read as well.
"""

import hashlib
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from mer.errors import MerError
from mer.files import unpacked_bytes

# As NVIDIA and ptlflow name them; looked for in torch's folder of checkpoints, where ptlflow puts its own.
PUBLISHED_NAMES = ("FlowNet2_checkpoint.pth.tar", "flownet2-things-d63b53a7.ckpt")
_WHAT = "FlowNet 2.0's weights"
_REMEDY = (
    f"download {PUBLISHED_NAMES[0]} (650 MB) from where https://github.com/NVIDIA/flownet2-pytorch links it and set "
    "flow.weights=FILE; it is licensed for research alone, without redistribution: cite Ilg et al. 2017"
)
_ANCHOR = "flownetc.conv1.0.weight"  # every file of the whole stack has it, whatever stands before its names
_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")
_DIGITS = 16


def find_weights(path: str | None) -> Path:
    """The weights' file: ``path``, or where that is None a published file in ``$TORCH_HOME/hub/checkpoints``.

    Raises:
        MerError: there is none; says where to get it and under what licence.
    """
    if path is not None:
        given = Path(path).expanduser()
        if given.is_file():
            return given
        raise MerError(_WHAT, f"no file {given}", _REMEDY)
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    for name in PUBLISHED_NAMES:
        if (folder / name).is_file():
            return folder / name
    raise MerError(_WHAT, f"flow.weights=null and no {' or '.join(PUBLISHED_NAMES)} in {folder}", _REMEDY)


def file_digest(file: Path) -> str:
    """First digits of the SHA-256 of the file's bytes."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()[:_DIGITS]


def load_weights(network: nn.Module, file: Path) -> nn.Module:
    """Give ``network`` the file's tensors, strictly: each of its own, of its shape, and none besides.

    The tensors take the place of the network's own, so that one on the meta device costs nothing before, and they are
    read from the disk only when they are used, where the file's format allows it.

    Raises:
        MerError: the file cannot be read safely, or its tensors are others; says which.
    """
    tensors = _without_prefix(_read(file))
    difference = _difference(network.state_dict(), tensors)
    if difference:
        raise MerError(_WHAT, f"{file} {difference}", _REMEDY)
    network.load_state_dict(tensors, strict=True, assign=True)
    return network.requires_grad_(False)


def _read(file: Path) -> Mapping[str, Tensor]:
    content = _read_safetensors(file) if file.suffix == ".safetensors" else _read_pickle(file)
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(map(_is_named_tensor, content.items())):
        raise MerError(_WHAT, f"{file}, which holds no table of tensors by name", _REMEDY)
    return content


def _is_named_tensor(item: tuple[object, object]) -> bool:
    return isinstance(item[0], str) and isinstance(item[1], Tensor)


def _read_safetensors(file: Path) -> object:
    try:
        return safetensors.torch.load_file(file)
    except (SafetensorError, OSError) as error:
        raise MerError(_WHAT, f"{file}, which is no safetensors file ({error})", _REMEDY) from error


def _read_pickle(file: Path) -> object:
    """What ``torch.load`` finds with nothing but tensors, numbers, strings and their containers allowed."""
    if unpacked_bytes(file) > file.stat().st_size:  # torch packs without compressing
        raise MerError(_WHAT, f"{file}, which is compressed", _REMEDY)
    try:
        return torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file))
    except pickle.UnpicklingError as error:
        named = _GLOBAL.search(str(error))
        if named is None:
            raise _unreadable(file, error) from error
        convert = "torch.save({'state_dict': torch.load(FILE, weights_only=False)['state_dict']}, 'flownet2.pth')"
        raise MerError(
            f"{_WHAT} and nothing that runs code when it is read",
            f"{file}, which asks for {named[1]}",
            f"get it from its publisher or, if you trust this file, convert it in Python by {convert}",
        ) from error
    except Exception as error:  # what torch.load raises on a file of another kind is anything
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> MerError:
    got = f"{file}, which is cut off or no file of tensors ({type(error).__name__}): a web page that was saved for it?"
    return MerError(_WHAT, got, _REMEDY)


def _without_prefix(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names as the network has them, where a wrapper such as ``module.`` or ``model.`` stands before all of them."""
    prefix = next((name.removesuffix(_ANCHOR) for name in tensors if name.endswith(_ANCHOR)), "")
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}


def _difference(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str | None:
    """How the tensors found differ from those expected, in words; None where they can take their place."""
    absent, foreign = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if absent:
        return f"without {len(absent)} of {len(expected)} tensors, the first {absent[0]}"
    if foreign:
        return f"with {len(foreign)} tensors besides, the first {foreign[0]}"
    for name, tensor in found.items():
        own = expected[name]
        if tensor.shape != own.shape or not tensor.is_floating_point():
            return f"with {name} of {tensor.dtype} {tuple(tensor.shape)} instead of {own.dtype} {tuple(own.shape)}"
    return None
