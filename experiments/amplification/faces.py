"""Measured amplification of synthetic faces whose true flow is known, against (1 + alpha) displacement."""

import argparse
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch import Tensor

from mer.align.crop import eye_transform
from mer.flow import build_flow
from mer.magnify import EulerianMagnifier
from mer.synth.casme2 import Casme2Layout
from mer.synth.clips import Clip, make_clip, to_grey
from mer.synth.emotions import emotion_order
from mer.synth.identity import make_subject
from mer.synth.pose import subject_pose
from mer.synth.render import enlarge, warp_neutral
from mer.synth.settings import Settings

SIZE_PX = 224
MARGIN_PX = 16  # not measured: the pyramid mirrors at the border
SUBJECTS, CLIPS_EACH = 3, 2
ALPHAS = (5.0, 20.0, 40.0)
LAMBDAS_C = (0.0, 6.0, 16.0)  # 0: every level gets alpha; 6 px: all but the outer ones do; 16 px is the paper's
REACHES_PX = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)  # (1 + alpha) times the clip's longest displacement
BLURS_PX = (0.0, 2.0, 4.0)  # of the face, so that its texture gets longer
BY_FLOW = {"alphas": (20.0,), "reaches_px": (0.5, 2.0), "blurs_px": (0.0, 4.0)}  # a clip a subject: it takes seconds
SETTINGS = Settings(subjects=SUBJECTS, clips_per_subject=CLIPS_EACH, noise_grey=0.0)

LAYOUT = Casme2Layout()

Floats = NDArray[np.float32]


def clips_and_faces() -> Iterator[tuple[str, Clip, Floats]]:
    """Name, clip and enlarged grey face of every clip, as ``mer synth`` makes them."""
    for number in range(1, SUBJECTS + 1):
        subject = make_subject(np.random.SeedSequence(SETTINGS.seed, spawn_key=(number,)))
        rng = np.random.default_rng(np.random.SeedSequence(SETTINGS.seed, spawn_key=(number, 0)))
        usual, names = subject_pose(rng, SETTINGS.head_variation), emotion_order(LAYOUT.emotions, CLIPS_EACH, rng)
        face = enlarge(to_grey(subject.neutral))
        for at in range(1, CLIPS_EACH + 1):
            of_clip = np.random.default_rng(np.random.SeedSequence(SETTINGS.seed, spawn_key=(number, at)))
            choice = (names[at - 1], LAYOUT.emotions[names[at - 1]])
            clip = make_clip(subject, usual, choice, at, SETTINGS, LAYOUT.fps, LAYOUT.onsets, of_clip)
            yield f"sub{number:02}/{at}", clip, face


class Crop:
    """The aligned crop of a clip, drawn straight from the face: no frame's pixels between, no camera, no file."""

    def __init__(self, clip: Clip, face: Floats, blur_px: float) -> None:
        to_crop = eye_transform(clip.landmarks, SIZE_PX, 0.42, 0.35).astype(np.float32)
        whole = np.eye(3, dtype=np.float32)
        whole[:2] = clip.affine
        self.affine = np.asarray(to_crop @ whole, np.float32)
        scale = float(np.sqrt(abs(np.linalg.det(self.affine[:, :2]))))
        sigma = 4 * blur_px / scale
        self.face = np.asarray(cv2.GaussianBlur(face, (0, 0), sigma), np.float32) if blur_px else face
        flow = clip.motion.flow(clip.motion.apex)
        moved = [np.asarray(cv2.warpAffine(axis, to_crop, (SIZE_PX, SIZE_PX))) for axis in flow]
        flow_px = np.einsum("dc,chw->dhw", to_crop[:, :2], np.stack(moved))
        self.flow = np.asarray(flow_px / np.linalg.norm(flow_px, axis=0).max(), np.float32)  # longest displacement 1 px

    def frame(self, longest_px: float) -> Tensor:
        """The face moved so far, ``(1, 3, S, S)`` in [0, 1]."""
        image = warp_neutral(self.face, np.float32(longest_px) * self.flow, self.affine) / 255
        return torch.from_numpy(image).expand(1, 3, -1, -1).contiguous()


class Region:
    """The moving part of a crop, each px weighted by its squared slope along the true motion.

    Attributes:
        wavelength_px: of the texture: 2 pi times its mean square slope over its mean square curvature, to the root.
    """

    def __init__(self, crop: Crop) -> None:
        length = np.linalg.norm(crop.flow, axis=0)
        inner = np.zeros_like(length, bool)
        inner[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX] = True
        self.mask = inner & (length > 0.5)
        self._unit = crop.flow / np.maximum(length, 1e-6)
        slope = self._along(crop.frame(0)[0, 0].numpy())
        curvature = self._along(slope)[self.mask]
        self.length, self.weight = length[self.mask], slope[self.mask] ** 2
        self.wavelength_px = 2 * np.pi * float(np.sqrt(self.weight.sum() / (curvature**2).sum()))

    def by_fit(self, magnified: Tensor, crop: Crop, true_px: float) -> float:
        """Displacement, over the true one, at which the face drawn there comes closest to ``magnified``."""
        seen = magnified[0, 0].numpy()[self.mask]

        def rest(ratio: float) -> float:
            return float(((crop.frame(ratio * true_px)[0, 0].numpy()[self.mask] - seen) ** 2).sum())

        return float(minimize_scalar(rest, bounds=(0, 1.5), method="bounded", options={"xatol": 1e-3}).x)

    def by_flow(self, flow: Tensor, true_px: float) -> float:
        """Length of ``flow`` ``(2, S, S)`` along the true motion, over the true one, weighted least squares."""
        along = (flow.numpy() * self._unit).sum(axis=0)[self.mask]
        return float((self.weight * self.length * along).sum() / (self.weight * self.length**2).sum() / true_px)

    def _along(self, image: Floats) -> Floats:
        down, across = np.gradient(image)
        return np.asarray(across * self._unit[0] + down * self._unit[1], np.float32)


def measure() -> Iterator[dict[str, object]]:
    """One row a clip, blur, lambda_c, alpha and reach; ``by_flow`` where TV-L1 was run, of the true frame too."""
    flow = build_flow("tvl1")
    for name, clip, face in clips_and_faces():
        for blur_px in BLURS_PX:
            crop = Crop(clip, face, blur_px)
            region = Region(crop)
            case = {"clip": name, "blur_px": blur_px, "wavelength_px": region.wavelength_px}
            for reach_px in REACHES_PX:
                by_flow = clip.number == 1 and reach_px in BY_FLOW["reaches_px"] and blur_px in BY_FLOW["blurs_px"]
                truth = region.by_flow(flow(crop.frame(0), crop.frame(reach_px))[0], reach_px) if by_flow else None
                for alpha, lambda_c in product(ALPHAS, LAMBDAS_C):
                    onset, apex = crop.frame(0), crop.frame(reach_px / (1 + alpha))
                    magnified = magnify(apex, apex - onset, alpha, lambda_c)
                    row: dict[str, object] = {"alpha": alpha, "lambda_c": lambda_c, "reach_px": reach_px}
                    row |= {"reach_wavelengths": reach_px / region.wavelength_px}
                    row |= {"ratio_by_fit": region.by_fit(magnified, crop, reach_px)}
                    if by_flow and alpha in BY_FLOW["alphas"]:
                        row |= {"ratio_by_flow": region.by_flow(flow(onset, magnified)[0], reach_px)}
                        row |= {"ratio_by_flow_of_the_truth": truth}
                    yield case | row


def magnify(frame: Tensor, band: Tensor, alpha: float, lambda_c: float) -> Tensor:
    """Eulerian magnification, or for ``lambda_c`` 0 its first order alone, without a pyramid and its gains."""
    if not lambda_c:
        return frame + alpha * band
    return EulerianMagnifier(alpha, lambda_c).magnify(frame, band)


def plot(table: pd.DataFrame, file: Path) -> None:
    """Ratio against reach over wavelength: a panel a lambda_c, a colour a blur, a mark a clip and alpha."""
    figure, axes = plt.subplots(1, len(LAMBDAS_C), figsize=(14, 4), sharey=True)
    for axis, (lambda_c, rows) in zip(axes, table.groupby("lambda_c"), strict=True):
        for blur_px, some in rows.groupby("blur_px"):
            lengths = some["wavelength_px"]
            label = f"face blurred by {blur_px:g} px: texture of {lengths.min():.0f} to {lengths.max():.0f} px"
            axis.plot(some["reach_wavelengths"], some["ratio_by_fit"], ".", label=label)
        flow = rows.dropna(subset="ratio_by_flow")
        share = flow["ratio_by_flow"] / flow["ratio_by_flow_of_the_truth"]
        axis.plot(flow["reach_wavelengths"], share, "kx", label="by TV-L1, over TV-L1 of the true frame")
        reach = np.geomspace(0.004, 0.6, 200)
        axis.plot(reach, np.arctan(2 * np.pi * reach) / (2 * np.pi * reach), "k:", label="one wave: arctan(x) / x")
        axis.axvline(1 / 8, color="k", lw=0.8)
        axis.axhspan(0.9, 1.1, color="k", alpha=0.07)
        axis.set(
            title=f"lambda_c {lambda_c:g} px" if lambda_c else "every level times alpha", xscale="log", ylim=(0, 1.4)
        )
        axis.set_xlabel("(1 + alpha) displacement / wavelength of the texture")
        axis.text(1 / 8, 0.05, " eq. 5: 1/8")
    axes[0].set_ylabel("measured / (1 + alpha) displacement")
    axes[0].legend(fontsize="x-small", loc="lower left", bbox_to_anchor=(0, 0.1))
    figure.tight_layout()
    figure.savefig(file, dpi=100)


def main() -> None:
    """Write faces.csv and faces.png, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    out = parser.parse_args().out
    table = pd.DataFrame(measure())
    table.to_csv(out / "faces.csv", index=False, float_format="%.4g", lineterminator="\n")
    plot(table, out / "faces.png")
    ratios = ["wavelength_px", "ratio_by_fit", "ratio_by_flow", "ratio_by_flow_of_the_truth"]
    print(table.groupby(["lambda_c", "blur_px", "reach_px"])[ratios].median().round(3).to_string())


if __name__ == "__main__":
    main()
