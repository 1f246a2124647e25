"""``mer bench``: mer's speed beside what a user would use instead, in one run, medians of repeats."""

import argparse
import json
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter

import torch
from rich.table import Table
from torch import Tensor

from mer.magnify import EulerianMagnifier
from mer.progress import output

_ALPHAS = (1, 5, 10, 15, 20, 25, 30, 40)


def main(arguments: Sequence[str]) -> None:
    """Parse ``arguments``, measure, print the ratios."""
    parser = argparse.ArgumentParser("mer bench", description=__doc__)
    parser.add_argument("--frames", type=int, default=24, help="frames of the clip (default 24)")
    parser.add_argument("--size", type=int, default=224, help="side of the crop in px (default 224)")
    parser.add_argument("--repeats", type=int, default=5, help="repeats; the median counts (default 5)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="torch device")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    clip = torch.rand(1, given.frames, 3, given.size, given.size, generator=torch.Generator().manual_seed(0))
    rows = bench_magnification(clip.to(given.device), given.repeats)
    if given.json:
        print(json.dumps(rows, indent=2))
        return
    table = Table(
        "what", "instead (s)", "mer (s)", "ratio", title=f"{given.frames} frames of {given.size} px, {given.device}"
    )
    for row in rows:
        table.add_row(str(row["what"]), f"{row['instead_s']:.4f}", f"{row['mer_s']:.4f}", f"{row['ratio']:.1f}x")
    output().print(table)


@torch.no_grad()
def bench_magnification(clip: Tensor, repeats: int) -> list[dict[str, object]]:
    """The apex frame in closed form beside the published whole-clip run, once and over a sweep of alpha."""
    last = clip.shape[1] - 1
    magnifiers = [EulerianMagnifier(alpha=alpha).to(clip.device) for alpha in _ALPHAS]
    weights = magnifiers[0].temporal.weights(last).to(clip)

    def sweep() -> None:
        band = torch.einsum("t,btchw->bchw", weights, clip)
        for magnifier in magnifiers:
            magnifier.magnify(clip[:, last], band)

    return [
        _row("one magnified apex", lambda: magnifiers[0](clip), lambda: magnifiers[0].frame(clip, last), repeats),
        _row(f"sweep of {len(_ALPHAS)} alphas", lambda: [one(clip) for one in magnifiers], sweep, repeats),
    ]


def _row(what: str, instead: Callable[[], object], ours: Callable[[], object], repeats: int) -> dict[str, object]:
    pairs = [(_seconds(instead), _seconds(ours)) for _ in range(repeats + 1)][1:]  # the first warms up
    slow, fast = (median(column) for column in zip(*pairs, strict=True))
    return {"what": what, "instead_s": slow, "mer_s": fast, "ratio": slow / fast}


def _seconds(call: Callable[[], object]) -> float:
    _wait()
    start = perf_counter()
    call()
    _wait()
    return perf_counter() - start


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
