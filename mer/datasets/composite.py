"""Several datasets as one."""

from collections import Counter
from collections.abc import Iterable, Mapping

import pandas as pd

from mer.clip import ClipIndex, Note
from mer.datasets.source import ClipSource, FlowSource
from mer.errors import MerError


class Composite:
    """Datasets joined; equal subject names in two of them are two people.

    Cameras of one dataset (SMIC's HS and VIS) show the same people and are refused: LOSO would train on a person that
    it tests on.

    With SMIC (HS), CASME II and SAMM and ``labels=megc3`` this is MEGC2019's composite: 442 clips, 68 subjects,
    negative 250, positive 109, surprise 83 (See et al., FG 2019, doi 10.1109/FG.2019.8756611).

    Args:
        parts: name -> dataset; None leaves that part out, with a note.
    """

    name = "composite"

    def __init__(self, parts: Mapping[str, ClipSource | None]) -> None:
        self.parts = parts

    def load(self) -> ClipIndex:
        """Read all parts.

        Raises:
            MerError: no part is given, one is of flow images, two are of the same people, or as the parts do.
        """
        given = {name: part for name, part in self.parts.items() if part is not None}
        if not given:
            raise MerError("one dataset or more to join", "none", "set dataset.parts.NAME.root=DIR")
        flows = [name for name, part in given.items() if isinstance(part, FlowSource)]
        if flows:
            raise MerError("parts of frames", f"{flows[0]}, which is flow images", "join those with dataset.roots=")
        _require_once(getattr(part, "people", part.name) for part in given.values())
        indices = [part.load() for part in given.values()]
        _require_once(dataset for index in indices for dataset in set(index.clips["dataset"]))
        notes = [Note(f"composite/{name}", "refused", "left out") for name in self.parts if name not in given]
        return ClipIndex(
            pd.concat([index.clips for index in indices], ignore_index=True),
            tuple(note for index in indices for note in index.notes) + tuple(notes),
            sources={path: state for index in indices for path, state in index.sources.items()},
        )


def _require_once(datasets: Iterable[str]) -> None:
    twice = sorted(name for name, count in Counter(datasets).items() if count > 1)
    if twice:
        raise MerError("each dataset in one part", f"{twice[0]} in two", "leave one out with dataset.parts.NAME=null")
