"""DSSN."""
