"""What a stranger writes a feed with: look at a sample, guess, check, compare, adopt."""
