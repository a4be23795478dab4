"""Submissions to begin from: the examples of a feed, and the corpus of what fuzzing once found."""

import hashlib
import json
from pathlib import Path
from typing import Any

from connectors.engine.engine import Decoded
from connectors.feeds.registry import FOLDER

CORPUS = Path(__file__).parent / "corpus"
OUTCOMES = "outcomes.json"


def examples_of(feed: str) -> list[bytes]:
    """The examples of a feed, the plain one first."""
    folder = FOLDER / feed / "examples"
    found = [path for path in folder.iterdir() if not path.name.endswith(".expected.json")]
    order = sorted(found, key=lambda path: (path.stem != "plain", path.name))
    return [path.read_bytes() for path in order]


def corpus_paths(feed: str) -> list[Path]:
    """The corpus files of a feed."""
    return sorted((CORPUS / feed).glob("*.bin"))


def corpus_of(feed: str) -> list[bytes]:
    """The corpus inputs of a feed."""
    return [path.read_bytes() for path in corpus_paths(feed)]


def expected_of(feed: str) -> dict[str, Any]:
    """The outcome each corpus file of a feed must have, by file name."""
    path = CORPUS / feed / OUTCOMES
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def outcome_text(decoded: Decoded) -> dict[str, Any]:
    """What is written down of an outcome: counts, whether held, and each finding once."""
    counts = decoded.counts[0]
    found = decoded.findings
    rules = zip(found["rule_id"].to_pylist(), found["outcome"].to_pylist(), strict=True)
    return {
        "accepted": counts.accepted,
        "rejected": counts.rejected,
        "quarantined": counts.quarantined,
        "skipped": counts.skipped,
        "held": decoded.held[0],
        "findings": sorted({f"{rule} {outcome}" for rule, outcome in rules}),
    }


def keep(feed: str, body: bytes) -> Path:
    """Put an input into the corpus, named by its bytes; its outcome is to be added."""
    path = CORPUS / feed / f"{hashlib.sha256(body).hexdigest()[:12]}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path
