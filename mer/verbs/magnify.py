"""``mer magnify VIDEO... alpha=20 out=DIR``: the magnified video beside the original."""

import json
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig

from mer.errors import MerError, require_number
from mer.hydra_app import run_hydra
from mer.magnify.video import MagnifiedVideo, magnify_video
from mer.progress import Counter, progress_bar

_SHORT = re.compile(r"(alpha|lambda_c|chroma_attenuation|matlab|temporal\.\w+)=")


def main(arguments: Sequence[str]) -> None:
    """Compose ``magnify.yaml`` with the words that are no videos, and magnify the videos."""
    videos = [word for word in arguments if _is_video(word)]
    words = [_SHORT.sub(r"magnify.\1=", word, count=1) if _SHORT.match(word) else word for word in arguments]
    run_hydra("magnify", partial(magnify, videos=videos), [word for word in words if word not in videos])


def magnify(cfg: DictConfig, videos: Sequence[str]) -> None:
    """Write each video's magnified twin and say where it lies."""
    files = _files(videos, Path(cfg.out))
    memory_gb = require_number("memory_gb", cfg.memory_gb, 0)
    device = torch.device(cfg.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    magnifier = instantiate(cfg.magnify).to(device)
    written = []
    with progress_bar() as bars:
        for video, file in zip(videos, files, strict=True):
            on_frame = Counter(bars, f"frames of {Path(video).name}")
            written.append(magnify_video(video, file, magnifier, device, memory_gb, on_frame))
            if not cfg.json:
                print(_line(written[-1]))
    if cfg.json:
        print(json.dumps([vars(one) for one in written], indent=2))


def _is_video(word: str) -> bool:
    return Path(word).exists() or not ("=" in word or word.startswith(("-", "~", "+")))


def _files(videos: Sequence[str], out: Path) -> list[Path]:
    files = [out / f"{Path(video).stem}_magnified.mp4" for video in videos]
    if not files:
        raise MerError("a video", "none", "mer magnify VIDEO alpha=20 out=DIR")
    if len(set(files)) < len(files):
        got = ", ".join(sorted({str(file) for file in files if files.count(file) > 1}))
        raise MerError("videos of different names", f"more than one for {got}", "magnify them into different out=DIR")
    return files


def _line(one: MagnifiedVideo) -> str:
    bound = (
        "" if one.beyond_bound is None else f"; {one.beyond_bound:.0%} of the added motion is beyond lambda/8 (eq. 5)"
    )
    return f"{one.file}: {one.frames} frames of {one.width}x{one.height} at {one.fps:g} fps, original left{bound}"
