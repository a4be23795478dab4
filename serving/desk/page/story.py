"""What the page shows of one alert, ready for the template: texts, tables and pictures."""

from itertools import zip_longest
from types import SimpleNamespace

from schemas.regions import NAMES, OUT, REGIONS, region_of_area
from serving.answers import words
from serving.answers.alone_words import explains
from serving.answers.model import Coverage, Explanation
from serving.desk.svg import amounts, climb, flow, graph, solo_against_joint, solo_flow
from serving.desk.svg.flow import lane_name
from serving.desk.svg.say import amount, beijing, lead, wan, when

MAX_ROWS = 40
_KINDS = {"person": "个人 person", "firm": "企业 firm", "unknown": "不详 unknown"}
_STATUS = {
    "L": "法规在效 law in force",
    "L-": "已废止或草案 superseded or draft",
    "E": "交易所规则 exchange rule",
    "I": "行业做法或自设 practice or our own",
    "A": "学术或自设 academic or our own",
}


def alert_view(
    explanation: Explanation, number: int, rule_name: tuple[str, str]
) -> SimpleNamespace:
    """Everything the alert's section prints.

    Args:
        explanation: The alert.
        number: Its place on the page, from 1; `a<number>` prefixes every id of its section.
        rule_name: The rule's short name, zh and en.
    """
    alert, rule = explanation.alert, explanation.rule
    of = graph(explanation)
    uid = f"a{number}"
    unit_zh, unit_en = words.counted(rule.unit)
    return SimpleNamespace(
        uid=uid,
        number=number,
        id=alert.alert_id,
        rule=rule.name,
        variant=rule.variant,
        rule_name=" ".join(rule_name),
        parameters=rule.parameter_set,
        legal_zh=words.legal_words(rule.standing or rule.legal_status, "zh"),
        legal_en=words.legal_words(rule.standing or rule.legal_status, "en"),
        question_zh=rule.question_zh,
        question_en=rule.question_en,
        unit_zh=unit_zh,
        unit_en=unit_en,
        lines=[
            SimpleNamespace(
                value=amount(line.value, rule.unit),
                zh=line.name_zh,
                en=line.name_en,
                status=_STATUS.get(line.status_of_number, line.status_of_number),
                citation_zh=line.cited(zh=True),
                citation=line.citation,
            )
            for line in rule.lines
        ],
        unlined=[(zh, en) for _, zh, en in rule.unlined],
        first=f"{beijing(alert.first_crossing):%Y-%m-%d %H:%M} 北京时间 Beijing time",
        verdict=_verdict(explanation),
        story=list(zip_longest(explanation.sentences_zh, explanation.sentences_en, fillvalue="")),
        beyond=_beyond(explanation),
        table=solo_against_joint(explanation, uid),
        flow=flow(explanation, f"{uid}-flow", anchor=f"{uid}-party"),
        amounts=amounts(explanation, f"{uid}-amounts"),
        climb=climb(explanation, f"{uid}-climb"),
        size_zh=f"{len(explanation.parties)} 方、{len(of.accounts)} 处、"
        f"{len(of.transfers)} 笔。"
        "横轴为时间（无交易的日子略去），纵轴为地区。",
        size_en=f"{words.several(len(explanation.parties), 'party', 'parties')} in "
        f"{words.several(len(of.accounts), 'place', 'places')}, "
        f"{words.several(len(of.transfers), 'transfer', 'transfers')}. "
        "x is time (idle days left out), y the region.",
        solos=[
            SimpleNamespace(
                region=cover.region,
                zh=NAMES[cover.region][0],
                en=NAMES[cover.region][1],
                says_zh=_says(cover, rule.unit)[0],
                says_en=_says(cover, rule.unit)[1],
                picture=solo_flow(explanation, cover.region, f"{uid}-solo-{cover.region}"),
            )
            for cover in explanation.coverage
        ],
        parties=_parties(explanation),
        parties_left=max(0, len(explanation.parties) - MAX_ROWS),
        rows=_rows(explanation),
        rows_left=max(0, len(explanation.evidence) - MAX_ROWS),
    )


def _beyond(explanation: Explanation) -> bool:
    """Whether some region passes the lowest line without an alert: the rule asks for more."""
    least = min((line.value for line in explanation.rule.lines), default=None)
    return least is not None and any(
        cover.peak_measure >= least and cover.first_crossing is None
        for cover in explanation.coverage
    )


def _verdict(explanation: Explanation) -> SimpleNamespace:
    alert = explanation.alert
    zh, en, hot = [], [], False
    if alert.not_raised_jointly:
        zh.append("某地单独报出，联合视角未报：保留，不视为已排除。")
        en.append("Raised by a region alone and not jointly: kept, not called cleared.")
        if explains(explanation.alone):
            zh.append("两者之差由其他地区持有的报送说明（见下）。")
            en.append("What other regions hold explains the difference (below).")
    elif alert.hidden_by_split:
        hot = True
        zh.append("四地各自都看不出；合在一起才看得出。")
        en.append("None of the four regions sees it alone; together it is plain.")
    else:
        who = [cover for cover in explanation.coverage if cover.status != "none"]
        full = any(cover.status == "seen" for cover in who)
        names = "、".join(NAMES[cover.region][0] for cover in who) or "无"
        english = ", ".join(NAMES[cover.region][1] for cover in who) or "nobody"
        zh.append(f"{names}单独也能{'看出' if full else '看出一部分'}；联合视角看到全部。")
        en.append(f"{english} alone sees {'it' if full else 'part of it'}; jointly all is seen.")
    if alert.operator_sees:
        zh.append(f"{words.operator(alert.operator_sees, 'zh')}持有全部证据。")
        en.append(f"T{words.operator(alert.operator_sees, 'en')[1:]} holds all the evidence.")
    return SimpleNamespace(zh="".join(zh), en=" ".join(en), hot=hot)


def _says(cover: Coverage, unit: str) -> tuple[str, str]:
    zh_unit, en_unit = words.counted(unit)
    seen = f"{cover.seen_transactions}/{cover.all_transactions}"
    value = amount(cover.peak_measure, unit)
    up_to = ("最高至少", "reaches at least") if words.is_share(unit) else ("最高", "at most")
    if cover.first_crossing is None:
        result = ("不报警", "no alert")
    elif cover.lead_us is None:
        result = ("报警", "alert")
    else:
        zh, en = lead(cover.lead_us)
        result = (f"报警，{zh}", f"alert, {en}")
    reach = ("", "")
    if cover.peak_measure:
        reach = f"，{up_to[0]} {value} {zh_unit}", f", {up_to[1]} {value} {en_unit}"
    return (
        f"看到 {seen} 笔{reach[0]}：{result[0]}",
        f"sees {cover.seen_transactions} of {cover.all_transactions}{reach[1]}: {result[1]}",
    )


def _place(area: str) -> SimpleNamespace:
    region = region_of_area(area)
    zh, en = lane_name(OUT) if region == OUT else NAMES.get(area, (area, area))
    return SimpleNamespace(region=region, zh=zh, en=en)


def _parties(explanation: Explanation) -> list[SimpleNamespace]:
    paid: dict[str, int] = {}
    received: dict[str, int] = {}
    transfers: dict[str, int] = {}
    for row in explanation.evidence:
        paid[row.payer_label] = paid.get(row.payer_label, 0) + (row.amount_fen or 0)
        received[row.payee_label] = received.get(row.payee_label, 0) + (row.amount_fen or 0)
        for label in {row.payer_label, row.payee_label}:
            transfers[label] = transfers.get(label, 0) + 1
    return [
        SimpleNamespace(
            zh=party.label,
            en=party.label_en,
            kind=_KINDS[party.kind],
            places=[_place(area) for area in party.areas],
            paid=wan(paid.get(party.label, 0)),
            received=wan(received.get(party.label, 0)),
            transfers=transfers.get(party.label, 0),
        )
        for party in explanation.parties[:MAX_ROWS]
    ]


def _rows(explanation: Explanation) -> list[SimpleNamespace]:
    unit = explanation.rule.unit
    running = {line.transaction_id: line.running for line in explanation.arithmetic}
    first_line = min((line.value for line in explanation.rule.lines), default=None)
    rows = []
    for row in explanation.evidence[:MAX_ROWS]:
        total = running.get(row.transaction_id)
        rows.append(
            SimpleNamespace(
                time=when(row.event_time),
                payer=row.payer_label,
                payer_place=_place(row.payer_region).zh,
                payee=row.payee_label,
                payee_place=_place(row.payee_region).zh,
                amount=wan(row.amount_fen),
                asset=row.asset_label,
                seen=[_place(region) for region in REGIONS if region in row.seen_by],
                running=amount(total, unit) if total else "",
                over=total is not None and first_line is not None and total >= first_line,
            )
        )
    return rows
