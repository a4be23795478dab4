"""The report of a run: counts, alerts by rule, some alerts in words and pictures, what is next."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipelines.rules.registry import load_rules
from serving.answers.model import Explanation
from serving.answers.resting import proof_of
from serving.desk.page.story import alert_view
from serving.desk.svg import STYLESHEET, outcomes, rules, scores
from serving.desk.svg.charts import OUTCOMES, key
from serving.desk.svg.mark import clean

_RECORDS = {
    "event": ("事件", "event"),
    "position": ("余额", "position"),
    "indicator": ("指标", "indicator"),
    "register": ("名录", "register"),
    "complaint": ("投诉", "complaint"),
}
COMMAND = ".venv/bin/yrd"  # as `make` calls it, from the project's folder
_ORIGINS = {
    "SIMULATED": SimpleNamespace(
        css="simulated",
        word="SIMULATED",
        zh_word="模拟数据",
        zh="本页所有机构、账户与金额均为虚构，不涉及任何真实主体。",
        en="Every institution, account and amount on this page is invented.",
    ),
    "PUBLIC": SimpleNamespace(
        css="public",
        word="PUBLIC",
        zh_word="公开数据",
        zh="本页数据来自他人公布的数据集。",
        en="The data on this page come from published data sets.",
    ),
    "REAL": SimpleNamespace(
        css="real",
        word="REAL",
        zh_word="真实数据",
        zh="依授权使用，不得外传。",
        en="Use under mandate only; do not pass on.",
    ),
}


def rule_name(rule: str) -> tuple[str, str]:
    """A rule's title in both languages; one that is no longer there keeps its name."""
    known = load_rules().get(rule)
    return known.title if known else (rule, rule.replace("_", " "))


def report(summary: Mapping[str, Any], explanations: Sequence[Explanation]) -> str:
    """One self-contained page about a run.

    No script, no `style=` attribute, no external resource; its own content security policy allows
    its one stylesheet by hash and nothing else.

    Args:
        summary: The run's summary: `data_origin`, the five outcome counts and `submitted`,
            `transactions`, `late`, `alerts`, `hidden_by_split`, `hidden_also_from_operators`,
            `not_raised_jointly`, `by_rule`, `output_sha256`, `elapsed_s`, `cpu_s`, `by_feed`
            (left out where nobody counted by feed), and `score` (None where nothing was planted).
        explanations: The alerts to tell, in the order to tell them.

    Returns:
        HTML as text. The same input gives the same bytes.

    Raises:
        KeyError: the summary lacks a count or names an unknown data origin.
    """
    css = stylesheet()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    alerts = [
        alert_view(explanation, place, rule_name(explanation.rule.name))
        for place, explanation in enumerate(explanations, 1)
    ]
    by_rule = sorted(summary["by_rule"].items())
    chart = [
        (
            *rule_name(rule),
            int(row["alerts"]),
            int(row.get("hidden_by_split", 0)),
            int(row.get("not_raised_jointly", 0)),
        )
        for rule, row in by_rule
    ]
    return (
        environment()
        .get_template("report.html")
        .render(
            css=Markup(css),  # noqa: S704 - our own files
            policy=policy,
            command=COMMAND,
            origin=_ORIGINS[summary["data_origin"]],
            tiles=_tiles(summary),
            counts=_counts(summary),
            feeds=_feeds(summary.get("by_feed", {})),
            hidden=SimpleNamespace(
                alerts=int(summary["alerts"]),
                split=int(summary["hidden_by_split"]),
                operators=int(summary["hidden_also_from_operators"]),
                visible=int(summary["hidden_by_split"])
                - int(summary["hidden_also_from_operators"]),
                solo_only=int(summary["not_raised_jointly"]),
            ),
            keys=SimpleNamespace(
                plain=key("plain", "预警", "alerts"),
                hidden=key("hidden", "其中拆分隐藏", "of which hidden by the split"),
                found=key("found", "发现", "found"),
                missed=key("missed", "漏报", "missed"),
            ),
            rules_chart=rules(chart, "by-rule-chart"),
            scored=_scored(summary.get("score")),
            alerts=alerts,
            steps=_steps(explanations),
            run=SimpleNamespace(
                sha=str(summary.get("output_sha256") or ""),
                elapsed=_seconds(summary.get("elapsed_s")),
                cpu=_seconds(summary.get("cpu_s")) or "—",
            ),
        )
        + "\n"
    )


def origin_of(data_origin: str) -> tuple[str, str, str, str, str]:
    """The banner of a data origin: class, word and sentence in Chinese and English."""
    one = _ORIGINS[data_origin]
    return one.css, one.zh_word, one.word, one.zh, one.en


@lru_cache(maxsize=1)
def stylesheet() -> str:
    """The page's one stylesheet: the pictures' classes and the page's own."""
    own = files("serving.desk.page").joinpath("report.css").read_text(encoding="utf-8")
    return STYLESHEET + own


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates of the pages, escaping everything."""
    return Environment(
        loader=PackageLoader("serving.desk.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: (
            clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        ),
    )


def _tiles(summary: Mapping[str, Any]) -> list[SimpleNamespace]:
    def tile(name: str, zh: str, en: str, hot: bool = False) -> SimpleNamespace:
        return SimpleNamespace(value=f"{int(summary[name]):,}", zh=zh, en=en, hot=hot)

    return [
        tile("submitted", "提交的记录", "records submitted"),
        tile("transactions", "配对后的交易", "transactions after pairing"),
        tile("alerts", "预警", "alerts"),
        tile(
            "hidden_by_split",
            "被拆分隐藏，联合才可见",
            "hidden by the split, seen only jointly",
            True,
        ),
    ]


def _counts(summary: Mapping[str, Any]) -> SimpleNamespace:
    terms = [
        SimpleNamespace(
            key=name, zh=zh, en=en, count=int(summary[name]), key_mark=key(name, zh, en)
        )
        for name, zh, en in OUTCOMES
    ]
    submitted = int(summary["submitted"])
    return SimpleNamespace(
        submitted=submitted,
        terms=terms,
        bar=outcomes({term.key: term.count for term in terms}, "outcomes"),
        difference=submitted - sum(term.count for term in terms),
        transactions=int(summary["transactions"]),
        late=int(summary["late"]),
    )


def _feeds(by_feed: Mapping[str, Mapping[str, Any]]) -> list[SimpleNamespace]:
    names = ("submitted", *(name for name, _, _ in OUTCOMES))
    return [
        SimpleNamespace(
            feed=feed,
            kind=_RECORDS.get(row["kind"], (row["kind"], "")),
            counts=[f"{int(row.get(n, 0)):,}" for n in names],
        )
        for feed, row in by_feed.items()
    ]


def _scored(score: Mapping[str, Any] | None) -> SimpleNamespace | None:
    if not score:
        return None
    rows = [
        (
            *rule_name(rule),
            int(row.get("planted", 0)),
            int(row.get("found", 0)),
            int(row.get("missed", 0)),
            int(row.get("false", 0)),
        )
        for rule, row in sorted(score.get("by_rule", {}).items())
    ]
    return SimpleNamespace(
        planted=int(score["planted"]),
        found=int(score["found"]),
        missed=int(score["missed"]),
        false=int(score.get("false", 0)),
        chart=scores(rows, "score-chart"),
    )


def _steps(explanations: Sequence[Explanation]) -> list[SimpleNamespace]:
    steps = []
    if explanations:
        one = explanations[0].alert.alert_id
        steps += [
            SimpleNamespace(
                zh="逐行解释一起预警（中文或英文）",
                en="Explain an alert line by line, in Chinese or English",
                command=f"{COMMAND} alert explain {one} --lang zh",
            ),
            SimpleNamespace(
                zh="从提交的原始字节起重算这起预警，打印每一步的哈希",
                en="Recompute that alert from the submitted bytes, printing each step's hash",
                command=f"{COMMAND} alert {proof_of(explanations[0].alert)}",
            ),
        ]
    return [
        *steps,
        SimpleNamespace(
            zh="列出全部被拆分隐藏的预警",
            en="List every alert hidden by the split",
            command=f"{COMMAND} ask --view hidden_by_split",
        ),
        SimpleNamespace(
            zh="用 SQL 提问",
            en="Ask in SQL",
            command=f'{COMMAND} ask "SELECT rule, count(*) FROM alerts GROUP BY rule"',
        ),
        SimpleNamespace(
            zh="再次与植入的方案比对",
            en="Compare with the planted schemes again",
            command=f"{COMMAND} score var/demo",
        ),
    ]


def _seconds(value: object) -> str:
    return f"{float(str(value)):.1f}" if value is not None else ""
