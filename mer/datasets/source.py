"""What a dataset offers the path."""

from typing import Protocol, runtime_checkable

import pandas as pd

from mer.clip import ClipIndex
from mer.flow.maps import FlowMaps


class ClipSource(Protocol):
    """A dataset: it can be read into a clip index."""

    name: str

    def load(self) -> ClipIndex:
        """Read the annotations and list the frames, once."""
        ...


@runtime_checkable
class FlowSource(Protocol):
    """A dataset whose clips enter the path after the flow step."""

    def flow_maps(self, clips: pd.DataFrame) -> FlowMaps:
        """Read the flow of ``clips``, in their order."""
        ...
