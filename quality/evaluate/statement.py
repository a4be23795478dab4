"""One SQL statement that evaluates all record rules of a batch at once.

Each rule is one bit; a statement returns `_row` and the bit masks of the rows that break at least
one rule. Evaluating forty rules together costs little more than scanning the columns they share.

A statement depends on the days of its batch only where rules begin or end between them, so it is
the same for months: `turning_days` are the days on which it changes.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from quality.rules import Rule

BITS = 62  # bits a mask column, so that a mask stays a positive BIGINT


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL over one relation; bit `i % BITS` of mask `i // BITS` is `rules[i]`."""

    sql: str
    rules: tuple[Rule, ...]
    masks: int

    def rules_of(self, mask: int) -> tuple[Rule, ...]:
        """The rules of one mask column, bit by bit."""
        return self.rules[mask * BITS : (mask + 1) * BITS]


def listed(values: Sequence[str]) -> str:
    """Texts as SQL literals with commas between them."""
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


def condition(rule: Rule, first_day: datetime.date, last_day: datetime.date) -> str | None:
    """When a rule applies, beyond kind and market; None = to every record.

    A day is only compared where the records of the batch lie on both sides of it.
    """
    parts = []
    if rule.event_types:
        parts.append(f"event_type IN ({listed(rule.event_types)})")
    if rule.source_systems:
        parts.append(f"source_system_code IN ({listed(rule.source_systems)})")
    if rule.valid_from > first_day:
        parts.append(f"_day_received_at >= DATE '{rule.valid_from.isoformat()}'")
    if rule.valid_to is not None and rule.valid_to <= last_day:
        parts.append(f"_day_received_at < DATE '{rule.valid_to.isoformat()}'")
    return " AND ".join(parts) or None


def in_force(rule: Rule, first_day: datetime.date, last_day: datetime.date) -> bool:
    """Whether a rule is in force on any day from `first_day` to `last_day`."""
    return rule.valid_from <= last_day and (rule.valid_to is None or rule.valid_to > first_day)


def turning_days(rules: Sequence[Rule]) -> tuple[datetime.date, ...]:
    """The days on which a rule begins or ends, ascending.

    For two spans of days that lie between the same turning days, `in_force` and `condition` say
    the same of every rule.
    """
    begins = {rule.valid_from for rule in rules}
    return tuple(sorted(begins | {rule.valid_to for rule in rules if rule.valid_to is not None}))


def broken(rule: Rule, first_day: datetime.date, last_day: datetime.date) -> str:
    """SQL that is true exactly where a record breaks a record rule."""
    test = f"({rule.sql}) IS FALSE"
    when = condition(rule, first_day, last_day)
    return f"({when}) AND {test}" if when else test


def compose(
    rules: Sequence[Rule], first_day: datetime.date, last_day: datetime.date, relation: str
) -> Statement | None:
    """The statement for all record rules over a relation; None when there is none."""
    rules = tuple(rules)
    if not rules:
        return None
    masks = []
    for start in range(0, len(rules), BITS):
        bits = [
            f"CASE WHEN {broken(rule, first_day, last_day)} THEN {1 << bit} ELSE 0 END"
            for bit, rule in enumerate(rules[start : start + BITS])
        ]
        masks.append(f"CAST({' + '.join(bits)} AS BIGINT) AS _mask{start // BITS}")
    names = [f"_mask{i}" for i in range(len(masks))]
    sql = (
        f"SELECT _row, {', '.join(names)} FROM (SELECT _row, {', '.join(masks)} FROM {relation}) "
        f"WHERE {' OR '.join(f'{name} <> 0' for name in names)}"
    )
    return Statement(sql, rules, len(masks))
