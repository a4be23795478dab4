"""The tables and curves of docs/scoring.md, made again: `python -m benchmarks.published FOLDER`.

FOLDER holds `amlsim_delta.parquet` and `amlgentex_delta.parquet`. Everything between a comment
`made: NAME` and the comment `made` that ends it is written anew, the words around it stay; pictures
go to docs/scoring. The same figures come one by one from `yrd rule score FILE --camouflaged --json`
and `yrd rule score FILE --curve --json`. `--tables` leaves the curves out; `--to DOCS` writes into
another folder that has a `scoring.md`; `--measured DAY` takes the results over into the rules' own
`scores.json`, from which their pages are made.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.rules import scores
from schemas.errors import InputError, YrdError
from yrd.cli.rule_score import draw
from yrd.processes.scoring import Options, curve_of, score_table

SETS = {"AMLSim": "amlsim", "AMLGentex": "amlgentex"}
SEEDS = 3  # assignments a point of the curve
_HEAD = (
    "n",
    "recall, joint",
    "four regions alone",
    "precision, joint",
    "alone",
    "alerts",
    "alone",
    "delay, days",
    "hidden",
    "begun armed",
)
_WITHOUT = (
    "table, rule",
    "joint",
    "(a) touched by a true solo alert",
    "(b) solo thresholds moved",
    "what was moved",
    "its precision",
    "(c) alerts exchanged",
)
_CURVE = (
    "regions given",
    "share that crosses",
    "n",
    "recall, joint",
    "four regions alone",
    "gain, paired",
    "found and hidden from all",
)
Row = Mapping[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Score both tables and write what they gave; returns an exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.published", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--to", type=Path, default=Path("docs"))
    parser.add_argument("--tables", action="store_true", help="leave the curves out")
    parser.add_argument("--measured", help="day the results are kept under with the rules")
    given = parser.parse_args(arguments)
    page = given.to / "scoring.md"
    made: dict[str, str] = {}
    try:
        without = []
        for name, short in SETS.items():
            file = given.folder / f"{short}_delta.parquet"
            before = time.process_time()
            told = score_table(file, Options(camouflaged=True))
            if given.measured:
                _take_over(told, short, given.measured)
            made[short] = results(name, told)
            without += list(_without_sharing(name, told))
            if told["camouflaged"]["moved"]:
                made[f"{short}, camouflaged"] = results(f"{name}, camouflaged", told["camouflaged"])
                without += list(_without_sharing(f"{name}, camouflaged", told["camouflaged"]))
            _say(f"{name}: tables, CPU-s", time.process_time() - before)
            if not given.tables:
                before = time.process_time()
                curve = curve_of(file, Options(), SEEDS)
                picture = given.to / "scoring" / f"curve_{short}.svg"
                draw(curve, picture)
                made[f"{short}, curve"] = _table(_CURVE, list(_points(curve["curve"])))
                _say(f"{name}: curve, CPU-s", time.process_time() - before)
        made["without sharing"] = _table(_WITHOUT, without)
        page.write_text(filled(page.read_text("utf-8"), made, str(page)), "utf-8")
    except YrdError as error:
        sys.stderr.write(f"published: {error}\n")
        return 2
    return 0


def _take_over(told: Row, short: str, day: str) -> None:
    new = scores.taken_over(
        told,
        f"{short} transfers, regions by bank",
        f"yrd rule score {short}_delta.parquet --quick --json",
        day,
    )
    scores.keep(scores.merged(scores.load_scores(), new))


def filled(text: str, made: Mapping[str, str], where: str) -> str:
    """A page with its made parts written anew.

    Raises:
        InputError: the page has no place for one of them.
    """
    for name, part in made.items():
        begin, end = f"<!-- made: {name} -->\n", "<!-- made -->\n"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise InputError(f"{where}: made: {name}: expected both comments; write them")
        text = f"{before}{begin}\n{part}\n\n{end}{after}"
    return text


def results(name: str, told: Row) -> str:
    """Rules of a table, jointly and alone, and what their evidence says of single transfers."""
    transfers, trivial = told["transfers"], told["baselines"]
    crosses, new = (
        trivial[one]["f1"] for one in ("crosses_a_region", "crosses_a_region_and_is_a_new_pair")
    )
    sentence = (
        f"Single transfers: F1 **{transfers['f1']:.3f}** jointly (precision "
        f"{_ratio(transfers['precision'])}, recall {_ratio(transfers['recall'])}), "
        f"{transfers['solo']['union']['f1']:.3f} in four regions alone; flagging what crosses a "
        f"region: {crosses:.3f}, and is a new pair: {new:.3f}. Alerts per 1,000 accounts a month: "
        f"{told['per_1000_accounts_month']:.2f} jointly, "
        f"{told['per_1000_accounts_month_solo_union']:.2f} alone."
    )
    return _table((name, *_HEAD), list(_rows(told["by_rule"]))) + "\n\n" + sentence


def _rows(by_rule: Row) -> Iterator[Sequence[str]]:
    for rule, row in by_rule.items():
        if any(_raised(row)) or row["joint"]["n"]:
            yield rule, *_row(row)
            variants = {k: v for k, v in row.get("by_variant", {}).items() if any(_raised(v))}
            if len(variants) > 1:
                yield from ((f"{rule}, {k}", *_row(v)) for k, v in variants.items())


def _raised(row: Row) -> tuple[int, int]:
    return row["joint"]["alerts"], row["solo"]["union"]["alerts"]


def _row(row: Row) -> Iterator[str]:
    joint, union = row["joint"], row["solo"]["union"]
    yield str(joint["n"])
    for ratio in ("recall", "precision"):
        yield from (_ratio(side[ratio]) for side in (joint, union))
    yield from map(str, _raised(row))
    yield "-" if joint["delay_days"] is None else str(joint["delay_days"])
    hidden, armed = row["hidden"]["patterns"], row["begun_armed"]["joint"]["recall"]["value"]
    yield f"{hidden['hits']}/{hidden['n']}"
    yield "-" if armed is None else f"{armed:.2f}"


def _without_sharing(name: str, told: Row) -> Iterator[Sequence[str]]:
    parts = ("solo_touching", "solo_retuned", "alert_exchange")
    touched, moved, exchanged = (told["baselines"][part]["by_rule"] for part in parts)
    for rule, row in told["by_rule"].items():
        if not row["joint"]["n"]:
            continue
        by_hand = moved[rule]
        values = ", ".join(f"`{k}` {v:,}" for k, v in by_hand["values"].items()) or "nothing"
        yield (
            f"{name}, {rule}",
            _ratio(row["joint"]["recall"]),
            _ratio(touched[rule]),
            _ratio(by_hand["recall"]),
            f"{values}: {by_hand['alerts']} alerts for {by_hand['joint_alerts']}",
            _ratio(by_hand["precision"]),
            _ratio(exchanged[rule]["recall"]),
        )


def _points(curve: Sequence[Row]) -> Iterator[Sequence[str]]:
    for row in curve:
        if row["rule"] == "all":
            gain, hidden = row["gain"], row["hidden_by_split"]
            yield (
                row["partition"],
                f"{row['cross']:.0%}",
                str(row["n"]),
                _ratio(row["joint"]["recall"]),
                _ratio(row["solo_union"]["recall"]),
                f"{gain['value']:+.2f} ({gain['low']:+.2f}, {gain['high']:+.2f})",
                "-" if hidden["value"] is None else f"{hidden['hits']}/{hidden['n']}",
            )


def _ratio(ratio: Row) -> str:
    if ratio["value"] is None:
        return "-"
    return f"{ratio['value']:.2f} ({ratio['low']:.2f}-{ratio['high']:.2f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def _say(what: str, seconds: float) -> None:
    sys.stdout.write(f"{what:<40} {seconds:.1f}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
