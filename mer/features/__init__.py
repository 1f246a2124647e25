"""From flow, and frames, to the network's inputs."""

from mer.features.augment import FlipBlur
from mer.features.branches import BranchFeatures
from mer.features.channels import CHANNELS
from mer.features.clips import ClipFeatures
from mer.features.strain import flow_direction, flow_magnitude, optical_strain

__all__ = [
    "CHANNELS",
    "BranchFeatures",
    "ClipFeatures",
    "FlipBlur",
    "flow_direction",
    "flow_magnitude",
    "optical_strain",
]
