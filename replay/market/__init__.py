"""A seeded, made-up market of four regions, written as submissions in the feed formats."""
