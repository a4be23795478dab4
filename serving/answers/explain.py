"""From an alert's id to everything said and drawn about it."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from ledger.duck import Connection
from pipelines.rules.registry import ParameterSet, load_parameters, load_rules
from pipelines.rules.registry import Rule as Declared
from schemas.errors import InputError
from schemas.narrow import (
    CLASS_MASK,
    CLASS_SHIFT,
    FLAG_CROSS_BORDER,
    FLAG_PAYEE_PERSON,
    FLAG_PAYER_PERSON,
)
from schemas.regions import JOINT_BIT, OUT, REGIONS, VANTAGES
from serving.answers import alone_words, controllers, explain_words, stated, terms
from serving.answers.alone import alone
from serving.answers.evidence import (
    Evidence,
    OfSubject,
    Row,
    alert_row,
    as_stated,
    crossings,
    found_then,
    narrowed,
    read_evidence,
    seen_by,
    worth,
)
from serving.answers.labels import EXCHANGE, NOBODY, label
from serving.answers.levels import levels, sentence
from serving.answers.lines import lines
from serving.answers.model import (
    Alert,
    ArithmeticLine,
    Coverage,
    EvidenceRow,
    Explanation,
    Party,
    Point,
    Rule,
)
from serving.answers.revisions import revisions, successor
from serving.answers.words import Lang

Kind = Literal["person", "firm", "unknown"]
_SIDES = (("payer", FLAG_PAYER_PERSON), ("payee", FLAG_PAYEE_PERSON))
_WITHDRAWN = "EXEC"  # the event of an order that was withdrawn
# What stood in the registers of one day.
_OF_A_DAY = frozenset({"exposure_concentration", "multi_lender", "provision_shortfall"})


def explanation(connection: Connection, alert_id: str) -> Explanation:
    """Explain one alert; every figure is computed again from its evidence.

    The id of an alert that another took the place of is explained by that one, and says so.

    Args:
        connection: A session on a published version.
        alert_id: The alert's id, or as much of its beginning as makes it the only one.

    Raises:
        InputError: there is no such alert, or its rule is not declared any more.
    """
    asked = alert_row(connection, alert_id)
    heir = successor(connection, asked["alert_id"])
    row = asked if heir == asked["alert_id"] else alert_row(connection, heir)
    declared = load_rules().get(row["rule"])
    if declared is None:
        raise InputError(
            f"alert: rule {row['rule']!r}: expected one of {', '.join(load_rules())}; "
            "explain it with the version that made it"
        )
    agreed = parameter_set(row["parameter_set"])
    of = read_evidence(connection, row["evidence"])
    if declared.name in _OF_A_DAY:
        of = as_stated(of)
    around = declared.group == "graph" or declared.around
    with narrowed(connection, row["subject_kind"], row["subject"], of, around) as ledger:
        fired, measured = _said(connection, ledger, declared, row)
        apart = alone(connection, ledger, declared, agreed, row, fired)
    alert = _alert(row)
    parties = _parties(of)
    rule = _rule(declared, agreed, row, of)
    series = {name: _series(of, vantage, fired, measured) for vantage, name in enumerate(VANTAGES)}
    bare = Explanation(
        alert=alert,
        rule=rule,
        parties=parties,
        evidence=_rows(of, parties),
        series=series,
        coverage=tuple(
            _coverage(of, vantage, row, series[region], measured)
            for vantage, region in enumerate(REGIONS)
        ),
        arithmetic=_arithmetic(of, alert, fired, declared.unit),
        sentences_zh=(),
        sentences_en=(),
        revisions=revisions(connection, row["alert_id"]),
        took_place_of=None if row is asked else (asked["alert_id"], asked["known_from"]),
        alone=apart,
        levels=levels(connection, declared, row),
        controlled=controllers.controlled(connection, row, of, parties),
    )
    why_zh, why_en = alone_words.sentences(apart, declared, agreed) if apart else ((), ())
    return replace(
        bare,
        sentences_zh=explain_words.sentences(
            bare, "zh", (*_behind(bare, "zh"), *why_zh), stated.what(bare, "zh")
        ),
        sentences_en=explain_words.sentences(
            bare, "en", (*_behind(bare, "en"), *why_en), stated.what(bare, "en")
        ),
    )


def _behind(told: Explanation, lang: Lang) -> tuple[str, ...]:
    """Which level made the difference, and who is of one controller."""
    of_one = controllers.sentence(told.controlled, told.parties, lang)
    return (*sentence(told.levels, lang), *of_one)


def _said(
    connection: Connection, ledger: OfSubject, rule: Declared, row: Row
) -> tuple[list[Row], list[Row]]:
    """The crossings behind an alert, and its measure wherever the definition speaks of it.

    Computed again where the subject's transactions are all it rests on; what a rule found by
    looking further is taken as it was found.
    """
    if rule.group == "graph":
        fired = found_then(connection, rule, row)
        return fired, fired
    fired = crossings(ledger, rule, row, openly=False) or found_then(connection, rule, row)
    return fired, crossings(ledger, rule, row, openly=True) + fired


def parameter_set(version: str) -> ParameterSet:
    """The agreed set of that version.

    Raises:
        InputError: it is not there any more.
    """
    for agreed in load_parameters():
        if agreed.version == version:
            return agreed
    raise InputError(
        f"alert: parameter set {version!r}: expected one of "
        f"{', '.join(one.version for one in load_parameters())}; restore its file"
    )


def _alert(row: Row) -> Alert:
    names = [name for name in Alert.__dataclass_fields__ if name in row]
    return Alert(**{name: row[name] for name in names})


def _contract_class(of: Evidence) -> int:
    """Of the contract whose orders were withdrawn; 0 where none were."""
    return int(of.joint[0]["flags"]) >> CLASS_SHIFT & CLASS_MASK if of.joint else 0


def _rule(declared: Declared, agreed: ParameterSet, row: Row, of: Evidence) -> Rule:
    values = agreed.of(declared)
    person = _is_person(of, row)
    abroad = any(one["flags"] & FLAG_CROSS_BORDER for one in of.joint)
    found = lines(
        declared, values, person, row["variant"], _drawn(of), _contract_class(of),
        person and abroad,
    )  # fmt: skip
    return Rule(
        name=declared.name,
        variant=row["variant"],
        question_zh=declared.question[0],
        question_en=declared.question[1],
        unit=declared.unit,
        parameter_set=row["parameter_set"],
        legal_status=row["legal_status"],
        standing=_standing(declared, row, values),
        lines=found,
        unlined=tuple(
            (band, zh, en)
            for band, (zh, en) in enumerate(declared.bands, start=1)
            if not any(line.band == band for line in found)
        ),
    )


def _standing(declared: Declared, row: Row, values: Mapping[str, int]) -> str:
    """Where each number of the alert's variant stands, if the rule still stands as it did then.

    Numbers are those of the alert's set: one that departs from the text is ours.
    """
    variant = row["variant"]
    known = variant in {one.name for one in declared.variants}
    if not known or declared.legal_status(variant) != row["legal_status"]:
        return ""
    return declared.at(values).standing(variant)


def _is_person(of: Evidence, alert: Row) -> bool:
    """Whether the alert's subject is a natural person; of a pair or a set, whether a payer is."""
    known = [
        row["flags"] & flag
        for row in of.joint
        for side, flag in _SIDES
        if row.get(f"{side}_{alert['subject_kind']}") == alert["subject"]
    ]
    return any(known or [row["flags"] & FLAG_PAYER_PERSON for row in of.joint])


def _drawn(of: Evidence) -> int:
    """What was drawn of the loans among the evidence, in fen."""
    return sum(row["amount_fen"] or 0 for row in of.joint if row["event_type"] == "DRAW")


def _parties(of: Evidence) -> tuple[Party, ...]:
    """Parties in order of first appearance, payer before payee."""
    kinds: dict[int, Kind] = {}
    areas: dict[int, list[str]] = {}
    for row in of.joint:
        for side, flag in _SIDES:
            party = row[f"{side}_party"]
            person: Kind = "person" if row["flags"] & flag else "firm"
            kinds.setdefault(party, person if party else "unknown")
            area = row[f"{side}_region"] or OUT
            if area not in areas.setdefault(party, []):
                areas[party].append(area)
    named = iter(range(len(kinds)))
    unnamed = {
        row["event_type"] for row in of.joint if not (row["payer_party"] and row["payee_party"])
    }
    nobody = EXCHANGE if unnamed == {_WITHDRAWN} else NOBODY
    labels = {party: label(next(named)) if party else nobody for party in kinds}
    return tuple(
        Party(party, *labels[party], kind, tuple(areas[party])) for party, kind in kinds.items()
    )


def _rows(of: Evidence, parties: Sequence[Party]) -> tuple[EvidenceRow, ...]:
    labels = {party.id: party.label for party in parties}
    assets: dict[int, str] = {}
    rows = []
    for row in of.joint:
        if row["asset"]:
            assets.setdefault(row["asset"], f"物{len(assets) + 1}")
        rows.append(
            EvidenceRow(
                transaction_id=row["key"],
                event_time=row["event_time"],
                payer_label=labels[row["payer_party"]],
                payee_label=labels[row["payee_party"]],
                payer_region=row["payer_region"] or OUT,
                payee_region=row["payee_region"] or OUT,
                amount_fen=row["amount_fen"],
                event_type=row["event_type"],
                market=row["market_segment"],
                asset_label=assets.get(row["asset"]),
                seen_by=seen_by(of, row["key"]),
            )
        )
    return tuple(rows)


def _series(
    of: Evidence, vantage: int, fired: Sequence[Row], measured: Sequence[Row]
) -> tuple[Point, ...]:
    """The measure after each transaction a vantage holds; one that decides nothing keeps it."""
    at: dict[int, int] = {}
    bands: dict[int, int] = {}
    held = [of.held[vantage, row["key"]] for row in of.joint if (vantage, row["key"]) in of.held]
    held.sort(key=lambda one: (one["event_time"], one["key"]))
    times = [row["event_time"] for row in held]
    for row in measured:
        if row["vantage"] == vantage:
            at[row["instant"]] = max(at.get(row["instant"], 0), row["measure"])
    for row in fired:
        if row["vantage"] == vantage and times:
            # what decided it need not be evidence: the point is that of the last one before
            instant = times[max(bisect_right(times, row["instant"]) - 1, 0)]
            bands[instant] = max(bands.get(instant, 0), row["band"])
            at[instant] = max(at.get(instant, 0), row["measure"])
    points = []
    measure = 0
    for row in held:
        instant = row["event_time"]
        measure = at.get(instant, measure)
        points.append(Point(instant, measure, instant in bands, bands.get(instant, 0)))
    return tuple(points)


def _coverage(
    of: Evidence, vantage: int, alert: Row, points: Sequence[Point], measured: Sequence[Row]
) -> Coverage:
    seen = [row for row in of.joint if (vantage, row["key"]) in of.held]
    first = alert["solo_first"][vantage]
    both = first is not None and alert["joint_first"] is not None
    return Coverage(
        region=REGIONS[vantage],
        seen_transactions=len(seen),
        all_transactions=len(of.joint),
        seen_accounts=len(_accounts(seen)),
        all_accounts=len(_accounts(of.joint)),
        seen_amount_fen=worth(seen),
        all_amount_fen=worth(of.joint),
        status=alert["solo_status"][vantage],
        first_crossing=first,
        lead_us=first - alert["joint_first"] if both else None,
        peak_measure=max((point.measure for point in points), default=0),
        judged=alert["rule"] not in stated.NEED_ALL
        or any(one["vantage"] == vantage for one in measured),
    )


def _accounts(rows: Sequence[Row]) -> set[int]:
    """Accounts of the rows; a party without one counts as itself."""
    return {
        row[f"{side}_account"] or row[f"{side}_party"]
        for row in rows
        for side in ("payer", "payee")
        if row[f"{side}_account"] or row[f"{side}_party"]
    }


def _arithmetic(
    of: Evidence, alert: Alert, fired: Sequence[Row], unit: str
) -> tuple[ArithmeticLine, ...]:
    """The terms of the measure at its peak, on the joint vantage where that raised the alert."""
    speaking = [row for row in fired if (row["vantage"] == JOINT_BIT) != alert.not_raised_jointly]
    if not speaking:
        return ()
    peak = max(speaking, key=lambda row: (row["measure"], -row["instant"]))
    held = [
        of.held[peak["vantage"], key]
        for key in peak["evidence"]
        if (peak["vantage"], key) in of.held
    ]
    held.sort(key=lambda row: (row["event_time"], row["key"]))
    found = []
    running = 0
    met: set[int] = set()
    newest = {row["market_segment"]: row["event_time"] for row in held}
    own = stated.TERMS.get(alert.rule)
    for row in held:
        if own:
            adds, note = own(row | {"newest": newest[row["market_segment"]]})
        else:
            adds, note = terms.term(alert.rule, alert.subject, row, met, unit, alert.variant)
        running += adds
        found.append(ArithmeticLine(row["key"], row["event_time"], adds, running, *note))
    # Where the measure is no sum of its evidence, nothing adds up to it.
    if running != peak["measure"] and not own:
        found = [
            replace(one, term=0, running=0, note_zh="证据", note_en="evidence") for one in found
        ]
    return tuple(found)
