"""What a sample holds: every field the engine would see, how often, and what its values look like.

The engine's own scanners make the cells, so a field has here the name it has in a spec, whatever
the format.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.engine.cells import NO_FIELD, Cells
from connectors.engine.chunks import units_of
from connectors.engine.engine import Decoder
from connectors.engine.gate import RefusedError
from connectors.engine.spec import Feed, parse
from connectors.engine.specgroups import framing
from connectors.engine.tokens import Tokeniser
from connectors.kit.detect_layout import Layout
from connectors.kit.hints import Shape, hints
from connectors.kit.masks import common
from schemas.errors import InputError
from schemas.identifiers import has_check, valid

_NEARLY_ALL = 0.98
_LOOKED_AT = 5_000  # distinct values whose shape is looked at
_CODES = 40  # a field with more distinct values holds no codes
_TABLES = ("csv", "xlsx")  # a column is there even where no row fills it
_NOBODY = Tokeniser(b"no token leaves this module")


@dataclass(frozen=True, slots=True)
class Field:
    """One source field: `records` have it, `repeated` have it more than once.

    `shape` is the first of the hints that nearly all values have, else `text`. `masks` are the
    commonest masked values. `codes` are the distinct values where these are few, short and plain
    codes that repeat; else none.
    """

    path: str
    records: int
    repeated: int
    distinct: int
    shape: str
    masks: tuple[str, ...]
    codes: tuple[str, ...]

    @property
    def in_header(self) -> bool:
        """Whether it belongs to the submission."""
        return self.path.startswith("/")


@dataclass(frozen=True, slots=True)
class Profile:
    """Fields of a sample in source order, and how many records it has."""

    records: int
    fields: tuple[Field, ...]

    def field(self, path: str) -> Field | None:
        """The field of a path, if the sample has it."""
        return next((field for field in self.fields if field.path == path), None)


def draft(layout: Layout) -> Feed:
    """A feed that reads no field: enough to scan a sample."""
    from connectors.kit.toml_text import text as quoted

    options = dict(layout.options)
    if "integrity" in options:  # a sample is looked at, whatever its sums are
        options["integrity"] = '"tolerate"'
    lines = [
        *('feed = "draft"', 'title_zh = "-"', 'title_en = "-"', 'status = "stand-in"'),
        f'format = "{layout.format}"',
        f'encoding = "{layout.encoding}"',
        f"record = {quoted(layout.record)}",
        *('kind = "event"', 'business_calendar = "NATURAL"', 'lateness = "1 d"'),
        *([f"header_starts = {quoted(layout.header_starts)}"] if layout.header_starts else []),
        *([f"delimiter = {quoted(layout.delimiter)}"] if layout.format == "csv" else []),
        *(f"{name} = {value}" for name, value in options.items()),
        *("[constants]", 'market_segment = "PYMT"', layout.sections),
    ]
    return parse(Path("draft/spec.toml"), "\n".join(lines))


def cells_of(feed: Feed, bodies: Sequence[bytes]) -> tuple[Cells, int]:
    """Scan bodies (of a large one the first chunk): their cells, and how many units they made.

    Raises:
        InputError: nothing can be read from one of them.
    """
    units = []
    try:
        for number, body in enumerate(bodies):
            units.append(next(iter(units_of(number, memoryview(body), feed))))
    except RefusedError as refused:
        raise InputError(_told(refused)) from None
    scanned, refusals = Decoder(feed, _NOBODY).scan(units)
    if refusals:
        raise InputError(_told(next(iter(refusals.values()))))
    return Cells(scanned), len(units)


def _told(refused: RefusedError) -> str:
    return (
        f"sample: {refused.field}: expected {refused.expected} ({refused.rule}); say what it is "
        "with --format, --encoding or --record"
    )


def profile(feed: Feed, bodies: Sequence[bytes]) -> Profile:
    """Look at every field of some submissions.

    Args:
        feed: Says format and record; what it maps does not matter, nor what it requires.
        bodies: As sent.

    Raises:
        InputError: one of them cannot be read at all.
    """
    cells, units = cells_of(replace(feed, columns=(), locals=()), bodies)
    found = []
    table = feed.format in _TABLES
    own = {NO_FIELD, ".", "/", *framing(feed.groups)}  # what readers check by themselves
    there = {path for path, _ in cells.undecided(())}
    for path in list(cells.scanned.book.names):
        if path in own or (table and path.startswith("@")) or not (table or path in there):
            continue
        if path.startswith("/") and not table:
            values = pa.array(cells.header(path, units), pa.string())
            repeated = 0
        else:
            values, twice, _ = cells.column(path)
            repeated = int(np.count_nonzero(twice))
        records = len(values) - values.null_count
        found.append(_field(path, values, records, repeated))
    return Profile(cells.count, tuple(found))


def _field(path: str, values: pa.Array, records: int, repeated: int) -> Field:
    counts = pc.value_counts(values.drop_null())
    unique = counts.field("values")
    distinct = len(unique)
    looked = unique.slice(0, _LOOKED_AT)
    weights = counts.field("counts").to_numpy() if distinct <= _CODES else None
    shape = shape_of(looked, weights)
    texts = looked.slice(0, 200).to_pylist()
    return Field(path, records, repeated, distinct, shape, common(texts), _codes(shape, values))


def shape_of(values: pa.Array, weights: NDArray[np.int64] | None = None) -> str:
    """The first shape of the hints that nearly all values have; else `text`, or `empty`.

    Args:
        values: Distinct ones.
        weights: How often each is met; of few values one odd record must not tell.

    Example:
        >>> shape_of(pa.array(["2026-06-15"])), shape_of(pa.array(["79,326,002+", "1,000"]))
        ('date', 'capped')
    """
    if not len(values):
        return "empty"
    for shape in hints().shapes:
        fits = _fits(shape, values)
        share = fits.mean()
        if weights is not None and not shape.share:
            share = max(share, np.average(fits, weights=weights))
        if share >= (shape.share or _NEARLY_ALL) and (not shape.some or _any(shape.some, values)):
            return shape.name
    return "text"


def _fits(shape: Shape, values: pa.Array) -> NDArray[np.bool_]:
    hit = pc.match_substring_regex(values, rf"\A(?:{shape.pattern})\z")
    fits: NDArray[np.bool_] = hit.to_numpy(zero_copy_only=False)
    if shape.check and has_check(shape.check) and fits.any():
        fits = fits & valid(shape.check, values)
    return fits


def _any(pattern: str, values: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring_regex(values, rf"\A(?:{pattern})\z")).as_py())


def _codes(shape: str, values: pa.Array) -> tuple[str, ...]:
    """Distinct values that are codes of a list: short capitals, few, and met again and again."""
    if shape not in ("code", "flag", "currency"):
        return ()
    counts = pc.value_counts(values.drop_null())
    if not 0 < len(counts) <= _CODES or len(counts) * 2 > len(values) + 2:
        return ()
    return tuple(sorted(counts.field("values").to_pylist()))
