"""Tokens: the one place that holds the key.

A token is HMAC-SM3 (GB/T 32905) in hex over a kind and a normal form: bank and account, or a
document's type and number. Never over a name. Whoever holds the key can find a short identifier
by trying; the key therefore is passed in, stays in this object, and never leaves it.
"""

import hashlib
import hmac

import pyarrow as pa

from connectors.engine.remembered import Remembered
from schemas.errors import ConfigurationError, PrerequisiteError

_SEPARATOR = "\x1f"
_CACHE_LIMIT = 1_000_000
KEY_BYTES = 16


class Tokeniser:
    """Makes tokens of columns, one HMAC a unique value, remembered across submissions.

    Args:
        key: At least 16 bytes.
        cache_limit: Values remembered per kind; when full the memory starts afresh.

    Raises:
        PrerequisiteError: this Python's OpenSSL has no SM3.
        ConfigurationError: the key is too short.
    """

    def __init__(self, key: bytes, cache_limit: int = _CACHE_LIMIT) -> None:
        if "sm3" not in hashlib.algorithms_available:
            raise PrerequisiteError(
                "tokens: SM3: expected it in this Python's OpenSSL, it is absent; "
                "use a Python linked with OpenSSL 1.1.1 or later built with SM3"
            )
        if len(key) < KEY_BYTES:
            raise ConfigurationError(
                f"tokens: key: expected at least {KEY_BYTES} bytes; set a longer one"
            )
        self._key = key
        self._limit = cache_limit
        self._kinds: dict[str, Remembered] = {}

    def __repr__(self) -> str:
        return "Tokeniser(key withheld)"

    def tokens(self, kind: str, texts: pa.Array) -> pa.Array:
        """Tokens (64 hex digits) of normal forms; null where the text is null.

        Args:
            kind: "account" or "document": the same text of two kinds gives two tokens.
            texts: Normal forms of `schemas.identity`.
        """
        known = self._kinds.get(kind)
        if known is None:
            known = Remembered(lambda new: self._make(kind, new), pa.string(), self._limit)
            self._kinds[kind] = known
        return known.column(texts)

    def make(self, kind: str, texts: pa.Array) -> pa.Array:
        """As `tokens`, for a caller that remembers the results itself: one HMAC a row."""
        return self._make(kind, texts)

    def keyed16(self, kind: str, texts: pa.Array) -> pa.Array:
        """Keyed hashes of 16 bytes of business numbers ("invoice", "contract"); null stays null."""
        name = f"keyed {kind}"
        known = self._kinds.get(name)
        if known is None:
            known = Remembered(lambda new: self._make16(kind, new), pa.binary(16), self._limit)
            self._kinds[name] = known
        return known.column(texts)

    def _make(self, kind: str, texts: pa.Array) -> pa.Array:
        key, prefix = self._key, f"{kind}{_SEPARATOR}"
        return pa.array(
            [
                None if text is None else hmac.digest(key, (prefix + text).encode(), "sm3").hex()
                for text in texts.to_pylist()
            ],
            pa.string(),
        )

    def _make16(self, kind: str, texts: pa.Array) -> pa.Array:
        made = [bytes.fromhex(token)[:16] for token in self._make(kind, texts).to_pylist()]
        return pa.array(made, pa.binary(16))
