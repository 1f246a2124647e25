"""Adapters: each reads one dataset as it is distributed into the clip index."""

from mer.datasets.casme import Casme
from mer.datasets.casme2 import Casme2
from mer.datasets.casme3 import Casme3
from mer.datasets.composite import Composite
from mer.datasets.flow_images import FlowImages
from mer.datasets.folder import Folder
from mer.datasets.fourdme import FourDme
from mer.datasets.mmew import Mmew
from mer.datasets.samm import Samm
from mer.datasets.smic import Smic
from mer.datasets.source import ClipSource, FlowSource

__all__ = [
    "Casme",
    "Casme2",
    "Casme3",
    "ClipSource",
    "Composite",
    "FlowImages",
    "FlowSource",
    "Folder",
    "FourDme",
    "Mmew",
    "Samm",
    "Smic",
]
