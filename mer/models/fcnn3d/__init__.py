"""Li et al.'s three-dimensional flow-based CNN."""
