"""``python docs/generate/pictures.py demo``: the pictures of README and docs, from what ``make demo`` left there.

The faces are synthetic, made of a portrait in the public domain (mer/synth/README.md).
"""

import io
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from mer.align import EyeCrop, GivenLandmarks
from mer.apex import AnnotatedApex
from mer.datasets import Casme2
from mer.flow import build_flow
from mer.flow.colour import flow_to_rgb
from mer.keyframes import extract_key_frames
from mer.magnify import EulerianMagnifier

OUT = Path(__file__).parents[1] / "pictures"
SHOWN = {"happiness": "corners of the mouth up", "surprise": "brows up"}
SIZE_PX, LARGEST_PX = 224, 4.0
COLOURS = 256  # of the PNGs' palettes, so that they stay small


def path_picture(root: Path) -> Figure:
    """A row a clip: what each step of the path makes of a synthetic face."""
    clips = Casme2(root).load().clips
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    for row, (label, what) in zip(figure.subplots(len(SHOWN), 5), SHOWN.items(), strict=True):
        images = steps(root, strongest(clips[clips.label == label], root))
        for axes, (title, image) in zip(row, images.items(), strict=True):
            axes.imshow(image.clamp(0, 1)[0].permute(1, 2, 0).numpy())
            axes.set(xticks=[], yticks=[])
            axes.set_title(title if label == next(iter(SHOWN)) else "", fontsize="medium")
        row[0].set_ylabel(f"{label}:\n{what}")
    return figure


def strongest(clips: pd.DataFrame, root: Path) -> pd.Series:
    """Of the first subject that has such clips, the one whose true flow is longest."""
    mine = clips[clips.subject == clips.subject.iloc[0]]
    peaks = [_true_flow(root, clip).max() for _, clip in mine.iterrows()]
    return mine.iloc[int(np.argmax(peaks))]


def steps(root: Path, clip: pd.Series) -> Mapping[str, Tensor]:
    """Onset, apex, magnified apex, and the flow from onset to either, as RGB ``(1, 3, H, W)``."""
    magnifier = EulerianMagnifier(alpha=20, lambda_c=16)
    aligner = EyeCrop(GivenLandmarks(root / "landmarks.csv"), size_px=SIZE_PX)
    key = extract_key_frames(clip, aligner, AnnotatedApex(), magnifier.temporal)
    onset, apex = key.onset[None] / 255, key.apex[None] / 255
    magnified = magnifier.magnify(apex, key.band[None])
    flow = build_flow("tvl1")
    return {
        "onset": onset,
        "apex": apex,
        "magnified apex": magnified,
        "flow to the apex": flow_to_rgb(flow(onset, apex), LARGEST_PX),
        "to the magnified": flow_to_rgb(flow(onset, magnified), LARGEST_PX),
    }


def confusion_picture(runs: Path) -> Figure:
    """The demo's confusion matrices, not magnified and magnified, each row as shares of a class's clips."""
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    for axes, choice in zip(figure.subplots(1, 2), ("none", "evm"), strict=True):
        (metrics,) = (json.loads(file.read_text()) for file in runs.glob(f"magnify={choice}-*/metrics.json"))
        image = _draw_confusion(axes, np.array(metrics["confusion"]), metrics["classes"])
        axes.set_title(f"magnify={choice}, UF1 {metrics['uf1']:.2f}")
    figure.colorbar(image, ax=figure.axes, label="share of the class's clips")
    return figure


def save(figure: Figure, name: str) -> None:
    """Write a PNG with a palette."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=100, format="png", facecolor="white")
    OUT.mkdir(exist_ok=True)
    Image.open(buffer).convert("RGB").quantize(COLOURS).save(OUT / name, optimize=True)


def _draw_confusion(axes: Axes, counts: NDArray[np.int64], classes: Sequence[str]) -> AxesImage:
    share = counts / counts.sum(axis=1, keepdims=True)
    image = axes.imshow(share, vmin=0, vmax=1, cmap="cividis")
    for (row, column), value in np.ndenumerate(share):
        text = f"{value:.2f}\n({counts[row, column]})"
        axes.text(column, row, text, ha="center", va="center", color="black" if value > 0.5 else "white")
    axes.set(xlabel="prediction", ylabel="target")
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    return image


def _true_flow(root: Path, clip: pd.Series) -> NDArray[np.float32]:
    flow = np.load(root / "true_flow" / str(clip["subject"]) / f"{clip['clip']}.npy").astype(np.float32)
    return np.asarray(np.hypot(flow[0], flow[1]))


def main(demo: Path) -> None:
    """Write both pictures."""
    save(path_picture(demo / "casme2"), "path.png")
    save(confusion_picture(demo / "outputs" / "demo" / "magnification"), "confusion.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
