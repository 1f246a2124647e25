"""Measurements of speed and accuracy, medians of repeats in one run; `mer bench` prints them."""
