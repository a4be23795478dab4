"""Decoding for trials: one tokeniser, one moment, one submitter of the register."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from connectors.engine.engine import Decoded, Decoder, Submission
from connectors.engine.spec import Feed
from connectors.engine.tokens import Tokeniser

_TOKENISER = Tokeniser(b"a key for trials only")
_RECEIVED = datetime(2026, 6, 15, 10, 31, tzinfo=UTC)
_SUBMITTER = "381290000019"


def decode(feed: Feed, bodies: Sequence[bytes]) -> Decoded:
    """Decode each body as a submission of its own."""
    submissions = [
        Submission(hashlib.sha256(body).digest(), _SUBMITTER, _RECEIVED, body) for body in bodies
    ]
    return Decoder(feed, _TOKENISER).decode(submissions)


def lenient(feed: Feed) -> Feed:
    """The feed with nothing required: to compare the values also of records it would refuse."""
    columns = tuple(
        replace(column, required=False, options={**column.options, "required": False})
        for column in feed.columns
    )
    local = tuple(replace(column, required=False) for column in feed.locals)
    parties = tuple(replace(party, required=False) for party in feed.parties)
    return replace(feed, columns=columns, locals=local, parties=parties)
