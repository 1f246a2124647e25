"""From flow to the branches' inputs."""

from mer.features.augment import FlipBlur
from mer.features.branches import CHANNELS, BranchFeatures
from mer.features.strain import flow_magnitude, optical_strain

__all__ = ["CHANNELS", "BranchFeatures", "FlipBlur", "flow_magnitude", "optical_strain"]
