"""Values as hints: their shape and nothing else."""

import re
from collections.abc import Iterable

_LONGEST = 40


def masked(text: str) -> str:
    """A value with every digit as 9, every capital as A, other letters as a, Chinese as 中.

    Signs stay: they tell a date from an amount. A long value is cut.

    Example:
        >>> masked("2026-06-15"), masked("Müller"), masked("某某银行 A1")
        ('9999-99-99', 'Aaaaaa', '中中中中 A9')
    """
    out = "".join(_mask(one) for one in text[:_LONGEST])
    return out + ("..." if len(text) > _LONGEST else "")


def _mask(one: str) -> str:
    if "㐀" <= one <= "鿿":
        return "中"
    if one.isdigit() or one.isnumeric():
        return "9"
    if one.isupper():
        return "A"
    if one.isalpha():
        return "a"
    return one if one.isascii() and one.isprintable() else "?"


def common(values: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """The masks met most often, runs of one letter shortened beyond what tells them apart."""
    counts: dict[str, int] = {}
    for value in values:
        mask = re.sub(r"(.)\1{12,}", r"\1\1\1...", masked(value))
        counts[mask] = counts.get(mask, 0) + 1
    return tuple(sorted(counts, key=lambda mask: (-counts[mask], mask))[:most])
