"""Checks of a closed day of the ledger: `profile` counts in DuckDB, `checkpoint` judges."""

from quality.suites.checkpoint import Check, CheckResult, DayResult, checks, run_day
from quality.suites.profile import profile

__all__ = ["Check", "CheckResult", "DayResult", "checks", "profile", "run_day"]
