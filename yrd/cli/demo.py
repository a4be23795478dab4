"""`yrd demo`: everything once, on a simulated market, and a screen a supervisor understands."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yrd.cli.common import Json, emit, guarded, progress, staged, stdout

if TYPE_CHECKING:
    from rich.table import Table

    from serving.answers.model import Explanation
    from yrd.processes.layout import Layout

TOLD = 3
# One alert of each kind is told where there is one, in this order; rules named first go first.
# Another rule is a kind of its own, after these.
KINDS = (
    ("structuring", "pass_through"),
    ("fundraising", "quota_splitting", "shared_identity"),
    ("cycle", "scatter_gather"),
)
UNCLEAR = "bipartite"  # told last: most pairs who share payees on this market do so innocently
# Whose alerts of one region alone are told first, where what all four hold explains them.
PLAINEST = ("pass_through", "dormant_wake", "public_to_private", "large_value")
_TRIED = 12  # alerts of one region that are looked at until one is explained


def demo(
    reports: Annotated[int, typer.Option(help="About so many reports.", min=20_000)] = 200_000,
    seed: Annotated[int, typer.Option(help="Same seed, same market.", min=0)] = 1,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the run; a former run there is removed. Default var/demo."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Simulate four regions, run everything, and show what only the joint picture shows.

    Leaves OUT/summary.json, OUT/report.html and a ledger to ask. The data are simulated: what was
    planted is an input, not a finding.

    Exit status: 0 done, 1 counts do not add up, 3 Java is missing.
    """
    with guarded():
        from replay.ledger_scores import score_ledger
        from replay.market.build import Sizes, simulate
        from serving.answers.explain import explanation
        from serving.desk.page.compose import report
        from serving.publish import open_version
        from yrd.processes import cpu
        from yrd.processes.layout import Layout
        from yrd.processes.run import Options, run_tape
        from yrd.processes.summary import adds_up
        from yrd.settings import Settings

        settings = Settings()
        layout = Layout(out or settings.var / "demo")
        layout.clear(keep_tape=False)
        started = time.perf_counter()
        cpu.adopt_orphans()
        with progress(as_json) as bar:
            advance = staged(bar)

            written = 0

            def count(records: int) -> None:
                nonlocal written
                written += records
                advance("simulate", min(written, reports), reports)

            simulate(layout.tape, seed, Sizes(reports=reports), count)
            result = run_tape(layout.tape, layout, settings, Options(), advance)
            connection, _ = open_version(layout.ledger)
            with connection:
                scored = score_ledger(connection, layout.tape / "labels.parquet")
                result["score"] = _brief(scored.as_dict())
                told = [explanation(connection, one) for one in _telling(connection)]
                told += _explained(connection)
        cpu.reap()
        result["elapsed_s"] = round(time.perf_counter() - started, 2)
        result["cpu_s"] = round(cpu.cpu_seconds(), 2)
        layout.summary.write_text(json.dumps(result, indent=1, default=str) + "\n")
        layout.report.write_text(report(result, told), encoding="utf-8")
        if as_json:
            emit({"run": str(layout.root)} | result, as_json)
        else:
            _show(result, told, layout)
        if not adds_up(result):
            raise typer.Exit(1)


def _telling(connection: Any) -> list[str]:  # noqa: ANN401 - its module loads inside functions
    """The alerts to tell: at most one of a kind, hidden ones that no operator holds first.

    Within a rule the one over most regions, then the highest band and the most evidence.
    """
    rows = connection.rows(
        """
        SELECT rule, alert_id, level FROM (
            SELECT rule, alert_id, CASE
                WHEN hidden_by_split AND operator_sees IS NULL AND NOT search_cut THEN 0
                WHEN hidden_by_split THEN 1 ELSE 2 END AS level,
                row_number() OVER (
                    PARTITION BY rule
                    ORDER BY level, regions DESC, peak_band DESC, len(evidence) DESC, alert_id
                ) AS place
            FROM alert JOIN (
                SELECT alert_id, len(list_distinct(flatten(list(seen_by)))) AS regions
                FROM alert_evidence GROUP BY alert_id
            ) USING (alert_id)
            WHERE known_to IS NULL AND NOT withdrawn AND NOT not_raised_jointly
        ) WHERE place = 1 ORDER BY rule
        """
    )
    best = {str(rule): (int(level), str(alert_id)) for rule, alert_id, level in rows}
    named = {rule for kind in KINDS for rule in kind} | {UNCLEAR}
    others = [(rule,) for rule in best if rule not in named]
    chosen = [
        min((best[rule] for rule in kind if rule in best), key=lambda one: one[0], default=None)
        for kind in (*KINDS, *others, (UNCLEAR,))
    ]
    # Sorting keeps the order of the kinds among equals.
    found = sorted((one for one in chosen if one is not None), key=lambda one: one[0])
    return [alert_id for _, alert_id in found[:TOLD]]


def _explained(connection: Any) -> "list[Explanation]":  # noqa: ANN401 - as above
    """One alert that a region raises alone and that what all four hold explains, if there is one.

    Rules of `PLAINEST` come first, in their order, then the highest band and the largest measure.
    """
    from serving.answers.alone_words import explains
    from serving.answers.explain import explanation

    rows = connection.rows(
        """
        SELECT alert_id FROM alert
        WHERE known_to IS NULL AND NOT withdrawn AND not_raised_jointly
        ORDER BY coalesce(list_position($plainest, rule), 99), rule, peak_band DESC,
            peak_measure DESC, alert_id
        LIMIT $tried
        """,
        {"plainest": list(PLAINEST), "tried": _TRIED},
    )
    each = (explanation(connection, str(alert_id)) for (alert_id,) in rows)
    found = next((one for one in each if explains(one.alone)), None)
    return [] if found is None else [found]


def _brief(score: dict[str, Any]) -> dict[str, Any]:
    """Planted, found, missed, false and how, in all and by rule."""
    keys = ("planted", "found", "missed", "false", "recall", "precision", "delay_s", "hidden")
    rows = {name: {key: row[key] for key in keys} for name, row in score.items()}
    return rows.pop("all") | {"by_rule": rows}


def _show(result: dict[str, Any], told: "Sequence[Explanation]", layout: "Layout") -> None:
    from rich.padding import Padding

    from serving.answers.resting import proof_of

    stdout.rule("[bold]四地联合监管演示  Joint supervision of four regions")
    stdout.print(
        "[bold red]SIMULATED 模拟数据[/bold red]  No real transactions, institutions or persons. "
        "What was planted is an input, not a finding.\n"
    )
    stdout.print(
        f"Reports  {result['submitted']:,} submitted = {result['accepted']:,} accepted + "
        f"{result['rejected']:,} rejected + {result['quarantined']:,} quarantined + "
        f"{result['duplicates']:,} duplicates   ({result['late']:,} late)\n"
        f"         in {result['submissions']:,} submissions of {len(result['by_feed'])} feeds; "
        f"they make {result['transactions']:,} transactions\n",
        highlight=False,
    )
    stdout.print(_feeds(result["by_feed"]))
    stdout.print()
    stdout.print(_rules(result))
    stdout.print(
        "\nhidden  by split: no region alone raises it, the joint picture does\n"
        "nobody  of these, no national operator holds all the evidence either\n"
        "alone   a region raises it, the joint picture does not; kept, not called cleared\n"
        + _bounded(result["by_rule"]),
        highlight=False,
    )
    for number, one in enumerate(told, 1):
        if one.alert.not_raised_jointly:
            stdout.print(
                "一地单独报出、四地合看有解释  "
                "Raised by one region alone, explained by what all four hold\n",
                style="bold",
            )
        stdout.print(f"[bold]{number}. {one.rule.question_zh}[/bold]", highlight=False)
        stdout.print(Padding(f"[bold]{one.rule.question_en}[/bold]", (0, 0, 0, 3)))
        for sentence in (*one.sentences_zh, *one.sentences_en):
            stdout.print(Padding(sentence, (0, 0, 0, 3)), highlight=False)
        stdout.print()
    first = told[0].alert.alert_id[:12] if told else "ID"
    proof = proof_of(told[0].alert, 12) if told else "verify ID"
    where = "" if layout.root == Path("var/demo") else f" --ledger {quote(str(layout.ledger))}"
    stdout.print("[bold]Next[/bold]")
    for command, what in (
        (f"open {quote(str(layout.report))}", "the same with pictures"),
        (f"yrd alert explain {first} --lang zh{where}", "one alert, line by line"),
        (f"yrd ask --view hidden_by_split{where}", "every alert no region could have seen"),
        (f"yrd alert {proof}{where}", "recompute it from the submitted bytes"),
        (f"yrd score {quote(str(layout.root))}", "planted, found, missed, false, with intervals"),
    ):
        stdout.print(f"  {command:<44} {what}", highlight=False, markup=False, soft_wrap=True)
    stdout.print(
        f"\n{result['elapsed_s']} s, {result['cpu_s']} CPU-seconds; output "
        f"{result['output_sha256'][:16]}; summary in {layout.summary}",
        highlight=False,
    )


def _bounded(by_rule: dict[str, dict[str, int]]) -> str:
    """Which rules' searches stopped at their bound, if any did."""
    cut = {name: row["searches_cut"] for name, row in by_rule.items() if row["searches_cut"]}
    if not cut:
        return ""
    told = ", ".join(f"{name} {count:,}" for name, count in cut.items())
    return f"bounds  searches that stopped at their bound, all vantages: {told}\n"


def _rules(result: dict[str, Any]) -> "Table":
    """Every family of rules with what it counts in all, and its rules beneath."""
    from rich.table import Table

    from pipelines.rules.registry import FAMILIES, load_rules
    from serving.desk.page.compose import rule_name

    scores = result["score"]["by_rule"]
    rows = {
        name: [row[key] for key in _COUNTED] + [scores.get(name, {}).get(key, 0) for key in _SCORED]
        for name, row in result["by_rule"].items()
    }
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("rule", no_wrap=True)
    for head in ("alerts", "hidden", "nobody", "alone", *_SCORED):
        table.add_column(head, justify="right", no_wrap=True)

    def add(name: str, counts: Sequence[int], *, bold: bool) -> None:
        cells = (name, *map(str, counts))
        table.add_row(*(f"[bold]{cell}[/bold]" if bold else cell for cell in cells))

    rules = load_rules()
    for family, title in FAMILIES.items():
        mine = [name for name in rows if rules[name].family == family]
        if mine:
            columns = zip(*(rows[name] for name in mine), strict=True)
            add(" ".join(title), [sum(column) for column in columns], bold=True)
        for name in mine:
            add(f" {' '.join(rule_name(name))}", rows[name], bold=False)
    total = [*(result[key] for key in _COUNTED), *(result["score"][key] for key in _SCORED)]
    add("全部 all", total, bold=True)
    return table


def _feeds(by_feed: dict[str, Any]) -> "Table":
    """What became of the records of each feed."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("feed", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    for head in _OUTCOMES:
        table.add_column(head, justify="right", no_wrap=True)
    for feed, row in by_feed.items():
        table.add_row(feed, row["kind"], *(f"{row[name]:,}" for name in _OUTCOMES))
    return table


_OUTCOMES = ("submitted", "accepted", "rejected", "quarantined")
_SCORED = ("planted", "found", "false")
_COUNTED = ("alerts", "hidden_by_split", "hidden_also_from_operators", "not_raised_jointly")
