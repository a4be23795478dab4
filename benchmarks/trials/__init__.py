"""Trials on messages nobody here made; `python -m benchmarks.trials` prints the tables."""
