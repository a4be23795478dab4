"""Look-through: which parties were known to be under one controller, day by day."""
