"""The first draft of a spec from a sample: guesses marked, everything else undecided."""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.kit.detect import layout
from connectors.kit.detect_fix import tags
from connectors.kit.detect_layout import Layout
from connectors.kit.guess import Guess, PartyGuess, guesses, near, party_guesses
from connectors.kit.hints import hints
from connectors.kit.profile import Field, Profile, draft, profile
from connectors.kit.toml_text import key, text
from schemas.fields import arrow_schema

_FEW = 40  # distinct values worth counting
_ORDER = (
    "source_trade_id", "event_timestamp", "execution_timestamp", "reporting_timestamp",
)  # fmt: skip
# Canonical columns that are no field of a record: constants say them, unless the source does.
_CONSTANTS = {
    "source_system_code": "the system the reports come from, such as SHCPE",
    "message_type": "what the source calls the message",
    "action_type": "NEWT where every record is new",
    "event_type": "such as TRAD; a [fields] line with a map where the source has codes",
    "asset_class": "such as INTR, CURR, CASH, LOAN, BILL",
    "contract_type": "such as SWAP, PYMT, LOAN, BILL",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft spec: its text, and what it was made from."""

    text: str
    layout: Layout
    profile: Profile
    guesses: tuple[Guess, ...]
    parties: tuple[PartyGuess, ...]
    undecided: tuple[str, ...]
    empty: tuple[str, ...]


def new_spec(
    name: str,
    sample: bytes,
    form: str | None = None,
    encoding: str | None = None,
    record: str | None = None,
    kind: str = "event",
    market: str = "",
) -> Draft:
    """Draft a spec.

    Args:
        name: Of the feed and its folder.
        sample: One submission, as sent.
        form: The format; None finds it.
        encoding: The encoding; None finds it.
        record: The path of a record; None finds it.
        kind: Of the records.
        market: Its segment; empty leaves it to be said.

    Raises:
        InputError: the sample cannot be read.
    """
    found = layout(sample, form, encoding, record)
    feed = draft(found)
    seen = profile(feed, [sample])
    made = tuple(guesses(seen, kind))
    parties: tuple[PartyGuess, ...] = ()
    if "counterparty_1_id" in arrow_schema(kind).names:
        parties = tuple(_one_name(party_guesses(seen, [one.path for one in made])))
    known = {one.path for one in made} | {one.path for one in parties}
    left = [field for field in seen.fields if field.path not in known]
    empty = tuple(field.path for field in left if field.shape == "empty")
    undecided = tuple(field.path for field in left if field.shape != "empty")
    body = _spec(name, found, seen, made, parties, (undecided, empty), kind, market)
    return Draft(body, found, seen, made, parties, undecided, empty)


def _spec(
    name: str,
    found: Layout,
    seen: Profile,
    made: Sequence[Guess],
    parties: Sequence[PartyGuess],
    left: tuple[Sequence[str], Sequence[str]],
    kind: str,
    market: str,
) -> str:
    return "\n".join(
        [
            *_head(name, found, kind),
            *_undecided(seen, left[0], kind),
            *_empty(left[1]),
            *_key(made, kind),
            "",
            "# Paths nobody reads, each list with its reason:",
            '# "free text, may hold names" = ["remark"]',
            "[ignored]",
            "",
            "# What the source by its nature does not state, though the market requires it:",
            '# "a public print names nobody" = ["counterparty_1_id", "counterparty_2_id"]',
            "# [not_stated]",
            "",
            *_sections(found),
            *_catalogue(),
            *_constants(made, kind, market),
            *_fields(seen, made, kind),
            *_parties(parties),
            "",
        ]
    )


def _head(name: str, found: Layout, kind: str) -> list[str]:
    def line(field: str, value: str) -> str:
        why = found.why.get(field, "")
        return f"{field:<17} = {value}" + (f"   # guess: {why}" if why else "")

    lines = [
        "# Draft of a feed from one sample. Lines marked `guess` are guesses with their reason:",
        "# check each against the sender's documentation and take the mark away. `yrd feed check`",
        "# says what is still open. The language: docs/feeds.md; step by step: docs/add-a-feed.md.",
        line("feed", text(name)),
        'title_zh          = "待定"',
        f"title_en          = {text(name)}",
        'status            = "stand-in"   # public | stand-in | ours',
        line("format", text(found.format)),
        line("encoding", text(found.encoding)),
    ]
    if found.namespace:
        lines.append(line("namespace", f"'{found.namespace}'"))
    if found.record or found.format in ("xml", "json"):
        lines.append(line("record", text(found.record)))
    if found.format == "csv":
        lines.append(line("delimiter", text(found.delimiter)))
        if found.header_starts:
            lines.append(line("header_starts", text(found.header_starts)))
    lines += [f"{option:<17} = {value}" for option, value in found.options.items()]
    lines += [
        'undecided         = "quarantine"',
        f"kind              = {text(kind)}",
        'lateness          = "1 d"        # guess: how long after it happened a report is on time',
        'business_calendar = "NATURAL"    # guess: BANK, SHCPE, ... see docs/schema/markets.md',
        "",
    ]
    return lines


def _undecided(seen: Profile, undecided: Sequence[str], kind: str) -> list[str]:
    """The fields left, each with how often it is there, its masked values and the nearest field."""
    lines = [
        "# Fields of the sample nobody decided about. The spec does not run while one is left:",
        "# move each to [fields], [local] or [party...], or to [ignored] with a reason. Behind it:",
        f"# in how many of {seen.records} records it is, what its values look like (9 a digit, A a",
        "# letter, 中), hints.",
        "undecided_fields = [",
    ]
    fields = [field for field in seen.fields if field.path in set(undecided)]
    for field in fields:
        lines.append(f"    {text(field.path)},   # {_look(field, seen, kind)}")
    return [*lines, "]", ""]


def _empty(paths: Sequence[str]) -> list[str]:
    """Fields that hold nothing in the sample; each may say so, and be found out."""
    if not paths:
        return []
    return [
        "# Fields that hold nothing in the sample. Left here, the first value in one is that of",
        "# an unknown field and waits for a decision. Or read them as the others.",
        "empty = [   # guess: no value in the sample",
        *(f"    {text(path)}," for path in paths),
        "]",
        "",
    ]


def _look(field: Field, seen: Profile, kind: str) -> str:
    name = tags()["names"].get(field.path.rpartition("/")[2], "")
    parts = [f"{name} {field.records}x".strip()]
    if field.repeated:
        parts.append(f"more than once in {field.repeated}: {_qualified(field, seen)}, or ignore")
    parts += [" ".join(field.masks[:2])] if field.masks else []
    said = next((one.says for one in hints().shapes if one.name == field.shape), "")
    parts += [said] if said else []
    if field.codes:
        parts.append(f"{field.distinct} different: {' '.join(field.codes)}")
    elif field.distinct <= _FEW and field.records > _FEW:
        parts.append(f"{field.distinct} different")
    target = near(field, kind)
    parts += [f"perhaps {target}"] if target else []
    return "; ".join(parts).replace("\n", " ")


def _qualified(field: Field, seen: Profile) -> str:
    """How one of several is picked: by a value beside it, or beside the group it lies in."""
    steps = field.path.split("/")
    for depth in range(1, len(steps)):
        group = "/".join(steps[:depth])
        for other in seen.fields:
            near, _, last = other.path.rpartition("/")
            few = other.distinct <= _FEW and other.repeated and other.path != field.path
            if near == group and few:
                rest = "/".join(steps[depth:])
                return f"pick one with a qualifier, such as {group}[{last}=...]/{rest}"
    return "pick one with a qualifier, such as group[path=value]/path"


def _key(made: Sequence[Guess], kind: str) -> list[str]:
    lines = ["# Which reports are one transaction: fields both sides state alike. No such field:"]
    lines.append('# no_key = "why records are never merged"')
    targets = [one.target for one in made]
    unique = [one for one in ("unique_transaction_identifier", "uetr") if one in targets]
    if kind == "event" and unique:
        lines.append(
            f'key = {{ fields = ["{unique[0]}"], scope = "global" }}   # guess: unique by name'
        )
    elif kind == "event" and "source_trade_id" in targets:
        guess = 'key = { fields = ["source_trade_id"], scope = "reporter" }'
        lines.append(f"{guess}   # guess: a reporter numbers its own records")
    return lines


def _sections(found: Layout) -> list[str]:
    return [found.sections, ""] if found.sections else []


def _catalogue() -> list[str]:
    return [
        "[catalogue]   # whose data these are, why they may be shared; `yrd feed show` prints it",
        'owner_zh            = ""',
        'owner_en            = ""',
        'need_list           = ""   # which need asks for them',
        'responsibility_list = ""   # who must provide them',
        'resource_catalogue  = ""   # the entry of the resource catalogue',
        'contact_role        = ""   # a role, never a name',
        'status              = "assumption"',
        "",
    ]


def _constants(made: Sequence[Guess], kind: str, market: str) -> list[str]:
    targets = {one.target for one in made}
    lines = ["[constants]   # what every record of this feed has in common; '?' must be replaced"]
    said = text(market) if market else '"?"   # PYMT, BILL, LOAN, ...: docs/schema/markets.md'
    lines.append(f"market_segment     = {said}")
    for name, hint in _CONSTANTS.items():
        if name not in targets and name in arrow_schema(kind).names:
            value = '"UPDT"' if name == "event_type" and kind == "position" else '"?"'
            value = '"NEWT"' if name == "action_type" else value
            lines.append(f"{name:<18} = {value}   # {hint}")
    return [*lines, ""]


def _fields(seen: Profile, made: Sequence[Guess], kind: str) -> list[str]:
    order = {name: at for at, name in enumerate((*_ORDER, *arrow_schema(kind).names))}
    lines = ["[fields]"]
    for one in sorted(made, key=lambda one: order[one.target]):
        field = seen.field(one.path)
        value = text(one.path)
        if one.options:
            value = f"{{ from = {text(one.path)}, {one.options} }}"
        there = f"{field.records}/{seen.records}" if field else ""
        masks = " ".join(field.masks[:1]) if field else ""
        lines.append(f"{key(one.target)} = {value}   # guess: {one.why}; {there}; {masks}")
    return [*lines, ""]


def _parties(parties: Sequence[PartyGuess]) -> list[str]:
    lines = []
    for side in hints().sides:
        mine = [one for one in parties if one.side == side]
        if not mine:
            continue
        lines.append(f"[party.{side}]")
        for part in ("name", "account", "agent"):
            paths = [one for one in mine if one.part == part]
            if paths:
                values = ", ".join(text(one.path) for one in paths)
                value = values if part == "name" else f"[{values}]"
                lines.append(f"{part} = {value}   # guess: {paths[0].why}")
        ids = [one for one in mine if one.part == "ids"]
        if ids:
            lines.append("ids = [")
            for one in ids:
                entry = f'{{ from = {text(one.path)}, scheme = "{one.scheme}" }}'
                lines.append(f"    {entry},   # guess: {one.why}")
            lines.append("]")
        lines.append("")
    return lines


def _one_name(found: Sequence[PartyGuess]) -> list[PartyGuess]:
    """A side has one name: the shortest path; others stay undecided."""
    best: dict[str, str] = {}
    for one in found:
        if one.part == "name" and len(one.path) < len(best.get(one.side, one.path + " ")):
            best[one.side] = one.path
    return [one for one in found if one.part != "name" or best[one.side] == one.path]
