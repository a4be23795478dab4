"""Episodes: crossings become alerts, in one pure function."""
