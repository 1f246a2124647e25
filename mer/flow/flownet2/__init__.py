"""FlowNet 2.0, the paper's optical flow, in plain torch."""

from mer.flow.flownet2.method import FlowNet2, flow_at_any_size
from mer.flow.flownet2.network import FlowNet2Network

__all__ = ["FlowNet2", "FlowNet2Network", "flow_at_any_size"]
