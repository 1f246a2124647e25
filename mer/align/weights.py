"""Weights of published networks: a local file, torch's own folder of checkpoints, or fetched into it."""

import hashlib
import sys
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import TypeVar

import torch
from torch import nn

from mer.errors import MerError
from mer.files import unpacked_bytes
from mer.progress import say

_SHOWN_DIGITS = 10
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class PublishedWeights:
    """Weights that their authors publish.

    Attributes:
        what: what they are, for messages.
        url: where they are; the file's name ends in the first digits of its SHA-256, as torch.hub names files.
        remedy: what a user without them can do.
    """

    what: str
    url: str
    remedy: str

    @property
    def file(self) -> Path:
        """Where torch.hub keeps them: ``$TORCH_HOME/hub/checkpoints``."""
        return Path(torch.hub.get_dir()) / "checkpoints" / PurePosixPath(self.url).name

    @property
    def digest(self) -> str:
        """First digits of the SHA-256 of their file."""
        return PurePosixPath(self.url).name.split("-")[-1].split(".")[0]

    def error(self, got: str) -> MerError:
        """The one line for whatever keeps them from being used."""
        return MerError(self.what, got, self.remedy)


def load_weights(published: PublishedWeights, path: str | None, network: Network) -> Network:
    """Load ``network`` from ``path``; or, where it is None, from the published file, fetched where it is not there.

    Nothing but tensors is unpickled.

    Raises:
        MerError: there is no such file and none can be fetched, or its content is another.
    """
    file = Path(path).expanduser() if path else _published_file(published)
    if not file.is_file():
        raise published.error(f"no file {file}")
    if unpacked_bytes(file) > file.stat().st_size:  # torch packs without compressing
        raise published.error(f"{file}, which is compressed")
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch.load raises on a file of another kind is anything
        raise published.error(f"{file}, which is no file of tensors ({type(error).__name__})") from error
    try:
        network.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise published.error(f"{file}, whose tensors are not those of {type(network).__name__}") from error
    return network


def weights_state(published: PublishedWeights, path: str | None) -> str | None:
    """First digits of the SHA-256 of the weights that ``load_weights`` would load; None where ``path`` is no file."""
    if path is None:
        return published.digest
    file = Path(path).expanduser()
    return _sha256(file)[: len(published.digest)] if file.is_file() else None


def _published_file(published: PublishedWeights) -> Path:
    file = published.file
    if not file.is_file():
        _fetch(published, file)
    elif not (found := _sha256(file)).startswith(published.digest):
        raise published.error(f"{file} with another content (SHA-256 {found[:_SHOWN_DIGITS]}...), which may be cut off")
    return file


def _fetch(published: PublishedWeights, file: Path) -> None:
    say(f"fetching {published.url} to {file.parent}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(published.url, str(file), published.digest, progress=sys.stderr.isatty())
    except (OSError, RuntimeError, HTTPException) as error:  # RuntimeError: its SHA-256 is another
        raise published.error(f"no file {file}, and it cannot be fetched: {error}") from error


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
