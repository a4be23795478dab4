"""Invented alerts for the pictures, with every derived figure computed from the evidence."""

from dataclasses import dataclass

from schemas.regions import JOINT, REGIONS, region_of_area
from serving.answers.model import (
    Alert,
    ArithmeticLine,
    Coverage,
    EvidenceRow,
    Explanation,
    Line,
    Party,
    Point,
    Rule,
)

HOUR = 3_600_000_000
DAY = 24 * HOUR
START = 1_773_622_800_000_000  # 2026-03-16 09:00 in Beijing, a Monday
STEMS = "甲乙丙丁戊己庚辛壬癸"
SH, JS, ZJ, AH = REGIONS
NINGBO = "330200"


@dataclass(frozen=True)
class Pay:
    """One payment in short: days and hours after START, party and area at each end, yuan."""

    day: int
    hour: float
    payer: str
    payer_area: str
    payee: str
    payee_area: str
    yuan: int
    asset: str | None = None
    lost: tuple[str, ...] = ()  # regions whose own report never came


def label_en(label: str) -> str:
    """甲 -> A; a label of two marks -> two letters."""
    if label and all(mark in STEMS for mark in label):
        return "".join("ABCDEFGHIJ"[STEMS.index(mark)] for mark in label)
    return "X"


def labels(count: int) -> list[str]:
    """甲 ... 癸, then 甲甲, 甲乙, ..."""
    single = list(STEMS)
    double = [a + b for a in STEMS for b in STEMS]
    triple = [a + b + c for a in STEMS for b in STEMS for c in STEMS]
    return (single + double + triple)[:count]


def explanation(
    payments: list[Pay],
    *,
    alert_id: str = "A-0001",
    rule: str = "structuring",
    line_yuan: int = 500_000,
    unit: str = "fen",
    question: tuple[str, str] = (
        "同一客户短期内是否把大额支付拆成多笔、分散到多家机构？",
        "Did one customer split a large payment into many over several institutions?",
    ),
    operator: str | None = None,
    subject_kind: str = "party",
    sentences: tuple[tuple[str, ...], tuple[str, ...]] | None = None,
) -> Explanation:
    """An explanation whose measure is the running sum of the amounts each vantage holds."""
    line = line_yuan * 100
    payments = sorted(payments, key=lambda pay: (pay.day, pay.hour))
    rows = []
    for number, pay in enumerate(payments, 1):
        ends = {region_of_area(pay.payer_area), region_of_area(pay.payee_area)}
        rows.append(
            EvidenceRow(
                transaction_id=1000 + number,
                event_time=START + pay.day * DAY + int(pay.hour * HOUR),
                payer_label=pay.payer,
                payee_label=pay.payee,
                payer_region=pay.payer_area,
                payee_region=pay.payee_area,
                amount_fen=pay.yuan * 100,
                event_type="payment",
                market="payments",
                asset_label=pay.asset,
                seen_by=tuple(r for r in REGIONS if r in ends and r not in pay.lost),
            )
        )
    areas: dict[str, list[str]] = {}
    for row in rows:
        for label, area in (
            (row.payer_label, row.payer_region),
            (row.payee_label, row.payee_region),
        ):
            if area not in areas.setdefault(label, []):
                areas[label].append(area)
    series = {vantage: _series(rows, vantage, line) for vantage in (*REGIONS, JOINT)}
    joint_first = next((p.event_time for p in series[JOINT] if p.fires), None)
    places = {(r.payer_label, r.payer_region) for r in rows} | {
        (r.payee_label, r.payee_region) for r in rows
    }
    coverage = tuple(
        _coverage(rows, region, series[region], joint_first, len(places)) for region in REGIONS
    )
    solo = any(cover.first_crossing is not None for cover in coverage)
    running = 0
    terms = []
    for row in rows:
        running += row.amount_fen or 0
        terms.append(
            ArithmeticLine(row.transaction_id, row.event_time, row.amount_fen or 0, running, "", "")
        )
    zh, en = sentences or (
        (
            f"{len(places)} 处账户之间共 {len(rows)} 笔，合计 {running // 1_000_000} 万元。",
            "每一笔都低于大额线，每个地区只看到其中几笔。",
        ),
        (
            f"{len(rows)} payments between {len(places)} accounts, {running // 1_000_000} "
            "times CNY 10k in all.",
            "Each is below the large-value line, and each region sees only a few of them.",
        ),
    )
    return Explanation(
        alert=Alert(
            alert_id=alert_id,
            rule=rule,
            variant=rule,
            subject_kind=subject_kind,
            subject=0 if subject_kind == "asset" else 1,
            first_crossing=joint_first or rows[0].event_time,
            last_crossing=rows[-1].event_time,
            peak_measure=running,
            peak_band=1,
            joint_first=joint_first,
            hidden_by_split=joint_first is not None and not solo,
            not_raised_jointly=joint_first is None,
            operator_sees=operator,
            superseded_by=None,
            withdrawn=False,
            data_origin="SIMULATED",
            known_from=rows[-1].event_time,
        ),
        rule=Rule(
            name=rule,
            variant=rule,
            question_zh=question[0],
            question_en=question[1],
            unit=unit,
            parameter_set="2026-01",
            legal_status="extended; numbers: L-, A",
            lines=(
                Line(1, line, "提示线", "notice", "L-", "银发〔2006〕2号 第11条"),
                Line(2, line * 2, "预警线", "alert", "A", ""),
            ),
        ),
        parties=tuple(
            Party(
                number,
                label,
                label_en(label),
                "firm" if number % 3 == 0 else "person",
                tuple(areas[label]),
            )
            for number, label in enumerate(areas, 1)
        ),
        evidence=tuple(rows),
        series=series,
        coverage=coverage,
        arithmetic=tuple(terms),
        sentences_zh=zh,
        sentences_en=en,
    )


def _series(rows: list[EvidenceRow], vantage: str, line: int) -> tuple[Point, ...]:
    total = 0
    points = []
    for row in rows:
        if vantage == JOINT or vantage in row.seen_by:
            total += row.amount_fen or 0
            band = 2 if total >= 2 * line else 1 if total >= line else 0
            points.append(Point(row.event_time, total, band > 0, band))
    return tuple(points)


def _coverage(
    rows: list[EvidenceRow],
    region: str,
    points: tuple[Point, ...],
    joint_first: int | None,
    accounts: int,
) -> Coverage:
    seen = [row for row in rows if region in row.seen_by]
    places = {
        place
        for row in seen
        for place in ((row.payer_label, row.payer_region), (row.payee_label, row.payee_region))
        if region_of_area(place[1]) == region
    }
    first = next((p.event_time for p in points if p.fires), None)
    half = len(seen) * 2 >= len(rows)
    return Coverage(
        region=region,
        seen_transactions=len(seen),
        all_transactions=len(rows),
        seen_accounts=len(places),
        all_accounts=accounts,
        seen_amount_fen=sum(row.amount_fen or 0 for row in seen),
        all_amount_fen=sum(row.amount_fen or 0 for row in rows),
        status="none" if first is None else "seen" if half else "partial",
        first_crossing=first,
        lead_us=None if first is None or joint_first is None else first - joint_first,
        peak_measure=max((p.measure for p in points), default=0),
    )


def structuring() -> Explanation:
    """甲 pays 乙 and 丙 from accounts in four regions over three days; nobody reaches the line."""
    pays = []
    homes = (SH, JS, ZJ, AH)
    for day in (0, 1, 4):
        for turn, home in enumerate(homes):
            payee = "乙" if turn % 2 else "丙"
            pays.append(
                Pay(
                    day,
                    turn * 1.7 + day * 0.3,
                    "甲",
                    home,
                    payee,
                    home,
                    46_000 + turn * 900 + day * 150,
                )
            )
    pays.append(Pay(4, 6.9, "甲", NINGBO, "丁", SH, 48_800))
    return explanation(pays, alert_id="A-5f01c2")


def pass_through() -> Explanation:
    """In at Anhui and Jiangsu, out at Shanghai within a day: 甲 holds accounts in three places."""
    pays = [
        Pay(0, 0.3, "甲", AH, "乙", AH, 182_000),
        Pay(0, 0.9, "丙", AH, "乙", AH, 164_500),
        Pay(0, 1.4, "丁", JS, "乙", AH, 149_900),
        Pay(0, 2.2, "乙", AH, "乙", SH, 480_000),
        Pay(0, 3.1, "乙", SH, "戊", ZJ, 210_000),
        Pay(0, 3.3, "乙", SH, "己", "110000", 195_000),
        Pay(0, 4.0, "戊", ZJ, "庚", NINGBO, 205_000),
    ]
    return explanation(
        pays,
        alert_id="A-77aa03",
        rule="pass_through",
        line_yuan=1_000_000,
        question=(
            "资金是否从一地进入、当日从另一地几乎全部转出？",
            "Did money enter in one region and leave almost whole from another the same day?",
        ),
    )


def double_financing() -> Explanation:
    """One invoice behind a bill discount in Shanghai and a loan in Jiangsu."""
    pays = [
        Pay(0, 1.0, "甲", SH, "丙", SH, 3_200_000, "物1"),
        Pay(9, 3.5, "乙", JS, "丙", JS, 3_000_000, "物1"),
        Pay(9, 5.0, "丙", JS, "丁", ZJ, 2_950_000, lost=(JS,)),
    ]
    return explanation(
        pays,
        alert_id="A-90be11",
        rule="invoice_double_financing",
        line_yuan=3_200_001,
        question=(
            "同一张发票是否在不同机构融资两次？",
            "Was one invoice financed twice, at different institutions?",
        ),
        operator="票据登记机构",
        subject_kind="asset",
    )


def large() -> Explanation:
    """Some 400 accounts over eight days: sources, collectors, a hub, payees."""
    names = labels(400)
    homes = (SH, JS, ZJ, AH)
    pays = []
    for i in range(220):
        collector = 220 + (i * 7) % 80
        home = homes[(i * 5 + i // 9) % 4]
        pays.append(
            Pay(
                i % 2,
                (i * 37 % 80) / 10,
                names[i],
                home,
                names[collector],
                homes[collector % 4],
                20_000 + (i * 977) % 60_000,
            )
        )
    for c in range(220, 300):
        hub = 300 + c % 3
        pays.append(
            Pay(
                2 + c % 2,
                (c * 31 % 80) / 10,
                names[c],
                homes[c % 4],
                names[hub],
                homes[hub % 4],
                90_000 + (c * 613) % 90_000,
            )
        )
    for p in range(303, 400):
        hub = 300 + p % 3
        pays.append(
            Pay(
                7 + p % 2,
                (p * 29 % 80) / 10,
                names[hub],
                homes[hub % 4],
                names[p],
                homes[(p * 3) % 4],
                60_000 + (p * 411) % 90_000,
            )
        )
    return explanation(pays, alert_id="A-c0ffee", line_yuan=12_000_000)


def local() -> Explanation:
    """Seen by Zhejiang alone as well; nothing hidden."""
    pays = [Pay(d, 1 + d * 0.2, "甲", ZJ, "乙", ZJ, 180_000) for d in range(4)]
    return explanation(pays, alert_id="A-10ca1")


def long_running() -> Explanation:
    """Sixty active days: labels must thin out."""
    pays = [
        Pay(day, (day * 13) % 9, "甲", (SH, AH)[day % 2], "乙", JS, 41_000 + day * 100)
        for day in range(0, 120, 2)
    ]
    return explanation(pays, alert_id="A-10e6")


def at_once() -> Explanation:
    """Thirty transfers within one minute among ten parties, one of them to itself."""
    names = labels(10)
    homes = (SH, JS, ZJ, AH, NINGBO, "110000")
    pays = [
        Pay(0, 1 + n / 3000, names[n % 10], homes[n % 6], names[(n * 3 + 1) % 10],
            homes[(n * 5) % 6], 10_000 + n * 997)
        for n in range(30)
    ]  # fmt: skip
    pays.append(Pay(0, 1.2, "甲", SH, "甲", SH, 49_999))
    return explanation(pays, alert_id="A-0ce0", line_yuan=300_000)


def single() -> Explanation:
    """One transfer, below every line: raised by nobody jointly."""
    return explanation([Pay(0, 2, "甲", "110000", "乙", JS, 4_999)], alert_id="A-0001")


def huge_sums() -> Explanation:
    """Sums of thousands of millions, many close measures at the end of the steps."""
    homes = (SH, JS, ZJ, AH)
    pays = [
        Pay(n // 8, n % 8, "甲", homes[n % 4], "乙", homes[n % 4], 1_234_567_890 + n)
        for n in range(24)
    ]
    return explanation(pays, alert_id="A-b16", line_yuan=20_000_000_000)


def summary() -> dict[str, object]:
    """A run's summary whose outcome counts add up."""
    return {
        "data_origin": "SIMULATED",
        "submitted": 203_412,
        "accepted": 198_950,
        "rejected": 2_310,
        "quarantined": 1_402,
        "duplicates": 750,
        "pending": 0,
        "transactions": 121_804,
        "alerts": 87,
        "hidden_by_split": 31,
        "hidden_also_from_operators": 24,
        "not_raised_jointly": 3,
        "late": 412,
        "output_sha256": "9f" * 32,
        "elapsed_s": 71.32,
        "cpu_s": 118.4,
        "by_rule": {
            "structuring": {"alerts": 48, "hidden_by_split": 17, "not_raised_jointly": 1},
            "pass_through": {"alerts": 29, "hidden_by_split": 9, "not_raised_jointly": 2},
            "invoice_double_financing": {
                "alerts": 10,
                "hidden_by_split": 5,
                "not_raised_jointly": 0,
            },
        },
        "score": {
            "planted": 72,
            "found": 66,
            "missed": 6,
            "false": 12,
            "by_rule": {
                "structuring": {"planted": 40, "found": 38, "missed": 2, "false": 7},
                "pass_through": {"planted": 22, "found": 19, "missed": 3, "false": 4},
                "invoice_double_financing": {"planted": 10, "found": 9, "missed": 1, "false": 1},
            },
        },
    }
