"""Money that leaves in parts and comes together again."""
