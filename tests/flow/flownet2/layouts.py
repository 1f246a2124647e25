"""Files that hold one table of tensors in each layout in which FlowNet 2.0's weights are passed on."""

import io
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import safetensors.torch
import torch
from torch import Tensor

Tensors = Mapping[str, Tensor]
Write = Callable[[Tensors, Path], Path]
_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C  # of torch's format before 1.6
_FORMAT_VERSION = 1001


def as_nvidia(tensors: Tensors, folder: Path) -> Path:
    """As NVIDIA's converter wrote it: Python 2.7 and torch 0.2, byte strings, one storage after the other."""
    file = folder / "FlowNet2_checkpoint.pth.tar"
    content = io.BytesIO()
    pickler = _Python2Pickler(content, protocol=2)
    pickler.dump({"epoch": 0, "state_dict": OrderedDict(tensors), "best_EPE": 1e10})
    sizes = {"short": 2, "int": 4, "long": 8}
    with file.open("wb") as opened:
        about = {"protocol_version": _FORMAT_VERSION, "little_endian": True, "type_sizes": sizes}
        for head in (_MAGIC_NUMBER, _FORMAT_VERSION, about):
            _Python2Pickler(opened, protocol=2).dump(head)
        opened.write(content.getvalue())
        _Python2Pickler(opened, protocol=2).dump(list(pickler.storages))
        for tensor in pickler.storages.values():
            opened.write(struct.pack("<q", tensor.numel()) + tensor.numpy().tobytes())
    return file


def as_ptlflow(tensors: Tensors, folder: Path) -> Path:
    """As Lightning writes the checkpoint of ptlflow's model."""
    file = folder / "flownet2-things-d63b53a7.ckpt"
    torch.save(
        {
            "epoch": 0,
            "global_step": 0,
            "pytorch-lightning_version": "1.1.3",
            "hyper_parameters": {"div_flow": 20.0, "batch_norm": False, "train_size": None},
            "state_dict": OrderedDict(tensors),
        },
        file,
    )
    return file


def as_state_dict(tensors: Tensors, folder: Path) -> Path:
    torch.save(dict(tensors), folder / "flownet2.pth")
    return folder / "flownet2.pth"


def as_wrapped(tensors: Tensors, folder: Path) -> Path:
    """Out of a model inside ``DataParallel``."""
    torch.save({"state_dict": {f"module.{name}": one for name, one in tensors.items()}}, folder / "wrapped.pth")
    return folder / "wrapped.pth"


def as_safetensors(tensors: Tensors, folder: Path) -> Path:
    safetensors.torch.save_file(dict(tensors), folder / "flownet2.safetensors")
    return folder / "flownet2.safetensors"


LAYOUTS: tuple[Write, ...] = (as_nvidia, as_ptlflow, as_state_dict, as_wrapped, as_safetensors)


class _Python2Pickler(pickle._Pickler):  # type: ignore[name-defined]
    """Writes ``str`` as Python 2 did, and tensors as torch did before version 0.4."""

    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def __init__(self, file: Any, protocol: int) -> None:
        super().__init__(file, protocol)
        self.storages: dict[str, Tensor] = {}

    def save_str(self, text: str) -> None:
        data = text.encode()
        self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data)
        self.memoize(text)

    dispatch[str] = save_str

    def reducer_override(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return NotImplemented
        return torch._utils._rebuild_tensor, (_Storage(value), 0, tuple(value.shape), tuple(value.stride()))

    def persistent_id(self, value: Any) -> Any:
        if not isinstance(value, _Storage):
            return None
        key = str(len(self.storages))
        self.storages[key] = value.tensor
        return "storage", torch.FloatStorage, key, "cpu", value.tensor.numel(), None


class _Storage:
    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
