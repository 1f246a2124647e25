"""Short names for settings: equal settings, equal name, on every machine."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_LENGTH = 16


def fingerprint(settings: Any) -> str:
    """First 16 hex digits of the SHA-256 of ``settings`` written as canonical JSON."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def seed_from(seed: int, *names: str) -> int:
    """A 31-bit seed derived from ``seed`` and names, the same wherever and in whatever order it is asked for."""
    text = json.dumps([seed, *names])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"no canonical form for {type(value).__name__}")
