"""From flow to the branches' inputs."""

from mer.features.augment import FlipBlur
from mer.features.augment_field import FieldAugment
from mer.features.branches import BranchFeatures
from mer.features.channels import CHANNELS
from mer.features.strain import flow_direction, flow_magnitude, optical_strain

__all__ = [
    "CHANNELS",
    "BranchFeatures",
    "FieldAugment",
    "FlipBlur",
    "flow_direction",
    "flow_magnitude",
    "optical_strain",
]
