"""The feeds. To add one, touch three places, all in one new folder here.

1. `spec.toml`: the whole mapping (docs/feeds.md has the language).
2. `examples/`: a few small submissions, each with what must come of it (`<file>.expected.json`).
3. `hatches.py`: only where the spec cannot say it; functions over whole columns.

`write.py` beside them is the opposite direction, used by the simulator alone.
"""
