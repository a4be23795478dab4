"""Measurements: what each stage costs, as CPU-seconds and as ratios within one run."""
