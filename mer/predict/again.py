"""What makes two predictions of a video the same one, so that a finished one is not made again."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mer
from mer.export import ReleasedModel
from mer.fingerprint import fingerprint
from mer.predict.outputs import Outputs


def prediction_key(source: str, model: str, settings: Mapping[str, Any]) -> str:
    """Fingerprint of all that decides what is found in a video.

    Args:
        source: the video, or the folder of its frames, whose bytes count and not its name.
        model: :func:`model_digest`.
        settings: how movements are found.
    """
    path = Path(source)
    files = sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path]
    frames = [[file.name if path.is_dir() else "", _digest(file)] for file in files if not file.name.startswith(".")]
    return fingerprint({"frames": frames, "model": model, "settings": settings, "mer": mer.__version__})


def model_digest(model: ReleasedModel) -> str:
    """SHA-256 of the networks' weights, and of what decides how they are used and what is told of them."""
    told = [model.classes, model.settings, model.network, model.temperature, model.flip_average, model.card]
    digest = hashlib.sha256(fingerprint(told).encode())
    for net in model.nets:
        for name, tensor in net.state_dict().items():
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def finished_lines(outputs: Outputs, key: str, wanted: Sequence[Path]) -> list[dict[str, Any]] | None:
    """The JSON lines of ``outputs`` where they are those of ``key`` and the files ``wanted`` are there; else None."""
    if not all(file.is_file() for file in (outputs.lines, *wanted)):
        return None
    try:
        lines = [json.loads(line) for line in outputs.lines.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        return None
    is_same = bool(lines) and all(isinstance(line, dict) for line in lines) and lines[0].get("key") == key
    return lines if is_same else None


def remove_pictures(outputs: Outputs) -> None:
    """Remove the video and the timeline of an earlier prediction, so that what stands beside new lines is of them."""
    for file in (outputs.video, outputs.timeline):
        file.unlink(missing_ok=True)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
