"""Li and Zhu's dual-branch network."""
