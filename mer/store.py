"""The store: prepared tensors on disk, named by what they depend on, written whole or not at all."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from mer.files import atomic_file


class Store:
    """Files ``<root>/<dataset>/<step>/<key>.safetensors``.

    A key is a fingerprint of the inputs and settings of its step, so a file is never out of date: other settings are
    another file.

    Args:
        root: folder of the store; made on first use.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).expanduser()

    def path(self, dataset: str, step: str, key: str) -> Path:
        """Where a key is kept."""
        return self.root / dataset / step / f"{key}.safetensors"

    def read(self, path: Path) -> dict[str, Tensor] | None:
        """The tensors at ``path``; None where there is no whole file, which is then to be made (again)."""
        try:
            return load_file(path)
        except FileNotFoundError:
            return None
        except SafetensorError:
            path.unlink()
            return None

    def write(self, path: Path, tensors: Mapping[str, Tensor]) -> None:
        """Write ``tensors`` so that ``path`` holds all of them or does not exist.

        Raises:
            MerError: the folder cannot be written.
        """
        with atomic_file(path) as temporary:
            temporary.write_bytes(save({name: tensor.contiguous() for name, tensor in tensors.items()}))
