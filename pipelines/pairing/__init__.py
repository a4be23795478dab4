"""Legs of one transaction become variants: one row for each distinct content, with its vantages."""
