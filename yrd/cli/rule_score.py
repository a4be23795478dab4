"""`yrd rule score FILE`: how well the rules find what is labelled, jointly and alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from yrd.cli.common import Json, emit, guarded, progress, staged, stdout


def score(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A labelled transfer table (columns of AMLSim or AMLGentex), a simulated tape's "
            "folder, or the folder of a run.",
        ),
    ],
    partition: Annotated[
        str, typer.Option(help="How accounts are given to regions: bank, community or random.")
    ] = "bank",
    cross: Annotated[
        float | None, typer.Option(help="Percent of transfers that cross a region: 5 to 70.")
    ] = None,
    rule: Annotated[
        list[str] | None, typer.Option("--rule", help="Only this rule; may be repeated.")
    ] = None,
    vantages: Annotated[
        str | None,
        typer.Option(help="Regions that take part beside the joint view: 310000,340000."),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", help="Another number, RULE.NAME=VALUE; may be repeated."),
    ] = None,
    armed_days: Annotated[
        int | None,
        typer.Option(help="Days of learning: nothing is raised in them; 45, a tape 0.", min=0),
    ] = None,
    camouflaged: Annotated[
        bool,
        typer.Option(
            "--camouflaged", help="Also on a copy whose silent labelled accounts are busy ones."
        ),
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out thresholds moved for the regions.")
    ] = False,
    curve: Annotated[
        bool, typer.Option("--curve", help="The value of sharing over assignments of regions.")
    ] = False,
    seeds: Annotated[int, typer.Option(help="Assignments a point of the curve.", min=1)] = 3,
    svg: Annotated[Path | None, typer.Option(help="Write the curve's picture here.")] = None,
    seed: Annotated[int, typer.Option(help="Decides times of day, regions, the copy.", min=0)] = 1,
    labels: Annotated[
        Path | None, typer.Option(help="labels.parquet of a run's tape, if it is not RUN/tape's.")
    ] = None,
    knowledge: Annotated[
        str, typer.Option(help="A run's controller groups as known then (as-of) or now (today).")
    ] = "as-of",
    as_json: Json = False,
) -> None:
    """Score rules on labelled transactions: recall, precision, delay; joint and each region alone.

    Regions of a transfer table are given by us (--partition, --cross); a tape has its own. Every
    ratio carries hits, n and a 95 % interval. Data are simulated: what is labelled is an input,
    not a finding.

    Exit status: 0 scored, 2 a table, rule or option that cannot be used.
    """
    with guarded():
        from yrd.processes.scoring import Options, curve_of, score_file

        options = Options(
            partition=partition,
            cross=cross,
            rules=tuple(rule or ()),
            armed_days=armed_days,
            seed=seed,
            quick=quick,
            camouflaged=camouflaged,
            values=_values(values or ()),
            vantages=tuple(vantages.split(",")) if vantages else (),
            labels=labels,
            knowledge=knowledge,
        )
        with progress(as_json) as bar:
            advance = staged(bar)

            if curve:
                result = curve_of(file, options, seeds, advance)
            else:
                result = score_file(file, options, advance)
        if curve and svg is not None:
            draw(result, svg)
        if as_json:
            emit(result, as_json)
        elif curve:
            show_curve(result, svg)
        else:
            show(result)


def _values(texts: Sequence[str]) -> dict[str, dict[str, int]]:
    from schemas.errors import InputError

    found: dict[str, dict[str, int]] = {}
    for text in texts:
        name, _, value = text.partition("=")
        rule, _, parameter = name.partition(".")
        try:
            found.setdefault(rule, {})[parameter] = int(value)
        except ValueError:
            raise InputError("--set: expected RULE.NAME=VALUE, such as cycle.most_hops=8") from None
    return found


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Write a curve's picture."""
    from serving.desk.svg.sharing import sharing

    copy = ", camouflaged copy" if result["camouflaged"] else ""
    title = f"{result['source']}{copy}: simulated data, regions given by us"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(sharing(result["curve"], title) + "\n", encoding="utf-8")


def show(result: Mapping[str, Any]) -> None:
    """Print the score as tables for people: rules, then what could be had without sharing."""
    stdout.print("[bold]Simulated data[/bold]: what is labelled is an input, not a finding")
    if result.get("note"):
        stdout.print(f"[bold red]{result['note']}[/bold red]: groups as known today")
    _parts(result)
    if "camouflaged" in result:
        copy = result["camouflaged"]
        stdout.print(
            f"\n[bold]Camouflaged copy[/bold]: {copy['moved']} of {copy['silent']} silent labelled "
            "accounts took the ids of busy ones",
            highlight=False,
        )
        _parts(copy)


def _parts(result: Mapping[str, Any]) -> None:
    if "assignment" in result:
        regions = result["assignment"]
        stdout.print(
            f"regions given by us: {regions['partition']}, {regions['cross']:.1%} of transfers "
            "cross",
            highlight=False,
        )
    found = _table(("n", "recall joint", "recall alone", "days"))
    true = _table(("precision joint", "precision alone", "alerts", "alone"))
    for label, row in _rows(result["by_rule"]):
        joint, union = row["joint"], row["solo"]["union"]
        days = joint["delay_days"]
        found.add_row(
            label,
            str(joint["n"]),
            *(_ratio(side["recall"]) for side in (joint, union)),
            "-" if days is None else f"{days:.1f}",
        )
        precision = [_ratio(side["precision"]) for side in (joint, union)]
        true.add_row(label, *precision, str(joint["alerts"]), str(union["alerts"]))
    stdout.print(found)
    stdout.print("alone: four regions together; days: median after a pattern's last transfer\n")
    stdout.print(true)
    joint, alone = result["transfers"], result["transfers"]["solo"]["union"]
    stdout.print(
        f"transfers F1 {joint['f1']}, alone {alone['f1']}; alerts per 1,000 accounts a month "
        f"{result['per_1000_accounts_month']}, alone "
        f"{result['per_1000_accounts_month_solo_union']}\n",
        highlight=False,
    )
    _without_sharing(result["baselines"], result["by_rule"])


def _without_sharing(baselines: Mapping[str, Any], rules: Mapping[str, Any]) -> None:
    table = _table(("touched alone", "regions retuned", "alerts exchanged"))
    names = ("solo_touching", "solo_retuned", "alert_exchange")
    for rule, row in rules.items():
        if row["joint"]["n"]:
            cells = []
            for name in names:
                one = baselines.get(name, {}).get("by_rule", {}).get(rule)
                cells.append("-" if one is None else _ratio(one.get("recall", one)))
            table.add_row(rule, *cells)
    if table.row_count:
        stdout.print("recall without sharing transactions", highlight=False)
        stdout.print(table)
    for name in ("crosses_a_region", "crosses_a_region_and_is_a_new_pair"):
        said = name.replace("_", " ")
        stdout.print(f"for comparison, flag what {said}: F1 {baselines[name]['f1']}")


def show_curve(result: Mapping[str, Any], svg: Path | None) -> None:
    """Print the curve of all rules together as a table."""
    stdout.print("[bold]Simulated data[/bold], regions given by us: the value of sharing")
    table = _table(("cross", "joint", "alone", "gain", "hidden"), "partition")
    for row in result["curve"]:
        if row["rule"] == "all":
            gain, hidden = row["gain"], row["hidden_by_split"]["value"]
            table.add_row(
                row["partition"],
                f"{row['cross']:.0%}",
                _ratio(row["joint"]["recall"]),
                _ratio(row["solo_union"]["recall"]),
                f"{gain['value']:+.2f} ({gain['low']:+.2f}, {gain['high']:+.2f})",
                "-" if hidden is None else f"{hidden:.0%}",
            )
    stdout.print(table)
    stdout.print(
        "alone: four regions together; gain: paired by pattern; hidden: found and no region saw it",
        highlight=False,
    )
    if svg is not None:
        stdout.print(f"picture in {svg}", highlight=False, markup=False)


def _table(headings: Sequence[str], first: str = "rule") -> Any:  # noqa: ANN401 - rich loads late
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _rows(rules: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found = []
    for name, row in rules.items():
        if row["joint"]["n"] or row["joint"]["alerts"] or row["solo"]["union"]["alerts"]:
            found.append((name, row))
            found += [(f" {v}", one) for v, one in row.get("by_variant", {}).items()]
    return found


def _ratio(ratio: Mapping[str, Any]) -> str:
    if ratio["value"] is None:
        return "-"
    return f"{ratio['value']:.2f} ({ratio['low']:.2f}-{ratio['high']:.2f})"
