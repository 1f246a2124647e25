"""Networks. They know nothing of Lightning, Hydra or W&B."""

from mer.models.dual_branch.net import DualBranchNet, deal_blocks
from mer.models.ststnet.net import STSTNet

__all__ = ["DualBranchNet", "STSTNet", "deal_blocks"]
