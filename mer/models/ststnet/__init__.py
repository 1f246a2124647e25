"""Liong et al.'s shallow triple-stream network."""
