"""Named SQL relations of the ledger: one file each, its name the relation's name.

Every file opens with a comment of five lines that are checked when the views are made: `question`,
`grain`, `reads`, `units`, `shown to`. A view reads only what is known now (`known_to` is null); a
session that asks about an earlier time sees earlier tables (`ledger.asof`), so every view follows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from types import MappingProxyType

from ledger.duck import Connection
from schemas.errors import ConfigurationError

KEYS = ("question", "grain", "reads", "units", "shown to")
AUDIENCES = (
    "all four supervisors",
    "joint cases only",
    "operators of the repository",
    "every vantage its own rows",
)
_HEADER = re.compile(r"/\*(.*?)\*/", re.DOTALL)
_LINE = re.compile(r"^   ([a-z][a-z ]*?) *: (.*)$")


@dataclass(frozen=True, slots=True)
class View:
    """One view file: its title, its header by key, and its SELECT."""

    name: str
    title: str
    header: Mapping[str, str]
    sql: str

    @property
    def reads(self) -> tuple[str, ...]:
        """Tables and views it reads."""
        return tuple(part.strip() for part in self.header["reads"].split(","))

    @property
    def grain(self) -> tuple[str, ...]:
        """Columns in which no two rows agree."""
        columns = self.header["grain"].partition("(")[2].partition(")")[0]
        return tuple(part.strip() for part in columns.split(","))


def read_view(path: Path) -> View:
    """Read and check one file.

    Raises:
        ConfigurationError: the header lacks a key, has them in another order, or names an audience
            that is none.
    """
    text = path.read_text(encoding="utf-8")
    found = _HEADER.match(text)
    if found is None:
        raise ConfigurationError(f"{path.name}: header: expected /* ... */ at the top; add it")
    title, *lines = [line for line in found[1].split("\n") if line.strip()]
    header: dict[str, str] = {}
    for line in lines:
        if entry := _LINE.match(line):
            header[entry[1]] = entry[2].strip()
        elif header:
            header[list(header)[-1]] += " " + line.strip()
    if tuple(header) != KEYS:
        raise ConfigurationError(
            f"{path.name}: header: expected the lines {', '.join(KEYS)} in this order"
        )
    if header["shown to"] not in AUDIENCES:
        raise ConfigurationError(
            f"{path.name}: shown to: expected one of {', '.join(AUDIENCES)}; correct it"
        )
    return View(path.stem, title.strip(), MappingProxyType(header), text[found.end() :].strip())


@cache
def load_views(folder: Path = Path(__file__).parent) -> Mapping[str, View]:
    """All views by name, each after those it reads.

    Raises:
        ConfigurationError: a header is wrong.
    """
    found = {path.stem: read_view(path) for path in sorted(folder.glob("*.sql"))}
    order = TopologicalSorter(
        {name: [other for other in view.reads if other in found] for name, view in found.items()}
    )
    return MappingProxyType({name: found[name] for name in order.static_order()})


def create(connection: Connection) -> None:
    """Make every view in a ledger that has its tables."""
    for view in load_views().values():
        connection.execute(f'CREATE OR REPLACE VIEW "{view.name}" AS {view.sql}')
