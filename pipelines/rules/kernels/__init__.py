"""Pieces the kernels of several rules share."""
