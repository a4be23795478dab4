"""Reading TOML tables key by key: what is missing, of another type or left over is an error."""

from collections.abc import Mapping
from typing import Any

from schemas.errors import ConfigurationError


class Table:
    """A TOML table read key by key; `where` is the file and the place in it, for messages."""

    def __init__(self, where: str, table: Mapping[str, Any]) -> None:
        self.where, self.left = where, dict(table)

    def read(self, key: str, kind: type, example: str, *, default: Any = None) -> Any:  # noqa: ANN401
        """The value of a key.

        Raises:
            ConfigurationError: it is not there (and has no default) or of another type.
        """
        value = self.left.pop(key, default)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ConfigurationError(f"{self.where}: {key}: expected {example}; add or correct it")
        return value

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """A text that is one of some.

        Raises:
            ConfigurationError: it is none of them.
        """
        value: str = self.read(key, str, f"one of {', '.join(allowed)}")
        if value not in allowed:
            raise ConfigurationError(
                f"{self.where}: {key}: expected one of {', '.join(allowed)}; correct it"
            )
        return value

    def texts(self, key: str) -> tuple[str, str]:
        """A sentence in Chinese and in English."""
        table = Table(f"{self.where}: {key}", self.read(key, dict, 'zh = "..." and en = "..."'))
        pair = (table.read("zh", str, "a sentence"), table.read("en", str, "a sentence"))
        table.done()
        return pair

    def done(self) -> None:
        """Refuse what nobody read.

        Raises:
            ConfigurationError: a key is left.
        """
        if self.left:
            raise ConfigurationError(
                f"{self.where}: {sorted(self.left)[0]}: expected no such field; remove it"
            )
