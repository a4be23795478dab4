"""TOML as a person would write it: the few forms a spec needs."""

from collections.abc import Iterable


def text(value: str) -> str:
    r"""A basic string.

    Example:
        >>> text("a\tb") == chr(34) + r"a\tb" + chr(34)
        True
    """
    table = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "\n": "\\n", "\r": "\\r"}
    return '"' + "".join(table.get(one, one) for one in value) + '"'


def key(name: str) -> str:
    """A bare key where TOML allows one, else a quoted one.

    Example:
        >>> key("price"), key("extension.x")
        ('price', '"extension.x"')
    """
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else text(name)


def texts(values: Iterable[str], indent: str = "    ", width: int = 96) -> str:
    """A list of strings over as many lines as it needs.

    Example:
        >>> print(texts(["a", "b"]))
        [
            "a", "b",
        ]
    """
    lines, line = [], ""
    for value in values:
        piece = text(value) + ","
        if line and len(indent) + len(line) + 1 + len(piece) > width:
            lines.append(indent + line)
            line = ""
        line = f"{line} {piece}" if line else piece
    if line:
        lines.append(indent + line)
    return "\n".join(["[", *lines, "]"]) if lines else "[]"
