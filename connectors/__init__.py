"""Where submissions come from and how they are read: ends, vault, engine, feeds."""
