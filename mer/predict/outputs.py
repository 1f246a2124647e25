"""Where the results of each video go, without touching anything that is not theirs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mer.errors import MerError


@dataclass(frozen=True)
class Outputs:
    """The files of one video.

    Attributes:
        source: the video.
        lines: JSON lines.
        video: annotated video.
        timeline: PNG.
    """

    source: str
    lines: Path
    video: Path
    timeline: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return self.lines, self.video, self.timeline


def choose_outputs(videos: Sequence[str], out: Path) -> list[Outputs]:
    """The files of each of ``videos`` in the folder ``out``; those of an earlier prediction will be replaced.

    Raises:
        MerError: no videos; two of one name; or a file stands there that no prediction wrote.
    """
    if not videos:
        raise MerError("a video", "none", "mer predict VIDEO... model=FILE out=DIR")
    outputs = [_outputs(video, out) for video in videos]
    names = [one.lines for one in outputs]
    if len(set(names)) < len(names):
        got = ", ".join(sorted({str(name) for name in names if names.count(name) > 1}))
        raise MerError("videos of different names", f"more than one for {got}", "predict them into different out=DIR")
    for one in outputs:
        _require_own(one)
    return outputs


def _outputs(video: str, out: Path) -> Outputs:
    path = Path(video)
    name = path.resolve().name if path.is_dir() else path.stem
    return Outputs(video, *(out / f"{name}{suffix}" for suffix in (".jsonl", ".mp4", ".png")))


def _require_own(outputs: Outputs) -> None:
    there = [file for file in outputs.files if file.exists()]
    if there and not _is_prediction(outputs.lines):
        raise MerError(
            f"free names in {outputs.lines.parent}", f"{there[0]}, which no prediction wrote", "choose another out="
        )


def _is_prediction(lines: Path) -> bool:
    try:
        with lines.open(encoding="utf-8") as opened:
            header = json.loads(opened.readline())
    except (OSError, ValueError):
        return False
    return isinstance(header, dict) and header.get("type") == "header" and "caution" in header
