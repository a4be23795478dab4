"""Elements, numbers and text as they may stand in a page: escaped, bounded, the same every time."""

import re
import unicodedata

from markupsafe import Markup, escape

# Control characters are not text; direction overrides make a name read as another one.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)
_WIDE = frozenset("WFA")

Attribute = str | int | float | None


def clean(text: str) -> str:
    """Text with control characters and direction overrides replaced by a replacement character.

    Example:
        >>> [ord(mark) for mark in clean("a" + chr(0x202E))]
        [97, 65533]
    """
    return _UNSAFE.sub("\ufffd", text.replace("\n", " "))


def number(value: float) -> str:
    """A coordinate with at most one decimal, never in exponent form and never "-0".

    Example:
        >>> number(3.0), number(2.25), number(-0.01), number(1e9)
        ('3', '2.2', '0', '1000000000')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def el(tag: str, *children: str | Markup, **attributes: Attribute) -> Markup:
    """One element. Attribute names: a trailing `_` is dropped, `_` inside becomes `-`.

    None leaves an attribute out. Children and values are escaped unless they are `Markup`.

    Example:
        >>> str(el("text", "a<b", x=1.0, stroke_width=2, class_="n", y=None))
        '<text x="1" stroke-width="2" class="n">a&lt;b</text>'
    """
    parts = [f"<{tag}"]
    for name, value in attributes.items():
        if value is None:
            continue
        text = number(value) if isinstance(value, int | float) else clean(value)
        parts.append(f' {name.rstrip("_").replace("_", "-")}="{escape(text)}"')
    inner = "".join(
        str(child) if isinstance(child, Markup) else str(escape(clean(child))) for child in children
    )
    parts.append(f">{inner}</{tag}>")
    return Markup("".join(parts))  # noqa: S704 - every part above is escaped or already Markup


def join(parts: list[Markup]) -> Markup:
    """Parts put one after the other."""
    return Markup("").join(parts)


def both(zh: str, en: str) -> Markup:
    """A phrase in both languages, each marked with its language."""
    return join([el("span", zh, lang="zh"), Markup(" "), el("span", en, lang="en", class_="en")])


def text_width(text: str, size: float) -> float:
    """About how wide a text is, in the unit of `size`; errs to the wide side.

    Example:
        >>> text_width("上海", 10), round(text_width("ab", 10), 1)
        (20.0, 12.4)
    """
    return sum(
        1.0 if unicodedata.east_asian_width(mark) in _WIDE else 0.62 for mark in text
    ) * float(size)


def shorten(text: str, size: float, room: float) -> str:
    """The text, or as much of its beginning as fits in `room` with an ellipsis.

    Example:
        >>> shorten("structuring", 10, 40), shorten("short", 10, 40)
        ('stru…', 'short')
    """
    if text_width(text, size) <= room:
        return text
    kept = text
    while kept and text_width(kept + "…", size) > room:
        kept = kept[:-1]
    return kept + "…"


def wrapped(text: str, size: float, room: float) -> list[str]:
    """The text in lines of whole words that fit in `room`; a longer word stands alone.

    Example:
        >>> wrapped("% of the contract's volume", 11, 120)
        ['% of the', "contract's volume"]
    """
    lines: list[str] = []
    for one in text.split():
        if lines and text_width(f"{lines[-1]} {one}", size) <= room:
            lines[-1] += f" {one}"
        else:
            lines.append(one)
    return lines
