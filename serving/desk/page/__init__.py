"""Whole pages that stand alone: one file, no script, readable from a disk or a mail."""

from serving.desk.page.compose import report

__all__ = ["report"]
