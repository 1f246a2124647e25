"""Optical flow from onset to apex frame."""

from mer.flow.build import Flow, build_flow
from mer.flow.maps import FlowMaps, resize_flow, resize_map
from mer.flow.opencv import DISFlow, FarnebackFlow
from mer.flow.ptlflow import PtlFlow
from mer.flow.tvl1 import TVL1Flow

__all__ = [
    "DISFlow",
    "FarnebackFlow",
    "Flow",
    "FlowMaps",
    "PtlFlow",
    "TVL1Flow",
    "build_flow",
    "resize_flow",
    "resize_map",
]
