"""The table of hints (`hints.toml`), read once, and how source names are compared with it."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

_HAN = re.compile(r"[㐀-鿿]+")
_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_GENERIC = 0.7  # of the score where only generic words are common


@dataclass(frozen=True, slots=True)
class Shape:
    """What texts of one kind look like; `share` of the values must, where it is not nearly all.

    Where `some` is said, at least one value looks like that: without a comma or a plus in any,
    amounts are plain.
    """

    name: str
    pattern: str
    says: str
    check: str | None
    options: str
    share: float | None
    some: str
    sensitive: bool


@dataclass(frozen=True, slots=True)
class Hint:
    """Names a canonical field goes by, shapes its values may have (none = by type), options."""

    names: tuple[str, ...]
    shapes: tuple[str, ...]
    options: str


@dataclass(frozen=True, slots=True)
class Hints:
    """The whole table."""

    generic: frozenset[str]
    words: Mapping[str, str]
    shapes: tuple[Shape, ...]
    fields: Mapping[str, Hint]
    sides: Mapping[str, tuple[str, ...]]
    parts: Mapping[str, tuple[str, ...]]


@cache
def hints() -> Hints:
    """Read `hints.toml`."""
    with (Path(__file__).parent / "hints.toml").open("rb") as file:
        raw: dict[str, Any] = tomllib.load(file)
    shapes = tuple(
        Shape(
            one["name"], one["pattern"], one["says"], one.get("check"), one.get("options", ""),
            one.get("share"), one.get("some", ""), bool(one.get("sensitive")),
        )
        for one in raw["shape"]
    )  # fmt: skip
    fields = {
        name: Hint(tuple(one["names"]), tuple(one.get("shapes", ())), one.get("options", ""))
        for name, one in raw["fields"].items()
    }
    return Hints(
        frozenset(raw["generic"]),
        MappingProxyType(raw["words"]),
        shapes,
        MappingProxyType(fields),
        MappingProxyType({name: tuple(one["words"]) for name, one in raw["sides"].items()}),
        MappingProxyType({name: tuple(words) for name, words in raw["parts"].items()}),
    )


def words(name: str) -> tuple[str, ...]:
    """The words of a source name: camel case and signs part them, abbreviations are said in full.

    Example:
        >>> words("IntrBkSttlmAmt/@Ccy"), words("贷款余额")
        (('intr', 'bk', 'settlement', 'amount', 'currency'), ('贷款余额',))
    """
    table = hints().words
    out: list[str] = []
    for piece in re.split(r"[^0-9A-Za-z㐀-鿿]+", name):
        for han in _HAN.findall(piece):
            out.append(han)
        for word in _PIECES.findall(_HAN.sub(" ", piece)):
            low = word.lower()
            out += ["intr"] if low == "intr" else table.get(low, low).split()
    return tuple(out)


def likeness(name: str, alias: str) -> float:
    """How alike a source name and an alias are, 0 to 1.

    Words in common over all words (Dice), the last words counting double: the head of a name says
    what it is. Of an alias of one word a name may have no other telling word. Chinese compares
    pairs of characters.

    Example:
        >>> likeness("Notional amount-Leg 1", "notional amount leg 1")
        1.0
        >>> likeness("贷款到期日期", "到期日期") > likeness("贷款发放日期", "到期日期")
        True
    """
    ours, theirs = words(name), words(alias)
    if any(_HAN.match(word) for word in (*ours, *theirs)):
        return _dice(_pairs("".join(ours)), _pairs("".join(theirs)))
    if not ours or not theirs:
        return 0.0
    score = _dice([*ours, ours[-1]], [*theirs, theirs[-1]])
    telling = set(ours) & set(theirs) - hints().generic
    if len(theirs) == 1 and set(ours) - set(theirs) - hints().generic:
        telling = set()  # a strike price is no price
    return score if telling or score == 1 else score * _GENERIC


def _pairs(text: str) -> list[str]:
    text = "".join(_HAN.findall(text))
    if len(text) < 2:
        return [text] if text else []
    return [text[at : at + 2] for at in range(len(text) - 1)] + [text[-2:]]


def _dice(ours: Iterable[str], theirs: Iterable[str]) -> float:
    left, right = list(ours), list(theirs)
    if not left or not right:
        return 0.0
    rest = list(right)
    common = 0
    for one in left:
        if one in rest:
            rest.remove(one)
            common += 1
    return 2 * common / (len(left) + len(right))
