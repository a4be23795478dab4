"""Trying a rule with other numbers: what would be raised, and what it is worth; kept nowhere."""
