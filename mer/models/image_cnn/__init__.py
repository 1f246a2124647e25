"""Takalkar and Xu's CNN of single frames."""
