"""Crossings to alerts: one pure function for both lanes, the late path and the scorer.

An episode is the union of all vantages' crossings of one (rule, variant, subject) (for rules that
match by evidence: of what shares it, `matching`) until the rule's
horizon passes without one, at most 90 days. What each region would have seen alone is measured
against the evidence of the joint vantage; where the joint vantage is silent, against all there is.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.episodes.kernel import cut, evidence_masks, peaks
from pipelines.episodes.matching import matched
from pipelines.rules.registry import ParameterSet, Rule, load_parameters
from schemas.errors import ConfigurationError
from schemas.records import ALERT
from schemas.reference_data import calendars
from schemas.regions import JOINT_BIT

LONGEST = timedelta(days=90)
SEEN_FROM = 0.5  # a region that covers less of the evidence has seen it only in part
NONE, PARTIAL, SEEN = "none", "partial", "seen"
_TIME = pa.timestamp("us", "UTC")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BEIJING = timedelta(hours=8)
_US = timedelta(microseconds=1)
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Kinds:
    """The (rule, variant) pairs that crossed; `code` of a crossing is an index into them."""

    rules: tuple[Rule, ...]
    variants: tuple[str, ...]


def episodes(
    crossings: pa.Table,
    rules: Mapping[str, Rule],
    data_origin: str,
    known_from: datetime,
    operators: pa.Table | None = None,
    parameters: Sequence[ParameterSet] | None = None,
) -> pa.Table:
    """Turn crossings into alerts.

    Args:
        crossings: CROSSING rows in any order; repeats change nothing.
        rules: by name; every crossing's rule must be there.
        data_origin: REAL, PUBLIC or SIMULATED.
        known_from: when this became known (a time of receipt).
        operators: (transaction int64, operator string): who holds a transaction's whole market
            nationally; null or absent = nobody.
        parameters: the agreed sets; the one in force at an episode's first crossing is named.

    Returns:
        ALERT rows in (rule, variant, subject, first crossing) order, whatever the order of the
        crossings.

    Raises:
        ConfigurationError: a crossing names an unknown rule or variant, or a day no calendar
            covers.
    """
    if crossings.num_rows == 0:
        return ALERT.empty_table()
    code, kinds = _coded(crossings, rules)
    crossings = matched(crossings, rules)
    subject, instant, measure = (_numbers(crossings, n) for n in ("subject", "instant", "measure"))
    vantage, band = _numbers(crossings, "vantage"), _numbers(crossings, "band")
    order = np.lexsort((band, measure, vantage, instant, subject, code))
    code, subject, instant = code[order], subject[order], instant[order]
    episode, continues = cut(
        subject,
        instant,
        _days(instant, code, kinds.rules),
        code,
        np.array([rule.horizon.microseconds for rule in kinds.rules], np.int64),
        np.array([rule.horizon.business_days for rule in kinds.rules], np.int64),
        LONGEST // timedelta(microseconds=1),
    )
    count = len(continues)
    first, last, peak, top = peaks(
        episode, vantage[order], instant, measure[order], band[order], count
    )
    jointly = first[:, JOINT_BIT] >= 0
    # The joint vantage speaks for the alert where it raised it, else those that did.
    speaking = np.where(jointly[:, None], np.arange(5) == JOINT_BIT, first >= 0)
    proof, evidence, offsets = _evidence(crossings, order, episode, vantage, jointly)
    coverage = proof[:, :JOINT_BIT] / np.maximum(proof[:, JOINT_BIT:], 1)
    silent = first[:, :JOINT_BIT] < 0
    status = np.where(silent, NONE, np.where(coverage < SEEN_FROM, PARTIAL, SEEN))
    starts = np.searchsorted(episode, np.arange(count))
    began = np.where(first < 0, np.iinfo(np.int64).max, first).min(axis=1)
    of = code[starts]
    ids = _ids(kinds, of, subject[starts], began)
    before = [ids[i - 1] if continues[i] else None for i in range(count)]
    agreed = _agreed(began, parameters if parameters is not None else load_parameters())
    lists = np.arange(0, 4 * count + 1, 4)
    return pa.Table.from_pydict(
        {
            "alert_id": ids,
            "rule": [kinds.rules[c].name for c in of],
            "variant": [kinds.variants[c] for c in of],
            "subject_kind": [kinds.rules[c].variant(kinds.variants[c]).subject for c in of],
            "subject": subject[starts],
            "parameter_set": agreed,
            "legal_status": [kinds.rules[c].legal_status(kinds.variants[c]) for c in of],
            "first_crossing": pa.array(began).cast(_TIME),
            "last_crossing": pa.array(last.max(axis=1)).cast(_TIME),
            "peak_measure": np.where(speaking, peak, np.iinfo(np.int64).min).max(axis=1),
            "peak_band": np.where(speaking, top, 0).max(axis=1).astype(np.uint8),
            "unit": [kinds.rules[c].unit for c in of],
            "solo_status": _lists(lists, pa.array(status.ravel().astype(object), pa.string())),
            "solo_first": _lists(lists, _times(first[:, :JOINT_BIT].ravel())),
            "solo_peak": _lists(lists, pa.array(peak[:, :JOINT_BIT].ravel(), mask=silent.ravel())),
            "solo_coverage": _lists(lists, pa.array(np.where(silent, 0.0, coverage).ravel())),
            "joint_first": _times(first[:, JOINT_BIT]),
            "hidden_by_split": jointly & silent.all(axis=1),
            "not_raised_jointly": ~jointly,
            "operator_sees": _operators(evidence, offsets, operators),
            "evidence": _lists(offsets, pa.array(evidence)),
            "search_cut": np.bincount(episode, weights=_cut(crossings)[order], minlength=count) > 0,
            "data_origin": [data_origin] * count,
            "continues": pa.array(before, pa.string()),
            "superseded_by": pa.nulls(count, pa.string()),
            "withdrawn": np.zeros(count, np.bool_),
            "known_from": pa.array([known_from] * count, _TIME),
            "revision": np.zeros(count, np.int32),
            "cause": ["NEW"] * count,
            "status": ["raised"] * count,
        },
        schema=ALERT,
    )


def _coded(crossings: pa.Table, rules: Mapping[str, Rule]) -> tuple[Array, _Kinds]:
    """Code of each crossing's (rule, variant); codes follow the names' order."""
    joined = pc.binary_join_element_wise(crossings["rule"], crossings["variant"], "\n")
    names = sorted(pc.unique(joined).to_pylist())
    found, variants = [], []
    for name in names:
        rule, variant = name.split("\n")
        if rule not in rules or variant not in {v.name for v in rules[rule].variants}:
            raise ConfigurationError(
                "crossings: rule, variant: expected a pair the rules declare; "
                "load the rules the crossings were made with"
            )
        found.append(rules[rule])
        variants.append(variant)
    code = pc.index_in(joined, value_set=pa.array(names)).to_numpy().astype(np.int64)
    return code, _Kinds(tuple(found), tuple(variants))


def _numbers(table: pa.Table, name: str) -> Array:
    column: Array = table[name].to_numpy().astype(np.int64)
    return column


def _days(instant: Array, code: Array, rules: Sequence[Rule]) -> Array:
    """Business ordinals where the rule's horizon is in business days, else 0.

    A register may state a loan from before the calendar begins: there weekdays are counted.
    """
    days = np.zeros(len(instant), np.int64)
    for number, rule in enumerate(rules):
        if rule.horizon.business_days:
            mine = np.flatnonzero(code == number)
            times = pa.array(instant[mine]).cast(_TIME)
            _, ordinals = calendars().business_date(times, rule.calendar)
            begins = np.datetime64(calendars().get(rule.calendar).first_day, "D")
            on = ((instant[mine] + _BEIJING // _US) // (timedelta(days=1) // _US)).astype(
                "datetime64[D]"
            )
            before = np.where(on < begins, -np.busday_count(on, begins), 0)
            ordinals = pc.if_else(pa.array(on < begins), pa.array(before, pa.int32()), ordinals)
            if ordinals.null_count:
                raise ConfigurationError(
                    f"calendar {rule.calendar}: expected to cover every crossing of {rule.name}; "
                    "add the years to schemas/reference/calendars.csv"
                )
            days[mine] = ordinals.to_numpy()
    return days


def _evidence(
    crossings: pa.Table, order: Array, episode: Array, vantage: Array, jointly: Array
) -> tuple[Array, Array, Array]:
    """Evidence of every episode.

    Returns:
        (counts (episodes, 5): how much of the evidence each vantage's own crossings rest on, in
        the joint column all of it; transactions, sorted within an episode; offsets).
    """
    lists = crossings["evidence"].combine_chunks()
    lengths = pc.list_value_length(lists).to_numpy().astype(np.int64)
    transactions = lists.flatten().to_numpy().astype(np.int64)
    of_crossing = np.empty(len(order), np.int64)
    of_crossing[order] = episode
    rows = np.repeat(of_crossing, lengths)
    bits = np.repeat((1 << vantage).astype(np.uint8), lengths)
    by = np.lexsort((transactions, rows))
    found, ids, masks = evidence_masks(rows[by], transactions[by], bits[by])
    counted = ~jointly[found] | (masks >> JOINT_BIT & 1 == 1)
    found, ids, masks = found[counted], ids[counted], masks[counted]
    counts = np.zeros((len(jointly), 5), np.int64)
    for bit in range(JOINT_BIT):
        counts[:, bit] = np.bincount(found[masks >> bit & 1 == 1], minlength=len(jointly))
    counts[:, JOINT_BIT] = np.bincount(found, minlength=len(jointly))
    return counts, ids, np.append(0, np.cumsum(counts[:, JOINT_BIT]))


def _ids(kinds: _Kinds, of: Array, subjects: Array, began: Array) -> list[str]:
    """alert_id = hash(rule, variant, subject, first crossing), 32 hex digits."""
    return [
        hashlib.sha256(
            f"{kinds.rules[code].name}\n{kinds.variants[code]}\n{subject}\n{first}".encode()
        ).hexdigest()[:32]
        for code, subject, first in zip(of.tolist(), subjects.tolist(), began.tolist(), strict=True)
    ]


def _agreed(began: Array, sets: Sequence[ParameterSet]) -> list[str]:
    """The version in force on the Beijing day of each first crossing; the oldest before all."""
    ordered = sorted(sets, key=lambda one: one.valid_from)
    from_days = [
        (datetime.combine(one.valid_from, datetime.min.time(), UTC) - _BEIJING - _EPOCH)
        // timedelta(microseconds=1)
        for one in ordered
    ]
    at = np.maximum(np.searchsorted(np.array(from_days), began, side="right") - 1, 0)
    return [ordered[number].version for number in at.tolist()]


def _cut(crossings: pa.Table) -> Array:
    cut: Array = pc.fill_null(crossings["search_cut"], False).to_numpy().astype(np.int64)
    return cut


def _operators(evidence: Array, offsets: Array, operators: pa.Table | None) -> pa.Array:
    """Who sees all of an episode's evidence: one operator that holds every transaction of it."""
    count = len(offsets) - 1
    if operators is None or operators.num_rows == 0:
        return pa.nulls(count, pa.string())
    known = operators["transaction"].to_numpy()
    names = operators["operator"].combine_chunks().dictionary_encode()
    codes = pc.fill_null(names.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    by = np.argsort(known, kind="stable")
    at = np.searchsorted(known[by], evidence)
    at[at == len(known)] = 0
    held = np.where(known[by][at] == evidence, codes[by][at], -1)
    held = np.append(held, -1)  # so that the last offset is a place
    lowest = np.minimum.reduceat(held, offsets)[:-1]
    highest = np.maximum.reduceat(held, offsets)[:-1]
    one = (lowest == highest) & (lowest >= 0) & (np.diff(offsets) > 0)
    return names.dictionary.take(pa.array(lowest, mask=~one))


def _times(instants: Array) -> pa.Array:
    """Times of us; -1 becomes null."""
    return pa.array(instants, mask=instants < 0).cast(_TIME)


def _lists(offsets: Array, values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


# What a run's identity is made of: nothing about when it was run or how often it was revised.
UNSTABLE = ("known_from", "superseded_by", "withdrawn", "revision", "cause", "status")


def output_sha256(alerts: pa.Table) -> str:
    """SHA-256 of the standing alerts as canonical JSON sorted by id.

    Times are microseconds, shares have nine digits; known time and revisions are left out.
    """
    standing = alerts.filter(pc.invert(alerts["withdrawn"])).sort_by("alert_id")
    columns: dict[str, list[Any]] = {}
    for field in ALERT:
        if field.name in UNSTABLE:
            continue
        column = standing[field.name]
        if field.type == _TIME:
            column = column.cast(pa.int64())
        elif field.type == pa.list_(_TIME):
            column = column.cast(pa.list_(pa.int64()))
        values = column.to_pylist()
        if field.name == "solo_coverage":
            values = [[f"{share:.9f}" for share in row] for row in values]
        columns[field.name] = values
    digest = hashlib.sha256()
    names = sorted(columns)
    for row in zip(*(columns[name] for name in names), strict=True):
        line = dict(zip(names, row, strict=True))
        digest.update(orjson.dumps(line, option=orjson.OPT_SORT_KEYS) + b"\n")
    return digest.hexdigest()
