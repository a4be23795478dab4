"""Rules scored on labelled transfers, in one process: no feeds, no job, no ledger."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.rules.registry import ParameterSet, Rule
    from replay.scoring.alternatives import Run
    from replay.scoring.market import Market, Movements
    from replay.scoring.score import RulesScore
    from replay.scoring.tables import Transfers

Progress = Callable[[str, int, int], None]  # (stage, done, total)


@dataclass(frozen=True, slots=True)
class Options:
    """How a table is scored.

    `cross` is in percent, None as it falls; `rules` empty means all there are; `armed_days` None
    means 45 for a table and 0 for a tape, which is short; `quick` leaves out what needs the rules
    to run again (thresholds moved for the regions).
    """

    partition: str = "bank"
    cross: float | None = None
    rules: tuple[str, ...] = ()
    armed_days: int | None = None
    seed: int = 1
    quick: bool = False
    camouflaged: bool = False
    values: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # rule -> name -> value
    vantages: tuple[str, ...] = ()  # regions that take part; empty: all four
    labels: Path | None = None  # of a run whose tape lies elsewhere
    knowledge: str = "as-of"  # of a run's controller groups, or `today`


def _silent(stage: str, done: int, total: int) -> None:
    del stage, done, total


def score_file(file: Path, options: Options, progress: Progress = _silent) -> dict[str, Any]:
    """Score a transfer table, a tape or a run, whichever this is.

    Raises:
        InputError: it is none of them, or an option does not fit it.
    """
    if file.is_dir():
        from yrd.processes.scoring_ledger import score_folder
        from yrd.settings import Settings

        return score_folder(file, options, Settings(), progress)
    if options.knowledge != "as-of":
        raise InputError("--knowledge: expected as-of for a transfer table: it has no groups")
    return score_table(file, options, progress)


def score_table(file: Path, options: Options, progress: Progress = _silent) -> dict[str, Any]:
    """Score the stream rules on a transfer table, and on its camouflaged copy if asked for.

    Args:
        file: parquet or CSV with the columns of AMLSim or AMLGentex.
        options: how.
        progress: told what is done.

    Raises:
        InputError: the table, a rule or an option cannot be used.
    """
    from replay.scoring.camouflage import camouflaged
    from replay.scoring.tables import read_table

    transfers = read_table(file)
    rules = chosen_rules(options.rules)
    head = {
        "data_origin": "SIMULATED",
        "source": file.name,
        "generator": transfers.generator,
        "seed": options.seed,
        "armed_days": _armed(options),
    }
    told = head | _scored(transfers, rules, options, progress)
    if options.camouflaged:
        copy, how = camouflaged(transfers, options.seed)
        scored = _scored(copy, rules, options, progress) if how.moved else told
        told["camouflaged"] = how.as_dict() | {k: v for k, v in scored.items() if k not in head}
    return told


def _armed(options: Options) -> int:
    from replay.scoring.score import ARMED_DAYS

    return ARMED_DAYS if options.armed_days is None else options.armed_days


def chosen_rules(names: Sequence[str]) -> "dict[str, Rule]":
    """Rules of the stream lane by name; all of them where none is named.

    Raises:
        InputError: no such rule in the stream lane.
    """
    from pipelines.lanes.routing import stream_rules

    known = {rule.name: rule for rule in stream_rules()}
    for name in names:
        if name not in known:
            raise InputError(f"--rule {name}: expected one of {', '.join(sorted(known))}")
    return {name: rule for name, rule in sorted(known.items()) if not names or name in names}


def numbers(values: Mapping[str, Mapping[str, int]]) -> "ParameterSet":
    """The newest agreed set, with other values where some are given.

    Raises:
        InputError: a value is not one of a rule's numbers.
    """
    from pipelines.rules.registry import load_rules, parameters_on

    agreed, rules = parameters_on(), load_rules()
    for rule, changed in values.items():
        known = rules[rule].parameters if rule in rules else {}
        for name in changed:
            if name not in known:
                names = known or rules
                raise InputError(f"--set {rule}.{name}: expected one of {', '.join(names)}")
        agreed = agreed.changed(rule, **changed)
    return agreed


def run_rules(
    market: "Market", rules: "Mapping[str, Rule]", values: Mapping[str, Mapping[str, int]]
) -> "pa.Table":
    """Crossings of some stream rules on a market, in the order the stream lane gives."""
    from pipelines.lanes.stream import run_once

    return run_once(market.narrow, numbers(values), rules=tuple(rules.values()))


def _scored(
    transfers: "Transfers", rules: "Mapping[str, Rule]", options: Options, progress: Progress
) -> dict[str, Any]:
    from replay.scoring.market import market_of
    from replay.scoring.regions import assign

    share = None if options.cross is None else options.cross / 100
    assignment = assign(transfers, options.partition, share, options.seed)
    market = market_of(transfers, assignment.region, options.seed)
    progress("rules", 0, 1)
    score = score_market(market, rules, options)
    progress("rules", 1, 1)

    def again(rule: "Rule", changed: Mapping[str, int]) -> "pa.Table":
        before = options.values.get(rule.name, {})
        values = {**options.values, rule.name: {**before, **changed}}
        return of_vantages(run_rules(market, {rule.name: rule}, values), options.vantages)

    told = told_of(score, rules, market.movements, options, again, progress)
    return {"assignment": assignment.as_dict(), **told}


def told_of(
    score: "RulesScore",
    rules: "Mapping[str, Rule]",
    movements: "Movements",
    options: Options,
    again: "Run",
    progress: Progress,
) -> dict[str, Any]:
    """A score as JSON values, with what could be had without sharing beside it."""
    from replay.scoring.alternatives import exchange, retuned, touching
    from replay.scoring.score import trivial

    baselines = trivial(movements, score.truth, score.period) | {
        "solo_touching": touching(score),
        "alert_exchange": exchange(score, rules, movements),
    }
    if not options.quick:
        agreed = numbers(options.values)
        values = {name: agreed.of(rule) for name, rule in rules.items()}
        done = 0

        def step() -> None:
            nonlocal done
            done += 1
            progress("thresholds of the regions", done, len(rules))

        baselines["solo_retuned"] = retuned(score, rules, values, again, step)
    return {
        "transactions": len(movements.ids),
        "accounts": score.accounts,
        **score.as_dict(),
        "baselines": baselines,
    }


def of_vantages(crossings: "pa.Table", regions: Sequence[str]) -> "pa.Table":
    """Crossings of the joint vantage and of some regions; empty means all.

    Raises:
        InputError: no such region.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from schemas.regions import JOINT_BIT, REGIONS

    if not regions:
        return crossings
    for region in regions:
        if region not in REGIONS:
            raise InputError(f"--vantages {region}: expected some of {', '.join(REGIONS)}")
    bits = pa.array([*(REGIONS.index(region) for region in regions), JOINT_BIT], pa.uint8())
    return crossings.filter(pc.is_in(crossings["vantage"], value_set=bits))


def score_market(market: "Market", rules: "Mapping[str, Rule]", options: Options) -> "RulesScore":
    """Run the rules on a market and compare what they raise with its labels."""
    from replay.scoring.score import Period, score_rules

    crossings = of_vantages(run_rules(market, rules, options.values), options.vantages)
    period = Period.of(market.first_us, market.last_us, _armed(options))
    return score_rules(crossings, rules, market.truth, market.accounts, period)


def curve_of(
    file: Path,
    options: Options,
    seeds: int,
    progress: Progress = _silent,
    partitions: Sequence[str] = (),
    levels: Sequence[int] = (),
) -> dict[str, Any]:
    """The value of sharing over assignments of regions: joint and solo on the same table.

    Args:
        file: as `score_table`.
        options: as `score_table`; its partition and share are not used.
        seeds: assignments a point.
        progress: told what is done.
        partitions: ways to give regions; empty: all.
        levels: percent of transfers that cross; empty: 5 to 70.

    Raises:
        InputError: as `score_table`.
    """
    from replay.scoring.camouflage import camouflaged
    from replay.scoring.curve import LEVELS, curve, point, settings
    from replay.scoring.market import market_of
    from replay.scoring.regions import PARTITIONS, assign
    from replay.scoring.tables import read_table

    if file.is_dir():
        raise InputError(f"{file}: expected a transfer table for --curve; name a parquet file")
    transfers = read_table(file)
    if options.camouflaged:
        transfers, _ = camouflaged(transfers, options.seed)
    rules = chosen_rules(options.rules)
    todo = list(settings(partitions or PARTITIONS, levels or LEVELS, seeds))
    points = []
    for done, setting in enumerate(todo):
        progress("assignments", done, len(todo))
        assignment = assign(transfers, setting.partition, setting.cross / 100, setting.seed)
        market = market_of(transfers, assignment.region, options.seed)
        points.append(point(setting, assignment, score_market(market, rules, options)))
    progress("assignments", len(todo), len(todo))
    if not points[0].by_rule:
        raise InputError(
            f"{file}: patterns: expected some that a rule is to find and that end when the rules "
            "are armed; choose other rules or fewer --armed-days"
        )
    return {
        "data_origin": "SIMULATED",
        "source": file.name,
        "generator": transfers.generator,
        "camouflaged": options.camouflaged,
        "armed_days": _armed(options),
        "rules": sorted(rules),
        "curve": curve(points),
    }
