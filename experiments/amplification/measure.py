"""Measured amplification of a texture whose true displacement is known, against (1 + alpha) displacement."""

import argparse
import math
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from mer.magnify import IIR, EulerianMagnifier

SIZE_PX = 256
MARGIN_PX = 48  # not measured: the pyramid mirrors at the border, a translation does not
LAMBDAS_C = (6.0, 16.0)  # at 6 px every level but the outer ones gets alpha; 16 px is the paper's
WAVELENGTHS_PX = (16.0, 24.0, 32.0)
ALPHAS = (5.0, 10.0, 20.0, 40.0)
REACHES = (0.01, 0.02, 0.04, 0.06, 0.08, 0.09, 0.1, 0.11, 0.125, 0.15, 0.175, 0.2, 0.25, 0.3, 0.4)
ALL_OF_IT = IIR(1.0, 1e-7)  # the band is x_n - x_0, so that the truth is (1 + alpha) displacement
TEMPORAL = {"difference": ALL_OF_IT, "IIR(0.4, 0.05)": IIR()}
FRAMES = 20


def grating(wavelength_px: float) -> Tensor:
    """``(1, 3)``: amplitude, cycles a px across, phase of one wave."""
    return torch.tensor([[0.02, 1 / wavelength_px, 0.3]], dtype=torch.float64)


def texture(wavelength_px: float) -> Tensor:
    """``(48, 3)``: waves of all lengths from ``wavelength_px`` to its double, amplitude as the wavelength."""
    generator = torch.Generator().manual_seed(0)
    lengths_px = wavelength_px * 2 ** torch.rand(48, dtype=torch.float64, generator=generator)
    phases = 2 * math.pi * torch.rand(48, dtype=torch.float64, generator=generator)
    return torch.stack([0.004 * lengths_px / wavelength_px, 1 / lengths_px, phases], dim=1)


def row_of(waves: Tensor, shift_px: float) -> Tensor:
    """The pattern moved to the right by ``shift_px``, along one row."""
    amplitude, frequency, phase = waves.T[:, :, None]
    angle = 2 * math.pi * frequency * (torch.arange(SIZE_PX, dtype=torch.float64) - shift_px) + phase
    return 0.5 + (amplitude * torch.sin(angle)).sum(0)


def displacement_px(row: Tensor, waves: Tensor, most_px: float) -> float:
    """Shift in [0, ``most_px``] at which the pattern, brighter or darker, comes closest to ``row``, least squares."""
    inner = slice(MARGIN_PX, -MARGIN_PX)
    seen = (row - 0.5)[inner]

    def rest(shift_px: float) -> float:
        pattern = (row_of(waves, shift_px) - 0.5)[inner]
        contrast = (pattern * seen).sum().clamp_min(0) / pattern.square().sum()
        return float((contrast * pattern - seen).square().sum())

    scan = np.linspace(0, most_px, 31)
    start = scan[np.argmin([rest(shift) for shift in scan])]
    near = (max(0.0, start - scan[1]), start + scan[1])
    return float(minimize_scalar(rest, bounds=near, method="bounded", options={"xatol": 1e-7}).x)


PATTERNS = {"grating": grating, "texture": texture}


def measure() -> Iterator[dict[str, object]]:
    """One row a pattern, filter, lambda_c, wavelength, alpha and reach, (1 + alpha) displacement / lambda."""
    for pattern, filter_name, lambda_c in product(PATTERNS, TEMPORAL, LAMBDAS_C):
        for wavelength_px, alpha, reach in product(WAVELENGTHS_PX, ALPHAS, REACHES):
            magnifier = EulerianMagnifier(alpha, lambda_c, TEMPORAL[filter_name])
            case = {"pattern": pattern, "filter": filter_name, "lambda_c": lambda_c, "wavelength_px": wavelength_px}
            yield (
                case
                | {"alpha": alpha}
                | amplification(PATTERNS[pattern](wavelength_px), magnifier, reach * wavelength_px)
                | {
                    "reach_wavelengths": reach,
                    "eq5_holds": reach < 1 / 8,
                }
            )


def amplification(waves: Tensor, magnifier: EulerianMagnifier, true_px: float) -> dict[str, object]:
    """Magnify the apex of a clip whose pattern moves so far that ``true_px`` is the magnified displacement."""
    course = np.sin(np.linspace(0, np.pi / 2, FRAMES))  # onset to apex
    share = float(magnifier.temporal.weights(FRAMES - 1) @ torch.from_numpy(course))
    delta_px = true_px / (1 + magnifier.alpha * share)
    rows = torch.stack([row_of(waves, delta_px * part) for part in course])
    clip = rows[None, :, None, None].expand(1, FRAMES, 3, SIZE_PX, SIZE_PX)
    magnified = magnifier.frame(clip, FRAMES - 1)[0, 1, SIZE_PX // 2]
    measured_px = displacement_px(magnified, waves, 1.2 * true_px)
    numbers = {"displacement_px": delta_px, "share_in_band": share, "true_px": true_px, "measured_px": measured_px}
    return numbers | {"ratio": measured_px / true_px}


def plot(table: pd.DataFrame, file: Path) -> None:
    """Measured over true displacement against its length in wavelengths, a panel a pattern and lambda_c."""
    shown = table[table["filter"] == "difference"]
    panels = [*shown.groupby(["pattern", "lambda_c"])]
    figure, axes = plt.subplots(1, len(panels), figsize=(14, 4), sharey=True)
    for axis, ((pattern, lambda_c), rows) in zip(axes, panels, strict=True):
        for alpha, some in rows.groupby("alpha"):
            ratios = some.groupby("reach_wavelengths")["ratio"].agg(["median", "min", "max"])
            axis.plot(ratios.index, ratios["median"], marker=".", label=f"alpha {alpha:g}")
            axis.fill_between(ratios.index, ratios["min"], ratios["max"], alpha=0.15)
        reach = np.linspace(0.001, 0.4, 200)
        axis.plot(reach, np.arctan(2 * np.pi * reach) / (2 * np.pi * reach), "k:", label="one wave: arctan(x) / x")
        axis.axvline(1 / 8, color="k", lw=0.8)
        axis.axhspan(0.9, 1.1, color="k", alpha=0.07)
        axis.set(
            title=f"{pattern}, lambda_c {lambda_c:g} px", xlabel="(1 + alpha) displacement / lambda", ylim=(0, 1.4)
        )
        axis.text(1 / 8, 0.05, " eq. 5: 1/8")
    axes[0].set_ylabel("measured / (1 + alpha) displacement")
    axes[-1].legend()
    figure.tight_layout()
    figure.savefig(file, dpi=100)


def main() -> None:
    """Write amplification.csv and amplification.png, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    out = parser.parse_args().out
    table = pd.DataFrame(measure())
    table.to_csv(out / "amplification.csv", index=False, float_format="%.5g", lineterminator="\n")
    plot(table, out / "amplification.png")
    groups = table.groupby(["pattern", "filter", "lambda_c", "reach_wavelengths"])["ratio"]
    print(groups.agg(["min", "median", "max"]).round(3).to_string())


if __name__ == "__main__":
    main()
