"""Processes: a tape's run from submissions to alerts, its workers, and what they cost."""
