"""The live stack: what it is (stack.toml), how Docker or this machine starts it."""
