"""What all figures share: colours that colour-blind readers tell apart, a size for print, and their files."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.typing import ColorType

from mer.files import atomic_file

# Okabe and Ito's, https://jfly.uni-koeln.de/color/; a marker or a hatch stands beside each colour, for grey print.
BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
WIDTH_IN = 7.0  # the width of a printed page's text: no figure is wider, so that letters keep their size
SMALLEST_PT = 8.0
_DPI = 200


def write_figure(figure: Figure, path: Path) -> list[Path]:
    """Write ``figure`` as PNG to ``path`` and as SVG beside it; equal figures give equal files.

    Args:
        figure: to write.
        path: of the PNG.

    Returns:
        Both paths.

    Raises:
        MerError: the folder cannot be written.
    """
    paths = [path, path.with_suffix(".svg")]
    for one in paths:
        with atomic_file(one) as temporary, mpl.rc_context({"svg.hashsalt": "mer"}):
            metadata = {"Date": None} if one.suffix == ".svg" else None
            figure.savefig(temporary, dpi=_DPI, format=one.suffix[1:], metadata=metadata)
    return paths


def plain_text(text: str) -> str:
    """``text`` for matplotlib, which would set what stands between two dollar signs as a formula."""
    return text.replace("$", r"\$")


def contrast(one: ColorType, other: ColorType) -> float:
    """How well two colours are told apart, 1 to 21: (L1 + 0.05) / (L2 + 0.05), L the relative luminance (WCAG 2.2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(ground: ColorType) -> str:
    """Black or white, whichever is easier to read on ``ground``."""
    return max(("black", "white"), key=lambda ink: contrast(ink, ground))


def _luminance(colour: ColorType) -> float:
    red, green, blue = (_linear(part) for part in to_rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    """A part of a colour in sRGB as light."""
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
