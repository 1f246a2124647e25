"""RCN-A."""
