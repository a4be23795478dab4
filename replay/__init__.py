"""A simulated market with labelled schemes, and the scorer that compares alerts with them."""
