"""The apex frame magnified in closed form, beside the published run over the whole clip."""

from collections.abc import Callable
from statistics import median

import torch
from rich.table import Table
from torch import Tensor

from mer.bench.timing import seconds
from mer.magnify import EulerianMagnifier

_ALPHAS = (1, 5, 10, 15, 20, 25, 30, 40)


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


def magnification_table(rows: list[dict[str, object]], title: str) -> Table:
    """The rows for a terminal."""
    table = Table("what", "instead (s)", "mer (s)", "ratio", title=title)
    for row in rows:
        table.add_row(str(row["what"]), f"{row['instead_s']:.4f}", f"{row['mer_s']:.4f}", f"{row['ratio']:.1f}x")
    return table


def _row(what: str, instead: Callable[[], object], ours: Callable[[], object], repeats: int) -> dict[str, object]:
    pairs = [(seconds(instead), seconds(ours)) for _ in range(repeats + 1)][1:]  # the first warms up
    slow, fast = (median(column) for column in zip(*pairs, strict=True))
    return {"what": what, "instead_s": slow, "mer_s": fast, "ratio": slow / fast}
