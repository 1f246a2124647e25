"""Adapters: each reads one dataset as it is distributed into the clip index."""

from mer.datasets.casme2 import Casme2
from mer.datasets.flow_images import FlowImages
from mer.datasets.source import ClipSource, FlowSource

__all__ = ["Casme2", "ClipSource", "FlowImages", "FlowSource"]
