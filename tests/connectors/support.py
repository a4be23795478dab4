"""What the tests of the engine share: one tokeniser, one moment, one way to decode bytes."""

import hashlib
from datetime import UTC, datetime

from connectors.engine.engine import Decoded, Submission, decode
from connectors.engine.spec import Feed
from connectors.engine.tokens import Tokeniser

TOKENISER = Tokeniser(b"example key: 16+ bytes")
RECEIVED = datetime(2026, 6, 15, 10, 31, tzinfo=UTC)
SUBMITTER = "381290000019"


def submission(body: bytes, submitter: str = SUBMITTER) -> Submission:
    return Submission(hashlib.sha256(body).digest(), submitter, RECEIVED, body)


def run(feed: Feed, *bodies: bytes) -> Decoded:
    return decode(feed, [submission(body) for body in bodies], TOKENISER)


def reconciles(decoded: Decoded) -> bool:
    """Every record is in one outcome, and the tables hold exactly the counted records."""
    counts = decoded.counts
    sums = all(c.records == c.accepted + c.rejected + c.quarantined + c.skipped for c in counts)
    rows = decoded.batch.num_rows == sum(c.accepted for c in counts)
    held = {i for i, reason in enumerate(decoded.held) if reason is not None}
    listed = [n for n in decoded.quarantined["submission"].to_pylist() if n not in held]
    quarantined = sum(c.quarantined for i, c in enumerate(counts) if i not in held)
    rejected = {
        (row["submission"], row["record"])
        for row in decoded.findings.to_pylist()
        if row["outcome"] == "rejected"
    }
    return (
        sums
        and rows
        and len(listed) == quarantined
        and len(rejected) == sum(c.rejected for c in counts)
    )
