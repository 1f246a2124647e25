"""Digests of frames' bytes, computed once a file: what the store's keys are made of."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mer.fingerprint import fingerprint
from mer.frames import frame_state, split_frame_name
from mer.store import Store

_LENGTH = 32


def frame_digests(clip: pd.Series, names: Sequence[str], store: Store) -> list[str]:
    """One digest a frame, of the bytes of its file; for a video of the video and the frame's index.

    They are kept in the store beside the clip, under the files' places, sizes and times, so that files are read for
    this only once.

    Raises:
        MerError: a file is missing.
    """
    states = [(str(Path(split_frame_name(name)[0]).parent.absolute()), *frame_state(name)) for name in names]
    folder = store.path((clip["dataset"], clip["subject"], clip["clip"]), "digests", fingerprint(states))
    path = folder.with_suffix(".json")
    try:
        kept = json.loads(path.read_bytes())
        if isinstance(kept, list) and len(kept) == len(names):
            return [str(digest) for digest in kept]
    except (OSError, ValueError, RecursionError):
        pass
    digests = _compute(names)
    store.write_bytes(path, json.dumps(digests).encode())
    return digests


def _compute(names: Sequence[str]) -> list[str]:
    files = list(dict.fromkeys(split_frame_name(name)[0] for name in names))
    by_file = {file: _file_digest(file) for file in files}  # in turn: clips are prepared side by side
    splits = [split_frame_name(name) for name in names]
    return [by_file[file] if index is None else f"{by_file[file]}#{index}" for file, index in splits]


def _file_digest(file: str) -> str:
    with Path(file).open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()[:_LENGTH]
