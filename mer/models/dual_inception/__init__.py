"""Dual-Inception."""
