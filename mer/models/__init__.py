"""Networks. They know nothing of Lightning, Hydra or W&B."""

from mer.models.dssn.net import DualStreamShallowNet
from mer.models.dual_branch.net import DualBranchNet, deal_blocks
from mer.models.dual_inception.net import DualInceptionNet
from mer.models.off_apexnet.net import OffApexNet
from mer.models.rcn_a.net import RecurrentConvNet
from mer.models.ststnet.net import STSTNet

__all__ = [
    "DualBranchNet",
    "DualInceptionNet",
    "DualStreamShallowNet",
    "OffApexNet",
    "RecurrentConvNet",
    "STSTNet",
    "deal_blocks",
]
