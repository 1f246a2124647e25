"""The part of a run's settings that a released model takes with it."""

from collections.abc import Mapping
from typing import Any

# What decides the maps of a new clip, in the path's order, and then the network's inputs.
GROUPS = ("align", "apex", "magnify", "flow", "features")
NETWORK = "model"


def portable(value: Any) -> Any:
    """Plain ``value`` with null in the place of each path: those of one machine mean nothing on another."""
    if isinstance(value, Mapping):
        return {name: portable(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [portable(one) for one in value]
    return None if isinstance(value, str) and _is_path(value) else value


def _is_path(text: str) -> bool:
    return "/" in text or "\\" in text or text.startswith("~")
