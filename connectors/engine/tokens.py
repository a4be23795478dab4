"""Tokens: the one place that holds the key.

A token is HMAC-SM3 (GB/T 32905) in hex over a kind and a normal form: bank and account, or a
document's type and number. Never over a name. Whoever holds the key can find a short identifier
by trying; the key therefore is passed in, stays in this object, and never leaves it.
"""

import hashlib
import hmac

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from connectors.engine.convert import parts
from connectors.engine.kernels import sm3
from schemas.errors import ConfigurationError, PrerequisiteError

_SEPARATOR = "\x1f"
KEY_BYTES = 16


class Tokeniser:
    """Makes tokens of columns, one HMAC a row; callers remember what they asked.

    Args:
        key: At least 16 bytes.

    Raises:
        PrerequisiteError: this Python's OpenSSL has no SM3.
        ConfigurationError: the key is too short.
    """

    def __init__(self, key: bytes) -> None:
        if "sm3" not in hashlib.algorithms_available:
            raise PrerequisiteError(
                "tokens: SM3: expected it in this Python's OpenSSL, it is absent; "
                "use a Python linked with OpenSSL 1.1.1 or later built with SM3"
            )
        if len(key) < KEY_BYTES:
            raise ConfigurationError(
                f"tokens: key: expected at least {KEY_BYTES} bytes; set a longer one"
            )
        block = key if len(key) <= sm3.BLOCK else hashlib.new("sm3", key).digest()
        self._inner, self._outer = _absorbed(block, 0x36), _absorbed(block, 0x5C)
        self._prove(key)

    def __repr__(self) -> str:
        return "Tokeniser(key withheld)"

    def tokens(self, kind: str, texts: pa.Array) -> pa.Array:
        """Tokens (64 hex digits) of normal forms; null where the text is null.

        Args:
            kind: "account" or "document": the same text of two kinds gives two tokens.
            texts: Normal forms of `schemas.identity`.
        """
        digests, valid = self._digests(kind, texts)
        digits = np.empty(2 * digests.size, np.uint8)
        sm3.hexadecimal(digests, digits)
        offsets = np.zeros(len(texts) + 1, np.int32)
        np.cumsum(valid, out=offsets[1:])
        offsets *= 2 * sm3.DIGEST
        buffers = [_bits(valid), pa.py_buffer(offsets), pa.py_buffer(digits)]
        return pa.Array.from_buffers(pa.string(), len(texts), buffers)

    def keyed16(self, kind: str, texts: pa.Array) -> pa.Array:
        """Keyed hashes of 16 bytes of business numbers ("invoice", "contract"); null stays null."""
        digests, valid = self._digests(kind, texts)
        out = np.zeros((len(texts), 16), np.uint8)
        out[valid] = digests[:, :16]
        return pa.Array.from_buffers(pa.binary(16), len(texts), [_bits(valid), pa.py_buffer(out)])

    def _digests(self, kind: str, texts: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        data, offsets, valid = parts(texts)
        out = np.empty((int(valid.sum()), sm3.DIGEST), np.uint8)
        prefix = np.frombuffer(f"{kind}{_SEPARATOR}".encode(), np.uint8)
        sm3.hmac_rows(self._inner, self._outer, prefix, data, offsets, valid, out)
        return out, valid

    def _prove(self, key: bytes) -> None:
        """Hold the kernel to OpenSSL once: a wrong token would never be noticed later."""
        text = "proof of both block counts ".ljust(64, "0")
        for size in (10, 64):
            wanted = hmac.digest(key, f"proof{_SEPARATOR}{text[:size]}".encode(), "sm3").hex()
            if self.tokens("proof", pa.array([text[:size]])).to_pylist() != [wanted]:
                raise PrerequisiteError(
                    "tokens: SM3: expected the compiled kernel to agree with OpenSSL, it does not; "
                    "remove connectors/engine/kernels/__pycache__ and start again"
                )


def _absorbed(key: bytes, pad: int) -> NDArray[np.uint32]:
    """The hash state after one block of the key and a pad byte."""
    state = sm3.START.copy()
    block = np.frombuffer(key.ljust(sm3.BLOCK, b"\0"), np.uint8) ^ np.uint8(pad)
    sm3.compress(state, block, np.empty(68, np.uint32))
    return state


def _bits(valid: NDArray[np.bool_]) -> pa.Buffer | None:
    return None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
