"""Wang et al.'s hierarchical transformer network."""
