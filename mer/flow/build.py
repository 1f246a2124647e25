"""A flow method by its name in ``conf/flow``."""

from collections.abc import Callable
from typing import Any

from hydra.utils import get_object
from omegaconf import OmegaConf
from torch import Tensor

from mer.errors import MerError, require_choice
from mer.hydra_app import conf_dir

Flow = Callable[[Tensor, Tensor], Tensor]


def build_flow(name: str, **changes: Any) -> Flow:
    """Build a flow method: ``build_flow("tvl1", warps=3)(first, second)`` -> ``(B, 2, H, W)`` in px.

    Args:
        name: of a file in ``conf/flow``, whose settings it gets; ``NAME:MODEL`` sets the file's ``model``.
        changes: settings that differ from the file's.

    Raises:
        MerError: no method of that name, no such setting, or the method refuses one.
    """
    method, _, model = str(name).partition(":")
    files = {path.stem: path for path in (conf_dir() / "flow").glob("*.yaml")}
    settings = OmegaConf.load(files[require_choice("flow", method, files)])
    changes |= {"model": model} if model else {}
    for setting in changes:
        require_choice(f"a setting of flow {method}", setting, [str(key) for key in settings if key != "_target_"])
    missing = OmegaConf.missing_keys(settings) - changes.keys()
    if missing:
        raise MerError(f"flow as {method}:{missing.pop().upper()}", method, "see docs/flow.md")
    values = {str(key): value for key, value in OmegaConf.merge(settings, changes).items()}
    flow: Flow = get_object(values.pop("_target_"))(**values)  # without Hydra's wrapping of errors
    return flow
