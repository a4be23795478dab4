"""Why a rule raised nothing of somebody on a day: measure, line, distance, and what is missing.

The measure is the rule's own: its definition, run on the subject's transactions with parameters
that let it speak below its bands (`below`). Which condition stood in the way is found the same way,
by lifting one parameter at a time. What is missing is what the ledger knows not to have come.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.duck import Connection
from ledger.views import load_views
from pipelines.lanes.judged import by_definition
from pipelines.lanes.reach import before
from pipelines.rules.kernels.table import pair_sql
from pipelines.rules.registry import ParameterSet, Rule, load_parameters, parameters_on
from schemas.errors import InputError
from schemas.narrow import FLAG_PAYEE_PERSON, FLAG_PAYER_PERSON
from schemas.reference_data import calendars
from schemas.regions import JOINT_BIT, REGIONS, VANTAGES
from serving.answers.below import declared, open_values, openly_asked
from serving.answers.evidence import OfSubject
from serving.answers.holds import reads_statements, statements
from serving.answers.lines import lines
from serving.answers.missing import Missing, missing
from serving.answers.model import Line
from serving.answers.subjects import Subject

_PAIR = pair_sql("payer_party", "payee_party")
# Kind of subject -> columns of `leg` and `tx` in which its transactions name it.
_NAMED: Mapping[str, tuple[str, ...]] = {
    "party": ("payer_party", "payee_party"),
    "pair": (_PAIR,),
    "account": ("payer_account", "payee_account"),
    "asset": ("asset", "invoice", "contract"),
    "instrument": ("instrument",),
    "institution": ("reporter", "payer_party", "payee_party"),
}
_DELIVERY_US = 86_400_000_000  # what speaks of a day is delivered within another
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """One vantage: what it holds of the subject, its measure, and how far that is from each band.

    `statements` counts what is stated of the subject in relations the rule reads: balances, loans,
    figures, complaints, entries; None for a rule that reads transactions only.

    `measure` is None where the definition says nothing even with everything lifted; `at` (us) is
    the instant it speaks of. `short` has, by band, what the measure lacks; a band at 0 or less is
    reached as far as the measure goes. `stood_in_the_way` names parameters each of which alone,
    lifted, would have raised it.
    """

    vantage: str
    transactions: int
    statements: int | None
    measure: int | None
    at: int | None
    short: Mapping[int, int]
    raised: bool
    stood_in_the_way: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant of the rule for one subject."""

    variant: str
    subject_kind: str
    subject: int
    lines: tuple[Line, ...]
    seen: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class WhyNot:
    """The whole answer; `measured_by` is `declared` by the rule, or `lifted` by parameters' names.

    `left_out` names variants the subject is no subject of.
    """

    rule: str
    unit: str
    day: date
    day_us: int  # its begin
    parameter_set: str
    data_origin: str
    measured_by: str
    lifted: Mapping[str, int]
    variants: tuple[Variant, ...]
    left_out: tuple[str, ...]
    missing: tuple[Missing, ...]


def why_not(connection: Connection, rule: Rule, subject: Subject, day: date) -> WhyNot:
    """Say what a rule made of a subject on a day, and why it raised nothing where it did not.

    Args:
        connection: a session on a published version.
        rule: of either lane.
        subject: of `resolve`.
        day: a Beijing day.

    Raises:
        InputError: the calendars do not cover the day: what lies before it cannot be counted.
    """
    bank = calendars().get("BANK")
    if not bank.first_day <= day <= bank.last_day:
        raise InputError(f"--day: expected a day from {bank.first_day} to {bank.last_day}")
    start = _midnight(day)
    end = start + 86_400_000_000 - 1
    # All there is of the subject: whether an account slept for a year shows in old transactions.
    # Around a ring or a way there is too much of it, so there the horizon bounds it.
    wide = rule.group == "graph" or rule.around
    low = int(before(rule, np.array([start]))[0]) if wide else -(1 << 62)
    window = int(before(rule, np.array([start]))[0]), end + _DELIVERY_US
    agreed = parameters_on_or_oldest(day)
    with_keys = _keep(connection, rule, subject, low, end)
    paired = with_keys.to_pylist()
    try:
        variants, left_out = [], []
        ledger = OfSubject(connection)
        for one in rule.variants:
            ids = _ids_of(ledger, one.subject, subject)
            if not ids:
                left_out.append(one.name)
            for number in sorted(ids):
                variants.append(
                    _variant(
                        ledger,
                        rule,
                        one.name,
                        one.subject,
                        number,
                        agreed,
                        start,
                        end,
                        statements(connection, rule, one.subject, number, end, paired),
                    )
                )
        gaps = missing(connection, rule, with_keys, *window)
    finally:
        connection.execute("DROP TABLE temp.main._of_subject")
    return WhyNot(
        rule=rule.name,
        unit=rule.unit,
        day=day,
        day_us=start,
        parameter_set=agreed.version,
        data_origin=str(
            connection.scalar("SELECT value FROM ledger_info WHERE name = 'data_origin'")
        ),
        measured_by="declared" if declared(rule) else "lifted",
        lifted=dict(open_values(rule)),
        variants=tuple(variants),
        left_out=tuple(left_out),
        missing=gaps,
    )


def parameters_on_or_oldest(day: date) -> ParameterSet:
    """The set in force on a day; before all of them the oldest, as episodes are named."""
    oldest = load_parameters()[0]
    return oldest if day < oldest.valid_from else parameters_on(day)


def _midnight(day: date) -> int:
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8)
    return int(at.timestamp()) * 1_000_000


def _keep(connection: Connection, rule: Rule, subject: Subject, low: int, high: int) -> pa.Array:
    """Pair the subject's transactions into `_of_subject`; returns their keys.

    A rule over rings and sets gets the transactions two steps around the subject in its window.
    """
    names: dict[str, set[int]] = {}
    for kind, columns in _NAMED.items():
        for column in columns:
            names.setdefault(column, set()).update(subject.of(kind))
    where = " OR ".join(
        f"{column} IN ({', '.join(map(str, sorted(ids)))})" for column, ids in names.items() if ids
    )
    where = where or "false"
    if rule.group == "graph" or rule.around:
        near = f"SELECT unnest([payer_party, payee_party]) AS p FROM leg WHERE {where}"
        for _ in range(2):
            where = f"payer_party IN ({near}) OR payee_party IN ({near})"
            near = f"SELECT unnest([payer_party, payee_party]) AS p FROM leg WHERE {where}"
    else:
        # what names the same thing: a release may not name the invoice
        things = f"SELECT asset FROM leg WHERE ({where}) AND asset <> 0"
        if "holding" in rule.needs:
            where = f"({where}) OR asset IN ({things})"
    keys = f"SELECT key FROM leg WHERE ({where}) AND event_time BETWEEN {low} AND {high}"
    tx = load_views()["tx"].sql
    connection.execute(
        "CREATE TEMP TABLE _of_subject AS "
        f"WITH leg AS MATERIALIZED (SELECT * FROM leg WHERE key IN ({keys})), tx AS ({tx}) "
        f"SELECT * FROM tx WHERE event_time BETWEEN {low} AND {high}"
    )
    found: pa.Array = connection.sql("SELECT DISTINCT key FROM temp.main._of_subject ORDER BY key")[
        "key"
    ].combine_chunks()
    return found


def _ids_of(ledger: OfSubject, kind: str, subject: Subject) -> frozenset[int]:
    """The ids of the variant's kind; a party stands for the pairs it pays in.

    A number is taken for what its transactions know it as; where they do not, for anything.
    """
    if ids := subject.ids.get(kind, frozenset()):
        return ids
    if subject.any_kind:
        known = {one for one in _NAMED if _rows_with(ledger, one, subject.any_kind)}
        return subject.any_kind if not known or kind in known or kind not in _NAMED else frozenset()
    if kind == "pair" and (parties := subject.of("party")):
        listed = ", ".join(map(str, sorted(parties)))
        rows = ledger.sql(
            f"SELECT DISTINCT {_PAIR} AS pair FROM tx "
            f"WHERE payer_party IN ({listed}) AND payee_party <> 0 AND payer_party <> payee_party"
        )
        return frozenset(rows["pair"].to_pylist())
    return frozenset()


def _rows_with(ledger: OfSubject, kind: str, ids: Collection[int]) -> int:
    """How many transactions name one of the ids as a party, an account and so on."""
    listed = ", ".join(map(str, sorted(ids)))
    where = " OR ".join(f"{column} IN ({listed})" for column in _NAMED[kind])
    return int(ledger.sql(f"SELECT count(*) AS n FROM tx WHERE {where}")["n"][0].as_py())


def _variant(
    ledger: OfSubject,
    rule: Rule,
    variant: str,
    kind: str,
    subject: int,
    agreed: ParameterSet,
    start: int,
    end: int,
    stated: Mapping[int, int],
) -> Variant:
    def asked(sets: Sequence[ParameterSet]) -> list[Row]:
        return _mine(by_definition(ledger, rule, sets), variant, subject, end)

    sets = load_parameters()
    fired = [row for row in asked(sets) if row["instant"] >= start]
    measured = asked([openly_asked(one, rule) for one in sets])
    alone = {
        name: [
            row
            for row in asked([one.changed(rule.name, **{name: value}) for one in sets])
            if row["instant"] >= start
        ]
        for name, value in open_values(rule).items()
    }
    person = _person(ledger, kind, subject)
    joint = lines(rule, agreed.of(rule), person, variant)
    held = _held(ledger)
    seen = []
    for vantage, name in enumerate(VANTAGES):
        mine = [row for row in measured if row["vantage"] == vantage]
        today = [row for row in mine if row["instant"] >= start]
        # nothing on the day itself: what it stood at before
        best: Row | None = mine[-1] if mine else None
        if today:
            best = max(today, key=lambda row: row["measure"])
        own = lines(rule, agreed.of(rule, vantage), person, variant)
        measure = None if best is None else int(best["measure"])
        raised = any(row["vantage"] == vantage for row in fired)
        ways = (
            []
            if raised
            else [
                parameter
                for parameter, rows in alone.items()
                if any(row["vantage"] == vantage for row in rows)
            ]
        )
        seen.append(
            Seen(
                vantage=name,
                transactions=held.get(vantage, 0),
                statements=stated.get(vantage, 0) if reads_statements(rule) else None,
                measure=measure,
                at=None if best is None else int(best["instant"]),
                short={line.band: line.value - (measure or 0) for line in own},
                raised=raised,
                stood_in_the_way=tuple(ways),
            )
        )
    order = (JOINT_BIT, *range(len(REGIONS)))
    return Variant(variant, kind, subject, joint, tuple(seen[number] for number in order))


def _mine(found: pa.Table, variant: str, subject: int, end: int) -> list[Row]:
    """The subject's rows until the end of the day, in time order."""
    chosen = pc.and_(pc.equal(found["variant"], variant), pc.equal(found["subject"], subject))
    rows: list[Row] = found.filter(
        pc.and_(chosen, pc.less_equal(found["instant"], end))
    ).to_pylist()
    return sorted(rows, key=lambda row: (row["instant"], row["measure"]))


def _person(ledger: OfSubject, kind: str, subject: int) -> bool:
    """Whether the subject is a natural person; of a pair or a set, whether a payer is."""
    who = f"flags & {FLAG_PAYER_PERSON} <> 0"
    if kind == "pair":
        who = f"{_PAIR} = {subject} AND {who}"
    elif kind in _NAMED and len(_NAMED[kind]) == 2:
        payer, payee = _NAMED[kind]
        who = (
            f"({payer} = {subject} AND {who}) "
            f"OR ({payee} = {subject} AND flags & {FLAG_PAYEE_PERSON} <> 0)"
        )
    rows = ledger.sql(f"SELECT count(*) AS n FROM tx WHERE {who}")
    return bool(rows["n"][0].as_py())


def _held(ledger: OfSubject) -> dict[int, int]:
    rows = ledger.sql("SELECT vantage, count(DISTINCT key)::BIGINT AS n FROM tx GROUP BY vantage")
    return dict(zip(rows["vantage"].to_pylist(), rows["n"].to_pylist(), strict=True))
