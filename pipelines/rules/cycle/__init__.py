"""Rings of first-time pairs."""
