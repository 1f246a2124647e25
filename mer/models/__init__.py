"""Networks. They know nothing of Lightning, Hydra or W&B."""

from mer.models.dual_branch.net import DualBranchNet, deal_blocks

__all__ = ["DualBranchNet", "deal_blocks"]
