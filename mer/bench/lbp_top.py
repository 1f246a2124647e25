"""LBP-TOP of many clips, beside a loop over voxels in Python."""

from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from mer.bench.timing import seconds
from mer.handcrafted import lbp_top
from mer.handcrafted.blocks import block_slices
from mer.handcrafted.lbp_top import pattern_bins

Bytes = NDArray[np.uint8]
Moves = tuple[tuple[int, int, int], ...]  # (t, y, x) from a voxel to each neighbour
_BLOCKS = (5, 5)
_RADII = (1, 1, 4)
_NEIGHBOURS = 8
_LOOP_CLIPS = 2


def bench_lbp_top(
    repeats: int, n_clips: int = 250, shape: tuple[int, int, int] = (10, 170, 140)
) -> list[dict[str, object]]:
    """Seconds for all clips; the loop's are those of two clips, scaled.

    Args:
        repeats: the two are measured in turn, so often; medians count, the ratio is the median of ratios.
        n_clips: clips of noise.
        shape: frames, height and width of each.
    """
    clips = np.random.default_rng(0).integers(0, 256, (n_clips, *shape), dtype=np.uint8)
    pairs = []
    for _ in range(repeats):
        ours = seconds(lambda: [in_arrays(clip) for clip in clips])
        theirs = seconds(lambda: [in_a_loop(clip) for clip in clips[:_LOOP_CLIPS]])
        pairs.append((ours, theirs * n_clips / _LOOP_CLIPS))
    frames, height, width = shape
    return [
        {
            "what": f"{n_clips} clips of {frames} frames, {height}x{width} px, radii 1, 1, 4, nearest px",
            "mer_s": median(ours for ours, _ in pairs),
            "instead_s": median(theirs for _, theirs in pairs),
            "ratio": median(theirs / ours for ours, theirs in pairs),
            "loop_timed_on_clips": _LOOP_CLIPS,
        }
    ]


def lbp_top_table(rows: Sequence[dict[str, object]]) -> Table:
    """The rows for a terminal."""
    timed = f"Python loop over voxels (s), timed on {_LOOP_CLIPS} clips and scaled"
    table = Table("what", "mer (s)", timed, "times as fast", title="lbp_top")
    for row in rows:
        table.add_row(
            str(row["what"]), f"{row['mer_s']:.2f}", f"{row['instead_s']:.1f}", f"{row['ratio']:.0f}x"
        )  # fmt: skip
    return table


def in_arrays(clip: Bytes) -> NDArray[np.float64]:
    """Mer's LBP-TOP of a grey clip ``(T, H, W)``."""
    return lbp_top(clip, _BLOCKS, _RADII, _NEIGHBOURS, sampling="nearest")


def in_a_loop(clip: Bytes) -> NDArray[np.float64]:
    """The same of a loop over voxels; offsets, bins and lists of plain numbers are made before it, to its advantage."""
    border, radius_t = max(_RADII[:2]), _RADII[2]
    inner = [size - 2 * margin for size, margin in zip(clip.shape, (radius_t, border, border), strict=True)]
    bins, n_bins = pattern_bins(_NEIGHBOURS, True)
    grid, number_of, planes = clip.tolist(), bins.tolist(), [_moves(plane) for plane in range(3)]
    histograms = []
    for rows, columns in block_slices((inner[1], inner[2]), _BLOCKS):
        for moves in planes:
            counts = [0] * n_bins
            for t in range(radius_t, radius_t + inner[0]):
                for y in range(border + rows.start, border + rows.stop):
                    for x in range(border + columns.start, border + columns.stop):
                        centre, code = grid[t][y][x], 0
                        for bit, (later, down, right) in enumerate(moves):
                            if grid[t + later][y + down][x + right] >= centre:
                                code |= 1 << bit
                        counts[number_of[code]] += 1
            histograms.append(np.array(counts) / sum(counts))
    return np.concatenate(histograms)


def _moves(plane: int) -> Moves:
    """The nearest voxels to the neighbours on the ellipses of XY, XT and YT."""
    radius_x, radius_y, radius_t = _RADII
    moves = []
    for bit in range(_NEIGHBOURS):
        angle = 2 * np.pi * bit / _NEIGHBOURS
        cos, sin = round(float(np.cos(angle)), 9), round(float(np.sin(angle)), 9)
        place = (
            (0.0, -radius_y * sin, radius_x * cos),
            (radius_t * sin, 0.0, radius_x * cos),
            (radius_t * sin, -radius_y * cos, 0.0),
        )[plane]
        later, down, right = (int(np.floor(part + 0.5)) for part in place)
        moves.append((later, down, right))
    return tuple(moves)
