"""Deals subjects out to groups that are alike in clips and in classes, as far as whole subjects allow."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mer.clip import subject_keys
from mer.fingerprint import seed_from

_LEAST_GAIN = 1e-9  # more than rounding, so that changes end


def deal_subjects(clips: pd.DataFrame, shares: Sequence[float], seed: int) -> NDArray[np.intp]:
    """Number of each clip's group, ``(N,)``; a subject's clips share one.

    Subjects are dealt roughly from the largest down, by their number of clips times a factor in [0.5, 1.5) drawn from
    ``seed`` and their name, each to the group g where it leaves the least

        sum_gc (n_gc - s_g n_c)^2 / n_c

    with n_gc the clips of class c in group g, s_g the group's share, n_c the clips of class c; "all clips" counts as
    one more class. Groups that have no subject yet take the last ones, so that none is left empty. Then a subject
    moves or two change places, whichever makes the sum smallest, as long as it gets smaller.

    Args:
        clips: rows with dataset, subject, label; at least as many subjects as groups.
        shares: of the clips that each group is to hold; they sum to 1.
        seed: other seeds deal otherwise.
    """
    subjects, of_clip = np.unique(subject_keys(clips).to_numpy(str), return_inverse=True)
    counts = _class_counts(clips["label"].to_numpy(str), of_clip, len(subjects))
    factors = [0.5 + seed_from(seed, subject) / 2**31 for subject in subjects]
    order = np.argsort(-counts[:, -1] * factors, kind="stable")
    wanted = np.outer(shares, counts.sum(axis=0))
    group = _deal(counts, wanted, order)
    while (better := _one_change(group, counts, wanted)) is not None:
        group = better
    return group[of_clip]


def _class_counts(labels: NDArray[np.str_], of_clip: NDArray[np.intp], n_subjects: int) -> NDArray[np.float64]:
    """Clips of each subject by class, and of all classes in the last column, ``(S, C + 1)``."""
    _, classes = np.unique(labels, return_inverse=True)
    counts = np.zeros((n_subjects, classes.max() + 2))
    np.add.at(counts, (of_clip, classes), 1)
    counts[:, -1] = counts.sum(axis=1)
    return counts


def _deal(counts: NDArray[np.float64], wanted: NDArray[np.float64], order: NDArray[np.intp]) -> NDArray[np.intp]:
    group = np.full(len(counts), -1, np.intp)
    held = np.zeros_like(wanted)
    for place, subject in enumerate(order):
        empty = np.flatnonzero(held[:, -1] == 0)
        open_to = (empty if len(empty) == len(order) - place else np.arange(len(wanted))).tolist()
        costs = [_cost(_with(held, to, counts[subject]), wanted) for to in open_to]
        group[subject] = open_to[int(np.argmin(costs))]
        held[group[subject]] += counts[subject]
    return group


def _one_change(
    group: NDArray[np.intp], counts: NDArray[np.float64], wanted: NDArray[np.float64]
) -> NDArray[np.intp] | None:
    """The dealing after the one change that lowers the cost most; None where none does.

    A group's surplus d changes by x where subjects change places, so the cost by 2 x (x + d_to - d_from) / n a class.
    To move is to change places with nobody: one row of zeros a group.
    """
    n_groups = len(wanted)
    held = np.zeros_like(wanted)
    np.add.at(held, group, counts)
    surplus = held - wanted
    place = np.concatenate([group, np.arange(n_groups)])
    clips = np.concatenate([counts, np.zeros_like(wanted)])
    given = clips[: len(group), None] - clips[None]
    change = 2 * given * (given + surplus[place][None] - surplus[group][:, None]) / wanted.sum(axis=0)
    cost = np.where(group[:, None] == place[None], 0, change.sum(axis=2))
    last_one = np.bincount(group, minlength=n_groups)[group] == 1
    cost[last_one, len(group) :] = 0
    one, other = np.unravel_index(int(np.argmin(cost)), cost.shape)
    if cost[one, other] > -_LEAST_GAIN:
        return None
    changed = group.copy()
    changed[one] = place[other]
    if other < len(group):
        changed[other] = group[one]
    return changed


def _with(held: NDArray[np.float64], to: int, more: NDArray[np.float64]) -> NDArray[np.float64]:
    held = held.copy()
    held[to] += more
    return held


def _cost(held: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    return float(((held - wanted) ** 2 / wanted.sum(axis=0)).sum())
