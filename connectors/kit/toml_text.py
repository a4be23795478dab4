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


def texts(values: Iterable[str]) -> str:
    """A list of strings on one line.

    Example:
        >>> print(texts(["a", "b"]))
        ["a", "b"]
    """
    return f"[{', '.join(map(text, values))}]"
