"""Keeping inputs for good, and writing down what every input of the corpus comes to.

python -m tests.connectors.recorded                  the outcomes, after a spec has changed
python -m tests.connectors.recorded FEED FILE...     keep these inputs too
python -m tests.connectors.recorded FEED FOLDER      of a fuzzer's inputs, one of each outcome
"""

import json
import sys
from pathlib import Path

from connectors.feeds.registry import load_feeds
from tests.connectors.outcomes import judge
from tests.connectors.samples import CORPUS, OUTCOMES, corpus_paths, keep, outcome_text

MOST = 12  # inputs a fuzzer's folder gives at once
SMALL = 3_000  # bytes of such an input


def distinct(feed: str, folder: Path) -> list[bytes]:
    """The smallest input of each outcome, those with the most findings first."""
    spec = load_feeds()[feed]
    found: dict[str, tuple[int, bytes]] = {}
    known: set[str] = set()
    for path in corpus_paths(feed):
        known.add(_findings(outcome_text(judge(spec, path.read_bytes())[1])))
    inputs = sorted({path.read_bytes() for path in folder.iterdir()}, key=lambda b: (len(b), b))
    for body in inputs:
        if len(body) <= SMALL or spec.format == "xlsx":
            told = outcome_text(judge(spec, body)[1])
            found.setdefault(_findings(told), (len(told["findings"]), body))
    new = [found[name] for name in sorted(found) if name not in known]
    return [body for _, body in sorted(new, key=lambda one: (-one[0], one[1]))[:MOST]]


def _findings(told: dict[str, object]) -> str:
    return json.dumps([told["findings"], told["held"], bool(told["skipped"])])


def record(feed: str) -> int:
    """Write the outcomes of a feed's corpus; how many inputs it has."""
    spec = load_feeds()[feed]
    outcomes = {}
    for path in corpus_paths(feed):
        _, decoded, wrong = judge(spec, path.read_bytes())
        if wrong:
            raise AssertionError(f"{path}: {wrong}")
        outcomes[path.name] = outcome_text(decoded)
    (CORPUS / feed / OUTCOMES).write_text(json.dumps(outcomes, indent=1) + "\n")
    return len(outcomes)


def main(feed: str = "", *given: str) -> None:
    """Run one of the forms above."""
    for name in given:
        path = Path(name)
        for body in distinct(feed, path) if path.is_dir() else [path.read_bytes()]:
            keep(feed, body)
    for name in (
        [feed] if feed else sorted(path.parent.name for path in CORPUS.glob(f"*/{OUTCOMES}"))
    ):
        record(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
