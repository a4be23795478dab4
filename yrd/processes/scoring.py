"""Rules scored on labelled transfers, in one process: no feeds, no job, no ledger."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.rules.registry import Rule
from schemas.errors import InputError


def score_table(
    file: Path,
    partition: str,
    cross: float | None,
    rules: Sequence[str],
    armed_days: int,
    seed: int,
) -> dict[str, Any]:
    """Score the stream rules on a transfer table.

    Args:
        file: parquet or CSV with the columns of AMLSim or AMLGentex.
        partition: bank, community or random.
        cross: percent of transfers between regions; None: as it falls.
        rules: names; empty for all of the stream lane.
        armed_days: learning, not scored.
        seed: decides times of day and regions.

    Raises:
        InputError: the table, a rule or an option cannot be used.
    """
    from pipelines.lanes.stream import run_once
    from replay.scoring.market import market_of
    from replay.scoring.regions import assign
    from replay.scoring.score import Period, score_rules, trivial
    from replay.scoring.tables import read_table

    transfers = read_table(file)
    chosen = chosen_rules(rules)
    assignment = assign(transfers, partition, None if cross is None else cross / 100, seed)
    market = market_of(transfers, assignment.region, seed)
    crossings = run_once(market.narrow, rules=chosen)
    period = Period.of(market.first_us, market.last_us, armed_days)
    named = {rule.name: rule for rule in chosen}
    score = score_rules(crossings, named, market.truth, market.accounts, period)
    return {
        "data_origin": "SIMULATED",
        "source": file.name,
        "generator": transfers.generator,
        "transactions": len(market.narrow),
        "accounts": market.accounts,
        "armed_days": armed_days,
        "assignment": assignment.as_dict(),
        **score.as_dict(),
        "baselines": trivial(market.movements, market.truth, period),
    }


def chosen_rules(names: Sequence[str]) -> tuple[Rule, ...]:
    """Rules of the stream lane by name; all of them where none is named.

    Raises:
        InputError: no such rule in the stream lane.
    """
    from pipelines.lanes.stream import stream_rules

    known = {rule.name: rule for rule in stream_rules()}
    for name in names:
        if name not in known:
            raise InputError(f"--rule {name}: expected one of {', '.join(sorted(known))}")
    return tuple(rule for rule in stream_rules() if not names or rule.name in names)
