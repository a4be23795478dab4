"""Immutable versions of the ledger: one process writes them, everyone else opens them."""

from serving.publish.publisher import publish
from serving.publish.versions import MANIFEST, Version, current, open_version

__all__ = ["MANIFEST", "Version", "current", "open_version", "publish"]
