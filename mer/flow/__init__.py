"""Optical flow from onset to apex frame."""

from mer.flow.build import Flow, build_flow
from mer.flow.flownet2 import FlowNet2
from mer.flow.maps import FlowMaps, resize_flow, resize_map
from mer.flow.opencv import DISFlow, FarnebackFlow
from mer.flow.ptlflow import PtlFlow
from mer.flow.tvl1 import TVL1Flow

__all__ = [
    "DISFlow",
    "FarnebackFlow",
    "Flow",
    "FlowMaps",
    "FlowNet2",
    "PtlFlow",
    "TVL1Flow",
    "build_flow",
    "resize_flow",
    "resize_map",
]
