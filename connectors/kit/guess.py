"""Which canonical field a source field may be: by name, by shape, one to one, with the reason."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

import pyarrow as pa

from connectors.kit.detect_fix import tags
from connectors.kit.hints import Hint, hints, likeness, words
from connectors.kit.profile import Field, Profile
from connectors.kit.toml_text import key, text
from schemas.codes import code_lists
from schemas.fields import arrow_schema, fields

_ENOUGH = 0.66  # below this a name says too little
_NEAR = 0.6  # enough for a hint that a person reads
_STEPS = 3  # steps at the end of a path that can say what it is
# Shapes a canonical type can be read from.
_NUMBERS = (
    "integer",
    "time_packed",
    "decimal",
    "grouped",
    "capped",
    "date_packed",
    "area",
    "agent12",
)
_DAYS = ("date", "date_packed", "date_slash")
_MOMENTS = (
    *("moment", "moment_no_zone", "moment_blank", "moment_packed_blank", "moment_fix"),
    *("moment_packed", *_DAYS),
)
_BY_TYPE: tuple[tuple[Callable[[pa.DataType], bool], tuple[str, ...]], ...] = (
    (pa.types.is_decimal, _NUMBERS),
    (pa.types.is_integer, ("integer", "time_packed", "date_packed")),
    (pa.types.is_date32, _DAYS),
    (pa.types.is_timestamp, _MOMENTS),
    (pa.types.is_string, ("reference", "code", "text", "integer")),
)
# Groups of canonical fields that go by their own name too, if nothing else is said of them.
_BY_NAME = ("lifecycle", "product", "economics", "venue_time", "collateral", "payments", "order")
_UNIT = re.compile(r"[(（](万元|元)[)）]")  # a unit in a name says how to read it, not what it is
_OWN_NAME = 0.9  # how like a canonical name a source name must be, where no other name is known
_SAID_BY_HAND = ("asset_class", "contract_type")  # a source has codes of its own for these
_PARTY_SHAPES = {
    "lei": "LEI", "uscc": "USCC", "agent12": "CNAPS12", "fin14": "FIN14",
    "resident_id": "RESIDENT_ID",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Guess:
    """A source field that may be a canonical one; `score` 0 to 1, `options` as a spec says them."""

    path: str
    target: str
    score: float
    why: str
    options: str


@dataclass(frozen=True, slots=True)
class PartyGuess:
    """What of a side a source field may be: ids (with a scheme), name, account or agent."""

    path: str
    side: str
    part: str
    scheme: str
    why: str


def guesses(profile: Profile, kind: str) -> list[Guess]:
    """At most one canonical field a source field and one source field a canonical one.

    Args:
        profile: Of the sample.
        kind: Of the records; only its fields are considered.
    """
    schema = arrow_schema(kind)
    found = []
    known = _known(kind)
    for field in profile.fields:
        for target, (names, enough) in known.items():
            if not _fits(schema.field(target).type, field, target):
                continue
            score, alias = _best(field.path, names)
            if score >= enough:
                score += 0.02 * (field.records == profile.records) - 0.02 * bool(field.repeated)
                found.append(_guess(field, target, score, alias))
    found.sort(key=lambda one: (-one.score, one.path, one.target))
    taken: set[str] = set()
    out = []
    for one in found:
        if one.path not in taken and one.target not in taken:
            taken |= {one.path, one.target}
            out.append(one)
    return out


def party_guesses(profile: Profile, taken: Iterable[str]) -> list[PartyGuess]:
    """Source fields that may say who a side is."""
    used = set(taken)
    out = []
    for field in profile.fields:
        if field.path in used or field.in_header:
            continue
        sides = [(_side(field.path, names), side) for side, names in hints().sides.items()]
        score, side = max(sides)
        if score == 0 or [one for one, _ in sides].count(score) > 1:
            continue
        part, scheme = _part(field)
        if part:
            shape = _says(field.shape)
            out.append(PartyGuess(field.path, side, part, scheme, f"named like {side}; {shape}"))
    return out


def near(field: Field, kind: str) -> str:
    """The canonical field whose name is nearest, if its type could be; empty where none is near."""
    schema = arrow_schema(kind)
    able = (
        (_best(field.path, names)[0], name)
        for name, (names, enough) in _known(kind).items()
        if enough == _ENOUGH
        and (field.shape in ("empty", "list") or _fits(schema.field(name).type, field, name))
    )
    score, name = max(able, default=(0.0, ""))
    return name if score >= _NEAR else ""


@cache
def _known(kind: str) -> dict[str, tuple[tuple[str, ...], float]]:
    """Canonical fields of a kind -> names they go by, and how like one of them is enough."""
    out = {}
    for field in arrow_schema(kind):
        hint = hints().fields.get(field.name)
        if hint:
            out[field.name] = (hint.names, _ENOUGH)
        elif fields()[field.name].group in _BY_NAME:
            out[field.name] = ((field.name.replace("_", " "),), _OWN_NAME)
    return out


def code_map(target: str, codes: Iterable[str]) -> str:
    """`map = { ... }` of the codes met: a code of the canonical list is itself, others are '?'."""
    known = code_lists().get(target)
    same = (known or codes) if target not in _SAID_BY_HAND else ()
    entries = (f"{key(code)} = {text(code if code in same else '?')}" for code in codes)
    return f"map = {{ {', '.join(entries)} }}"


def _guess(field: Field, target: str, score: float, alias: str) -> Guess:
    hint = hints().fields.get(target, Hint((), (), ""))
    coded = code_map(target, field.codes) if _is_coded(target) else ""
    shape = next((one for one in hints().shapes if one.name == field.shape), None)
    by_shape = shape.options if shape and _wanted(target, shape.options) else ""
    options = coded or hint.options or by_shape
    if field.shape in _DAYS and target.endswith("_timestamp"):  # a day alone: its Beijing midnight
        options = ", ".join([options or 'format = "%Y-%m-%d"', 'tz = "+08:00"'])
    score = min(score, 1.0)
    doubt = ""
    if "rate" in target and "exchange" not in target:
        doubt = "; a percent? then add percent = true"
    unit = _UNIT.search(field.path)
    if unit and unit[1] == "万元" and "decimal" in fields()[target].type_text:
        options = ", ".join([*([options] if options else []), "shift = 4"])
        doubt = "; all in 万元"
    why = f'name like "{alias}" ({score:.2f}); values: {_says(field.shape)}{doubt}'
    return Guess(field.path, target, score, why, options)


def _wanted(target: str, options: str) -> bool:
    """Identifier checks of a shape only where the field is of that kind."""
    return not options.startswith("is =") or any(
        word in target for word in ("currency", "region", "isin", "uetr")
    )


def _says(shape: str) -> str:
    named = next((one.says for one in hints().shapes if one.name == shape), "")
    return named or ("no value in the sample" if shape == "empty" else "text")


def _best(path: str, names: Iterable[str]) -> tuple[float, str]:
    """The best alias for the end of a path: the last step, or the last few together."""
    named = tags()["names"]  # a FIX path is tags: "party/448"
    path = _UNIT.sub("", path)
    steps = [named.get(one, one) for one in path.lstrip("/").replace("/@", "@").split("/")]
    ends = [" ".join(steps[-count:]) for count in range(1, min(_STEPS, len(steps)) + 1)]
    scored = ((likeness(end, alias), -len(alias), alias) for alias in names for end in ends)
    score, _, alias = max(scored)
    return score, alias


def _fits(kind: pa.DataType, field: Field, target: str) -> bool:
    """Whether values of this shape can be read as the canonical field."""
    if field.shape in ("empty", "list"):
        return False
    if _is_coded(target):
        return bool(field.codes)
    hint = hints().fields.get(target)
    allowed = hint.shapes if hint else ()
    return field.shape in (allowed or next((s for fits, s in _BY_TYPE if fits(kind)), ()))


def _is_coded(target: str) -> bool:
    return fields()[target].type_text.startswith("dictionary")


def _side(path: str, names: Iterable[str]) -> int:
    """How many of a side's words a path has, the longest match counted."""
    ours = words(path)
    best = 0
    for name in names:
        wanted = words(name)
        if all(any(want == word or _han_in(want, word) for word in ours) for want in wanted):
            best = max(best, sum(map(len, wanted)))
    return best


def _han_in(want: str, word: str) -> bool:
    return not want.isascii() and want in word


def _part(field: Field) -> tuple[str, str]:
    """(ids, name or account; scheme of an id) by shape first, then by words; empty if neither."""
    if field.shape in ("agent12", "bic") and _side(field.path, hints().parts["agent"]):
        return "agent", ""
    if field.shape in _PARTY_SHAPES:
        return "ids", _PARTY_SHAPES[field.shape]
    for part, names in hints().parts.items():
        if _side(field.path, names) and part not in ("ids", "agent"):
            return part, ""
    return "", ""
