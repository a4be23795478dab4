"""Payment messages made by others: our verdict on each, beside that of its XML schema.

A schema knows the shape of a message. Ours knows less of it (order, lengths, what nobody here
reads) and more (check digits, control totals, who the parties are): each difference has a reason.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lxml import etree  # type: ignore[import-untyped]

from benchmarks.trials.decoding import decode
from connectors.engine.spec import Feed

FEED_OF = {
    "pacs.008": "pacs008",
    "pacs.009": "pacs009",
    "pacs.002": "pacs002",
    "pacs.004": "pacs004",
    "camt.053": "camt053",
}
_SPACE = re.compile(rb'="urn:iso:std:iso:20022:tech:xsd:((?:pacs|camt)\.\d{3})\.\d{3}\.(\d\d)"')
_NOT_XML = {".xsd", ".json", ".csv", ".md", ".txt", ""}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One sample. `valid` is None where no schema of its version is at hand."""

    message: str  # pacs.008
    version: str  # 08
    file: str
    valid: bool | None
    decoded: bool
    held: str | None
    rules: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Why our verdict and the schema's differ, or nothing."""
        if self.valid is None or self.valid == self.decoded:
            return ""
        if "ENG-NAMESPACE" in self.rules:
            return "a version no feed reads"
        if "ENG-NO-RECORD" in self.rules:
            return "states nothing: a header without a record"
        if self.decoded:
            return "the schema asks for more than we read (order, presence, extensions)"
        return f"asks more than the schema: {', '.join(self.rules)}"


def verdicts(feeds: Mapping[str, Feed], folder: Path) -> Iterator[Verdict]:
    """Every sample of a message some feed reads, whatever its version.

    Args:
        feeds: By name.
        folder: Samples and schemas, anywhere below it.
    """
    schemas = _schemas(folder)
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix in _NOT_XML:
            continue
        body = path.read_bytes()
        found = _SPACE.findall(body)
        names = [(one.decode(), two.decode()) for one, two in found if one.decode() in FEED_OF]
        if not names:
            continue
        message, version = names[0]
        told = decode(feeds[FEED_OF[message]], [body])
        count = told.counts[0]
        rules = {row["rule_id"] for row in told.findings.to_pylist() if row["outcome"] != "warning"}
        yield Verdict(
            message,
            version,
            path.relative_to(folder).as_posix(),
            valid(body, schemas.get(f"{message}.001.{version}")),
            count.accepted == count.records > 0,
            told.held[0],
            tuple(sorted(rules)),
        )


def valid(body: bytes, schema: Path | None) -> bool | None:
    """Whether the `Document` in a body is valid; None without a schema."""
    if schema is None:
        return None
    try:
        tree = etree.fromstring(body)
    except etree.XMLSyntaxError:
        return False
    documents = list(tree.iter("{*}Document"))
    return bool(documents) and _schema(schema).validate(documents[0])


def schema_of(folder: Path, name: str) -> Path | None:
    """The schema of a message version, such as `pacs.008.001.08`, if it is at hand."""
    return _schemas(folder).get(name)


@cache
def _schemas(folder: Path) -> dict[str, Path]:
    return {
        path.stem: path for path in sorted(folder.rglob("*.xsd")) if re.match(r"\w{4}\.", path.name)
    }


@cache
def _schema(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(path))
