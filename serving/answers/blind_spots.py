"""What an answer does not know, said at its end.

An answer over a shared ledger is only as good as what reached it: feeds that were late or silent,
submissions that wait for an operator, rules that did not run, and everything outside the four
regions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal

from ledger.duck import Connection
from schemas.regions import NAMES
from serving.answers.words import several
from serving.publish.versions import Version

Kind = Literal["origin", "scope", "version", "feed", "quarantine", "rule", "truncated"]


@dataclass(frozen=True, slots=True)
class BlindSpot:
    """One sentence in both languages, and what kind of gap it is about."""

    kind: Kind
    zh: str
    en: str


def blind_spots(
    connection: Connection, rules: Sequence[str], version: Version | None = None
) -> tuple[BlindSpot, ...]:
    """Everything to be said about the ledger as this session sees it.

    Args:
        connection: A session on a published version, perhaps at an earlier time.
        rules: Names of all rules there are; those that did not run are named.
        version: The manifest's entry, if it is known.
    """
    origin = str(connection.scalar("SELECT value FROM ledger_info WHERE name = 'data_origin'"))
    spots = [_ORIGIN[origin], _SCOPE]
    if version is not None:
        until = _beijing(version.known_at)
        spots.append(
            BlindSpot(
                "version",
                f"第 {version.version} 版账本，收报截至 {until}（北京时间）；其后收到的不在内。",
                f"Ledger version {version.version}, holding what was received until {until} "
                "Beijing time; nothing after that.",
            )
        )
    return (*spots, *_feeds(connection), *_waiting(connection), *_rules(connection, rules))


def _beijing(known_at: str) -> str:
    """A manifest's time of receipt as Beijing time; a dash where nothing was received."""
    if not known_at:
        return "-"
    local = datetime.fromisoformat(known_at).astimezone(timezone(timedelta(hours=8)))
    return f"{local:%Y-%m-%d %H:%M:%S}"


_ORIGIN = {
    "SIMULATED": BlindSpot(
        "origin",
        "数据来源：SIMULATED（模拟数据，不是真实交易）。",
        "Data origin: SIMULATED (made up; no real transactions).",
    ),
    "PUBLIC": BlindSpot(
        "origin", "数据来源：PUBLIC（公开数据）。", "Data origin: PUBLIC (published data)."
    ),
    "REAL": BlindSpot("origin", "数据来源：REAL。", "Data origin: REAL."),
}
_SCOPE = BlindSpot(
    "scope",
    "仅含四个地区的报送：各项数字均为下限（至少）。",
    "Four regions only: every figure is a lower bound (at least).",
)


def _feeds(connection: Connection) -> list[BlindSpot]:
    rows = connection.rows(
        """
        SELECT feed,
            count(*) FILTER (WHERE state = 'absent')::BIGINT AS absent,
            list(DISTINCT region ORDER BY region) FILTER (WHERE state = 'absent') AS regions,
            min(day) FILTER (WHERE state = 'absent')::VARCHAR AS first_day,
            max(day) FILTER (WHERE state = 'absent')::VARCHAR AS last_day,
            sum(late)::BIGINT AS late,
            sum(held_submissions)::BIGINT AS held
        FROM feed_health GROUP BY feed ORDER BY feed
        """
    )
    spots = []
    for feed, absent, regions, first, last, late, held in rows:
        if absent:
            spots.append(
                BlindSpot(
                    "feed",
                    f"{feed}：{first} 至 {last} 间有 {absent} 个地区日未收到报送"
                    f"（{'、'.join(_name(one, 0) for one in regions)}）。",
                    f"{feed}: nothing came on {absent} region-days between {first} and {last} "
                    f"({', '.join(_name(one, 1) for one in regions)}).",
                )
            )
        if late:
            spots.append(
                BlindSpot(
                    "feed",
                    f"{feed}：{late} 条报送迟到。",
                    f"{feed}: {several(late, 'record', 'records')} came late.",
                )
            )
        if held:
            spots.append(
                BlindSpot(
                    "feed",
                    f"{feed}：{held} 份报送被整体挂起，等待处理。",
                    f"{feed}: held as a whole until the operator decides: "
                    f"{several(held, 'submission', 'submissions')}.",
                )
            )
    if not rows:
        spots.append(BlindSpot("feed", "尚未收到任何报送。", "No feed has delivered anything yet."))
    return spots


def _name(area: str, number: int) -> str:
    return NAMES[area][number] if area in NAMES else area


def _waiting(connection: Connection) -> list[BlindSpot]:
    rejected, quarantined = connection.rows(
        "SELECT coalesce(sum(rejected), 0)::BIGINT, coalesce(sum(quarantined), 0)::BIGINT "
        "FROM submission"
    )[0]
    if not rejected and not quarantined:
        return []
    return [
        BlindSpot(
            "quarantine",
            f"未计入：{rejected} 条被退回，{quarantined} 条待处理（隔离）。",
            f"Not counted: {rejected} records rejected, {quarantined} in quarantine.",
        )
    ]


def _rules(connection: Connection, rules: Sequence[str]) -> list[BlindSpot]:
    ran = connection.rows(
        "SELECT rule, bool_or(evaluated), max(reason) FILTER (WHERE NOT evaluated) "
        "FROM rule_run GROUP BY rule"
    )
    evaluated = {rule for rule, done, _ in ran if done}
    reasons = {rule: reason for rule, _, reason in ran if reason}
    return [
        BlindSpot(
            "rule",
            f"规则 {rule} 未评估" + (f"：{reasons[rule]}。" if rule in reasons else "。"),
            f"Rule {rule} was not evaluated" + (f": {reasons[rule]}." if rule in reasons else "."),
        )
        for rule in sorted(set(rules) | set(reasons))
        if rule not in evaluated
    ]
