"""The model card as Markdown: what the model is, what it was trained on, how often it is wrong, what it is not for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mer.predictions import MAIN_SCORES

if TYPE_CHECKING:
    from mer.export.model import ReleasedModel

NOT_FOR = (
    "It tells apart how faces moved in clips like those it was trained on. It does not read feelings, thoughts or "
    "intentions, it is no lie detector, and nobody has examined it for any decision about a person: not in hiring, "
    "policing, border control, insurance, medicine or teaching. Posed faces, speech, blur, turned or badly lit heads, "
    "other cameras and frame rates, and people unlike those of the training clips lie outside of what its scores tell."
)
LICENCE = (
    "The weights were learnt from the datasets above. Most datasets of micro-expressions are handed out for "
    "non-commercial research, under an agreement that each user signs; whether a model trained on one may be passed on "
    "is decided there, not by this file: ask its owners. The file holds no images, no landmarks, no paths, and no "
    "names of subjects or clips. That nothing about a training clip can be inferred from weights is not claimed."
)
SCORES = (
    "Each clip was predicted by the one network that had seen nothing of its subject, and all predictions were "
    "pooled; the intervals are those of drawing subjects with replacement. All networks together, as this file "
    "uses them, were not scored: every subject of the training clips is known to most of them. On new people, "
    "expect no better than this."
)
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|!&~])")


def model_card(model: ReleasedModel) -> str:
    """The card of ``model`` as Markdown."""
    card = model.card
    parts = [
        f"# Micro-expression model: {', '.join(map(_plain, model.classes))}",
        _summary(model),
        "## What it is for, and what not",
        NOT_FOR,
        "## What it was trained on",
        _table(["dataset", "clips", "subjects"], [[name, *row.values()] for name, row in card["datasets"].items()]),
        _training(card),
        LICENCE,
        "## How often it is wrong",
        SCORES,
        _table(["score", "value", "95 % interval"], _score_rows(card)),
        _table(["class", "clips", "recall", "precision", "F1"], _class_rows(card)),
        "## Probabilities",
        _probabilities(model),
        _table(["", "ECE", "ECE of true ones", "negative log-likelihood"], _calibration_rows(card["calibration"])),
        "## Made with",
        _versions(card),
    ]
    return "\n\n".join(parts) + "\n"


def scores_line(card: Mapping[str, Any]) -> str:
    """The scores on subjects left out, in one line."""
    told = (f"{shown} {_with_interval(card['scores'][name])}" for name, shown in MAIN_SCORES.items())
    return ", ".join(told)


def calibration_line(card: Mapping[str, Any]) -> str:
    """What the temperature does on subjects that it was not fitted on, in one line."""
    fits = card["calibration"]
    before, after = fits["before"], fits["cross_fitted"]
    told = (
        f"temperature {fits['temperature']:.3f}, each subject's clips by that of the others: "
        f"NLL {before['nll']:.3f} before, {after['nll']:.3f} after; ECE {before['ece']:.3f}, {after['ece']:.3f}, "
        f"where true probabilities of so few clips show {after['ece_if_calibrated']:.3f}"
    )
    return told if after["nll"] <= before["nll"] else f"{told}; too few clips to gain by it"


def _summary(model: ReleasedModel) -> str:
    network = _plain(str(model.network["_target_"]).rpartition(".")[2])
    mean = ", the mean over all networks" if model.n_folds > 1 else ""
    return (
        f"{network}: the networks of {model.n_folds} of the {model.card['folds_of_run']} folds of a training run of "
        "mer. Input: optical flow of a face from the onset to the apex frame of a movement. Output: a probability for "
        f"each of {len(model.classes)} classes{mean}."
    )


def _training(card: Mapping[str, Any]) -> str:
    per_class = ", ".join(f"{_plain(name)} {clips}" for name, clips in card["clips_per_class"].items())
    return (
        f"Clips of each class: {per_class}. Labels: {_plain(card['labels'])}. Read by mer's {_plain(card['dataset'])}. "
        f"Each network was trained on all but one part of the subjects ({_plain(card['protocol'])})."
    )


def _probabilities(model: ReleasedModel) -> str:
    return (
        f"The logits are divided by the temperature {model.temperature:.3f}, fitted on those same predictions. "
        "Cross-fitted: each subject's temperature comes from the other subjects. ECE: expected calibration error, 15 "
        "bins of equal width; beside it what true probabilities would show on so few clips, by chance alone. All are "
        "of single networks; a mean of several is less sure than each of them."
    )


def _versions(card: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{_plain(name)} {_plain(str(found))}" for name, found in card["versions"].items() if found)
    return f"{versions}; commit {_plain(str(card['git_commit'] or 'unknown'))}; seed {card['seed']}."


def _score_rows(card: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
    for name, shown in MAIN_SCORES.items():
        score = card["scores"][name]
        yield shown, f"{score['value']:.3f}", f"{score['low']:.3f} to {score['high']:.3f}"


def _class_rows(card: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
    for name, row in card["per_class"].items():
        yield name, row["clips"], *(_number(row[score]) for score in ("recall", "precision", "f1"))


def _calibration_rows(calibration: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
    names = {
        "before": "as trained",
        "cross_fitted": "with the temperature, cross-fitted",
        "after": "with it, as fitted",
    }
    for name, shown in names.items():
        yield shown, *(f"{calibration[name][measure]:.3f}" for measure in ("ece", "ece_if_calibrated", "nll"))


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *([_plain(str(cell)) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _with_interval(score: Mapping[str, float]) -> str:
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _plain(text: str) -> str:
    """``text`` with nothing left that Markdown or HTML would take for markup."""
    return _MARKUP.sub(r"\\\1", text)
