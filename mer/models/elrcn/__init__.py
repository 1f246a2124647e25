"""Khor et al.'s enriched long-term recurrent convolutional network."""
