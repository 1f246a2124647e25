"""``mer export run=DIR``: a finished run's model as one file that is safe to load, its card, ONNX where asked for."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig

from mer.errors import MerError
from mer.hydra_app import run_hydra, with_paths
from mer.progress import say

_SUFFIX = ".safetensors"


def main(arguments: Sequence[str]) -> None:
    """Compose ``export.yaml`` and export the run's model."""
    run_hydra("export", export, with_paths(arguments, ("run", "out")))


def export(cfg: DictConfig) -> None:
    """Write the model and its card, and say what they are worth.

    Raises:
        MerError: no run; a run that is not finished or has no network; or a file that cannot be written.
    """
    if not cfg.run:
        raise MerError("a finished run to export", "none", "set run=DIR")
    from mer.export import ReleasedModel, write_model  # torch takes seconds to import; a missing run= needs none of it
    from mer.export.card import model_card
    from mer.files import atomic_file
    from mer.trained import load_run

    run = Path(str(cfg.run)).expanduser()
    files = _files(cfg, run)
    model = ReleasedModel.from_run(load_run(run, _names(cfg.trust) or ()), _names(cfg.folds))
    write_model(model, files["model"])
    with atomic_file(files["card"]) as temporary:
        temporary.write_text(model_card(model), encoding="utf-8")
    told: dict[str, Any] = {name: str(file) for name, file in files.items()} | {"folds": model.n_folds}
    told |= {name: model.card[name] for name in ("calibration", "scores")}
    if cfg.onnx:
        from mer.export.onnx import write_onnx

        told["onnx_difference"] = write_onnx(model, files["onnx"])
    print(json.dumps(told, indent=2)) if cfg.json else _tell(told, model.card)


def _tell(told: dict[str, Any], card: dict[str, Any]) -> None:
    from mer.export.card import calibration_line, scores_line

    size_mb = Path(told["model"]).stat().st_size / 1e6
    print(f"{told['model']}: {told['folds']} networks, {size_mb:.1f} MB; card {told['card']}")
    print(f"on subjects left out: {scores_line(card)}")
    print(calibration_line(card))
    if "onnx_difference" in told:
        print(f"{told['onnx']}: probabilities within {told['onnx_difference']:.2g} of torch's")
    say("what it was learnt from decides whether it may be passed on, and it is no lie detector: see its card")


def _files(cfg: DictConfig, run: Path) -> dict[str, Path]:
    """What is written: the model, its card, and the graph where it is asked for."""
    file = Path(str(cfg.out)).expanduser() if cfg.out else run / f"model{_SUFFIX}"
    if file.suffix != _SUFFIX:
        raise MerError(f"out=FILE{_SUFFIX}", str(file), f"give the file a name that ends in {_SUFFIX}")
    return {"model": file, "card": file.with_suffix(".md")} | ({"onnx": file.with_suffix(".onnx")} if cfg.onnx else {})


def _names(value: Any) -> list[str] | None:
    """A setting of one name or a list of names."""
    if value is None:
        return None
    return [str(one) for one in value] if isinstance(value, ListConfig) else [str(value)]
