"""`yrd score`: compare a run's alerts with the labels of the tape it came from."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated

import typer

from yrd.cli.common import Json, check_lang, emit, guarded, progress, stdout, whole

if TYPE_CHECKING:
    from replay.scorer import Ratio, Score

_EN: Mapping[str, str] = {
    "counts": "rule|planted|found|missed|alerts|false|innocents|hidden|days",
    "shares": "rule|recall|precision|one region alone|delay",
    "all": "all",
    "origin": "[bold]Simulated data[/bold]: what is planted is an input, not a finding",
    "read_counts": "innocents: raised / planted; hidden: found and hidden from all / found\n"
    "days: median from a scheme's last event until its alert was known",
    "read_shares": "shares with their 95 % intervals; delay: median after the scheme's last event",
    "baseline": "for comparison, flag what {said}",
}
_ZH: Mapping[str, str] = {
    "counts": "规则|植入|发现|未发现|预警|误报|无辜|隐藏|天数",
    "shares": "规则|召回|精确|任一地区单独|延迟",
    "all": "全部",
    "origin": "[bold]模拟数据[/bold]：植入的是输入，不是发现",
    "read_counts": "无辜：被触发 / 植入；隐藏：发现且各地均看不到 / 发现\n"
    "天数：自方案最后一笔至预警得知，中位数",
    "read_shares": "比率附 95% 区间；延迟：自方案最后一笔至触发，中位数",
    "baseline": "对照：凡{said}即标记",
    "crosses_a_region": "跨地区",
    "crosses_a_region_and_is_a_new_pair": "跨地区且双方首次往来",
}


def score(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, such as var/demo.")],
    labels: Annotated[
        Path | None, typer.Option(help="labels.parquet of the tape, if it is not RUN/tape's.")
    ] = None,
    armed_from: Annotated[
        str | None,
        typer.Option("--armed-from", help="Day before which alerts are learning: 2026-04-20."),
    ] = None,
    lang: Annotated[str, typer.Option(help="zh or en.")] = "en",
    as_json: Json = False,
) -> None:
    """Compare the alerts of RUN with the planted schemes: planted, found, missed, false.

    Found: one alert covers six tenths of a scheme. False: less than half of an alert's evidence is
    labelled. Ratios carry n and a 95 % interval. The data are simulated: what is planted is an
    input, not a finding.

    Exit status: 0 compared, 2 no such run or labels.
    """
    with guarded():
        check_lang(lang)
        from replay.ledger_scores import ledger_baselines, score_ledger
        from schemas.errors import InputError
        from serving.publish import open_version
        from yrd.processes.layout import Layout

        try:
            armed = (
                None
                if armed_from is None
                else datetime.fromisoformat(armed_from).replace(tzinfo=UTC)
            )
        except ValueError:
            raise InputError("--armed-from: expected a day such as 2026-04-20") from None
        layout = Layout(run)
        connection, _ = open_version(layout.ledger)
        with connection, progress(as_json) as bar:
            task = bar.add_task("alerts against labels, then baselines", total=2)
            where = labels or layout.tape / "labels.parquet"
            result = score_ledger(connection, where, armed)
            bar.advance(task)
            trivial = ledger_baselines(connection, where)
            bar.advance(task)
        if as_json:
            told = {"data_origin": "SIMULATED"} | result.as_dict() | {"baselines": trivial}
            emit(told, as_json)
        else:
            say = _ZH if lang == "zh" else _EN
            show(result, say)
            for name, row in trivial.items():
                said = say.get(name, name.replace("_", " "))
                stdout.print(f"{say['baseline'].format(said=said)}: F1 {row['f1']}")


def show(result: "Score", say: Mapping[str, str]) -> None:
    """Print the comparison as two tables for people: counts, then shares."""
    from rich.table import Table

    from replay.scorer import DAY_S, Ratio

    counts = Table(box=None, pad_edge=False, header_style="bold")
    shares = Table(box=None, pad_edge=False, header_style="bold")
    for table, headings in (
        (counts, say["counts"]),
        (shares, say["shares"]),
    ):
        first, *others = headings.split("|")
        table.add_column(first, no_wrap=True)
        for heading in others:
            table.add_column(heading, justify="right", no_wrap=True)
    for row in (*result.rules.values(), result.overall):
        name = say["all"] if row is result.overall else row.rule
        delay = f"{round(median(row.delays_s) / 3600, 1) + 0.0:.1f} h" if row.delays_s else "-"
        counts.add_row(
            name,
            *map(str, (row.planted, row.found, row.missed, row.alerts, row.false)),
            f"{row.innocents_raised}/{row.innocents}",
            f"{row.hidden_found}/{row.found}",
            f"{round(median(row.known_after_s) / DAY_S, 1):.1f}" if row.known_after_s else "-",
        )
        shares.add_row(
            name,
            _ratio(row.recall),
            _ratio(row.precision),
            _ratio(Ratio(row.solo_union, row.planted)),
            delay,
        )
    stdout.print(say["origin"])
    whole(counts)
    stdout.print(say["read_counts"] + "\n")
    whole(shares)
    stdout.print(say["read_shares"] + "\n")


def _ratio(ratio: "Ratio") -> str:
    if ratio.interval is None or ratio.value is None:
        return "- (n=0)"
    low, high = ratio.interval
    return f"{ratio.value:.2f} ({low:.2f}-{high:.2f})"
