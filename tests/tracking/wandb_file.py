"""Reads an offline .wandb file back: LevelDB's log format, each record a protobuf."""

import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_BLOCK, _HEADER, _START = 32768, 7, 7


@dataclass
class Kept:
    """What a .wandb file says of its run."""

    run: Any
    config: dict[str, Any]
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Path]] = field(default_factory=dict)
    exit_code: int | None = None

    def column(self, name: str) -> list[Any]:
        """Values of ``name`` in the order they were logged."""
        return [row[name] for row in self.history if name in row]


def read_wandb(path: Path) -> Kept:
    """Read the .wandb file ``path``."""
    found = _records(path)
    run = next(record.run for record in found if record.HasField("run"))
    kept = Kept(run, {item.key: json.loads(item.value_json) for item in run.config.update})
    for record in found:
        if record.HasField("history"):
            kept.history.append({_key(item): json.loads(item.value_json) for item in record.history.item})
        elif record.HasField("summary"):
            kept.summary |= {_key(item): json.loads(item.value_json) for item in record.summary.update}
        elif record.HasField("artifact"):
            contents = record.artifact.manifest.contents
            kept.artifacts[record.artifact.name] = {entry.path: Path(entry.local_path) for entry in contents}
        elif record.HasField("exit"):
            kept.exit_code = record.exit.exit_code
    return kept


def _key(item: Any) -> str:
    return item.key or "/".join(item.nested_key)


def _records(path: Path) -> list[Any]:
    from wandb.proto import wandb_internal_pb2

    data, found, parts, at = path.read_bytes(), [], b"", _START
    while at + _HEADER <= len(data):
        room = _BLOCK - at % _BLOCK
        if room < _HEADER:
            at += room
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + _HEADER])
        parts += data[at + _HEADER : at + _HEADER + length]
        at += _HEADER + length
        if kind in (1, 4):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            found.append(record)
            parts = b""
    return found
