"""Networks. They know nothing of Lightning, Hydra or W&B."""

from mer.models.cnn_lstm.net import StateLSTM
from mer.models.dssn.net import DualStreamShallowNet
from mer.models.dual_branch.net import DualBranchNet, deal_blocks
from mer.models.dual_inception.net import DualInceptionNet
from mer.models.elrcn.net import ELRCN
from mer.models.fcnn3d.net import FlowCNN3d
from mer.models.flow_evm.net import FlowMagnificationNet
from mer.models.graph_tcn.net import GraphTCN
from mer.models.htnet.net import HTNet
from mer.models.image_cnn.net import ImageCNN
from mer.models.off_apexnet.net import OffApexNet
from mer.models.rcn_a.net import RecurrentConvNet
from mer.models.ststnet.net import STSTNet

__all__ = [
    "ELRCN",
    "DualBranchNet",
    "DualInceptionNet",
    "DualStreamShallowNet",
    "FlowCNN3d",
    "FlowMagnificationNet",
    "GraphTCN",
    "HTNet",
    "ImageCNN",
    "OffApexNet",
    "RecurrentConvNet",
    "STSTNet",
    "StateLSTM",
    "deal_blocks",
]
