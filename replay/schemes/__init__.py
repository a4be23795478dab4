"""Labelled schemes and labelled innocents, planted into the simulated market."""
