"""The pictures as data: what is drawn equals what the explanation holds, the same every time."""

import math
import re
from collections import Counter
from dataclasses import replace
from itertools import combinations, pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.regions import JOINT, REGIONS
from serving.answers.model import Explanation
from serving.desk.svg import (
    STYLESHEET,
    amounts,
    climb,
    flow,
    graph,
    outcomes,
    palette,
    rules,
    scores,
    solo_against_joint,
    solo_flow,
)
from serving.desk.svg.axis import DAY, axis
from serving.desk.svg.layout import NARROW, WIDE, Node, _apart, layout
from serving.desk.svg.mark import el
from serving.desk.svg.say import wan
from tests.serving.desk import samples

SAMPLES = {
    "structuring": samples.structuring,
    "pass_through": samples.pass_through,
    "double_financing": samples.double_financing,
    "large": samples.large,
    "local": samples.local,
    "long_running": samples.long_running,
    "at_once": samples.at_once,
    "single": samples.single,
    "huge_sums": samples.huge_sums,
}


@pytest.fixture(params=SAMPLES, scope="module")
def told(request: pytest.FixtureRequest) -> Explanation:
    return SAMPLES[request.param]()


def parsed(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(markup.replace("<br>", "<br/>"))


def classes(root: ElementTree.Element) -> Counter[str]:
    return Counter(name for element in root.iter() for name in (element.get("class") or "").split())


def every_picture(told: Explanation) -> list[str]:
    return [
        flow(told, "a", anchor="p"),
        flow(told, "b", detail="accounts"),
        *(solo_flow(told, region, f"s{region}") for region in REGIONS),
        amounts(told, "c"),
        climb(told, "d"),
        solo_against_joint(told, "e"),
    ]


def test_the_same_input_gives_the_same_bytes() -> None:
    for make in SAMPLES.values():
        assert every_picture(make()) == every_picture(make())


def test_every_picture_is_well_formed_without_script_style_or_outside_reference(
    told: Explanation,
) -> None:
    for picture in every_picture(told):
        root = parsed(picture)
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(ids) == len(set(ids))
        for element in root.iter():
            assert element.tag not in ("script", "style", "image", "use", "foreignObject")
            assert not {"style", "onclick", "onload"} & set(element.attrib)
            assert (element.get("href") or "#").startswith("#")


def test_every_class_that_is_drawn_is_in_the_stylesheet(told: Explanation) -> None:
    known = set(re.findall(r"\.([a-zA-Z][\w-]*)", STYLESHEET)) | {f"r{r}" for r in REGIONS}
    said = {  # hooks for readers and tests, or plain text
        "jointly", "rows", "links", "nodes", "flow", "own", "dayname", "lanename", "amount",
        "value", "hollow", "num", "w", "en", "quiet", "visually-hidden", "amounts", "climb",
        "mini", "track-pic", "versus", "joint",
    }  # fmt: skip
    for picture in every_picture(told):
        assert set(classes(parsed(picture))) <= known | said


class TestFlow:
    def test_lanes_stand_in_the_order_of_the_regions_and_hold_their_nodes(
        self, told: Explanation
    ) -> None:
        of = graph(told)
        for frame in (WIDE, NARROW):
            what = layout(of, frame)
            assert [lane.region for lane in what.lanes[:4]] == list(REGIONS)
            assert all(a.bottom < b.top for a, b in pairwise(what.lanes))
            for node in what.nodes:
                lane = next(lane for lane in what.lanes if lane.region == node.region)
                assert lane.top <= node.y - node.r
                assert node.y + node.r <= lane.bottom

    def test_every_account_and_every_transfer_is_drawn_exactly_once(
        self, told: Explanation
    ) -> None:
        of = graph(told)
        for detail in ("auto", "accounts", "bundles"):
            what = layout(of, WIDE, detail)
            drawn = sorted(place for node in what.nodes for place in node.accounts)
            assert drawn == list(range(len(of.accounts)))
            links = sorted(place for link in what.links for place in link.transfers)
            assert links == list(range(len(told.evidence)))

    def test_a_large_alert_is_bundled_into_few_bubbles_and_a_small_one_is_not(self) -> None:
        of = graph(samples.large())
        what = layout(of)
        assert (len(of.accounts), what.style) == (400, "bundles")
        assert len(what.nodes) < 40
        assert len(what.links) < 150
        assert layout(of, WIDE, "accounts").style == "accounts"
        small = samples.pass_through()
        assert layout(graph(small)).style == "rows"
        assert len(layout(graph(small)).nodes) == len(graph(small).accounts)

    def test_bundles_that_found_no_free_place_shrink_until_they_are_apart(self) -> None:
        crowd = [Node(x, 10.0, r, "310000", (), False) for x, r in ((0, 20), (25, 18), (40, 6))]
        alone = Node(25.0, 12.0, 18.0, "320000", (), False)
        made = _apart([*crowd, alone])
        for one, other in combinations(made[:3], 2):
            assert math.hypot(one.x - other.x, one.y - other.y) >= one.r + other.r
        assert made[0].r > made[1].r > 3 and made[3] == alone

    def test_a_bundle_holds_one_region_one_hop_and_one_day(self) -> None:
        of = graph(samples.large())
        what = layout(of)
        for node in what.nodes:
            kinds = {
                (
                    of.accounts[place].region,
                    of.accounts[place].hop,
                    what.axis.day_of(of.accounts[place].first_time),
                )
                for place in node.accounts
            }
            assert len(kinds) == 1

    def test_later_transfers_stand_further_right(self, told: Explanation) -> None:
        what = layout(graph(told), WIDE, "rows")
        xs = [link.start for link in what.links]
        assert all(a < b for a, b in pairwise(xs))
        assert what.frame.left <= xs[0]
        assert xs[-1] <= what.frame.right

    def test_cross_region_links_are_strong_and_the_others_faint(self) -> None:
        told = samples.pass_through()
        of = graph(told)
        counted = classes(parsed(flow(told, "a")))
        assert counted["cross"] == sum(t.crosses for t in of.transfers) == 4
        assert counted["link"] == len(of.transfers)

    def test_every_account_links_to_its_party_and_says_its_name(self) -> None:
        told = samples.structuring()
        root = parsed(flow(told, "a", anchor="p"))
        nodes = list(root.iter("a"))
        assert len(nodes) == len(graph(told).accounts)
        assert {n.get("href") for n in nodes} == {"#p-A", "#p-B", "#p-C", "#p-D"}
        assert all("万元" in (n.get("aria-label") or "") for n in nodes)


class TestAlone:
    @pytest.mark.parametrize("region", REGIONS)
    def test_what_is_solid_dotted_and_ghosted_follows_the_reports_held(
        self, told: Explanation, region: str
    ) -> None:
        of = graph(told)
        root = parsed(solo_flow(told, region, "s", detail="rows"))
        links = [e.get("class", "").split() for e in root.iter("path")]
        drawn = Counter(names[-1] for names in links if "link" in names)
        expected = Counter(
            "ghost"
            if region not in row.seen_by
            else "whole"
            if {of.accounts[t.source].region, of.accounts[t.target].region} == {region}
            else "cut"
            for row, t in zip(told.evidence, of.transfers, strict=True)
        )
        assert drawn == expected
        nodes = Counter(
            next(name for name in ("own", "far", "ghost") if name in e.get("class", "").split())
            for e in root.iter("g")
            if "node" in e.get("class", "").split()
        )
        assert nodes == Counter(of.node_states(region))

    def test_an_own_account_without_an_own_report_is_a_ghost(self) -> None:
        told = samples.double_financing()  # Jiangsu's copy of the last transfer never came
        of = graph(told)
        last = of.transfers[-1]
        assert of.link_state(last, "320000") == "ghost"
        assert of.link_state(last, "330000") == "cut"

    def test_a_ghost_has_no_name(self) -> None:
        told = samples.pass_through()
        root = parsed(solo_flow(told, "320000", "s"))
        ghosts = [e for e in root.iter("g") if "ghost" in e.get("class", "").split()]
        assert ghosts
        assert all("没有报告" in (g.findtext("title") or "") for g in ghosts)

    def test_a_region_that_holds_nothing_sees_nothing(self) -> None:
        told = samples.double_financing()
        states = set(graph(told).node_states("340000"))
        assert states == {"ghost"}


class TestSoloAgainstJoint:
    def test_a_row_a_region_then_the_joint_row(self, told: Explanation) -> None:
        body = parsed(solo_against_joint(told, "t")).find("tbody")
        assert body is not None
        assert [row.get("data-vantage") for row in body] == [*REGIONS, JOINT]

    def test_a_dot_is_filled_exactly_where_the_vantage_fires(self, told: Explanation) -> None:
        body = parsed(solo_against_joint(told, "t")).find("tbody")
        assert body is not None
        fires = {c.region: c.first_crossing is not None for c in told.coverage}
        fires[JOINT] = told.alert.joint_first is not None
        for row in body:
            dots = [e.get("class", "").split() for e in row.iter("circle")]
            [dot] = [names for names in dots if "dot" in names]
            assert ("fires" in dot) == fires[row.get("data-vantage", "")]
            assert ("hollow" in dot) != ("fires" in dot)

    def test_the_line_stands_at_one_place_in_all_rows_and_no_number_stands_on_it(
        self, told: Explanation
    ) -> None:
        body = parsed(solo_against_joint(told, "t")).find("tbody")
        assert body is not None
        seen = set()
        for row in body:
            lines = [
                float(e.get("x1", "nan"))
                for e in row.iter("line")
                if "line" in e.get("class", "").split()
            ]
            seen.add(tuple(lines))
            [value] = [e for e in row.iter("text") if "value" in e.get("class", "").split()]
            left = float(value.get("x", "nan")) - 8.7 * len(value.text or "")
            [dot] = [float(e.get("cx", "nan")) for e in row.iter("circle")
                     if "dot" in e.get("class", "").split()]  # fmt: skip
            assert max(*lines, dot + 8) < left
        assert len(seen) == 1
        assert len(seen.pop()) == len(told.rule.lines)

    def test_counts_are_those_of_the_coverage(self) -> None:
        told = samples.structuring()
        text = "".join(parsed(solo_against_joint(told, "t")).itertext())
        for cover in told.coverage:
            assert f"{cover.seen_accounts} / {cover.all_accounts}" in text
            assert f"{cover.seen_transactions} / {cover.all_transactions}" in text
        assert f"{len(told.evidence)} / {len(told.evidence)}" in text


def test_the_timeline_bars_sum_to_the_evidence(told: Explanation) -> None:
    root = parsed(amounts(told, "a"))
    drawn = 0.0
    for bar in root.iter("rect"):
        title = bar.findtext("title") or ""
        drawn += float(title.split()[-4].replace(",", ""))
    total = sum(row.amount_fen or 0 for row in told.evidence) / 1_000_000
    assert total - 0.01 * len(list(root.iter("rect"))) <= drawn <= total + 1e-9


def test_the_measure_chart_has_a_step_a_vantage_and_a_dot_for_each_that_fires(
    told: Explanation,
) -> None:
    counted = classes(parsed(climb(told, "c")))
    assert counted["step"] == sum(bool(points) for points in told.series.values())
    assert counted["fires"] == sum(
        any(point.fires for point in points) for points in told.series.values()
    )
    assert counted["line"] == len(told.rule.lines)


def test_an_axis_keeps_order_and_marks_what_it_leaves_out() -> None:
    times = [
        samples.START + day * DAY + hour * 3_600_000_000 for day in (0, 1, 5) for hour in (0, 7)
    ]
    what = axis(times, 100, 900)
    xs = [what.x(time) for time in times]
    assert xs == sorted(xs)
    assert len(set(xs)) == len(xs)
    assert (len(what.days), len(what.gaps)) == (3, 1)
    assert what.days[1].right < what.gaps[0] < what.days[2].left


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "0"),
        (99, "0"),
        (10_000, "0.01"),
        (4_999_900, "4.99"),  # just below a line of 5
        (5_000_000, "5"),
        (99_999_999, "99.99"),
        (123_456_700, "123.45"),
        (-48_500_000, "-48.5"),
        (None, "—"),
    ],
)
def test_amounts_are_said_in_ten_thousand_yuan(fen: int | None, text: str) -> None:
    assert wan(fen) == text


def test_a_hostile_name_stays_text() -> None:
    told = samples.pass_through()
    nasty = '"><script>alert(1)</script>\x00\u202e&'
    parties = tuple(replace(p, label=nasty) if p.label == "乙" else p for p in told.parties)
    evidence = tuple(
        replace(
            row,
            payer_label=nasty if row.payer_label == "乙" else row.payer_label,
            payee_label=nasty if row.payee_label == "乙" else row.payee_label,
            asset_label=nasty,
        )
        for row in told.evidence
    )
    told = replace(told, parties=parties, evidence=evidence)
    for picture in every_picture(told):
        assert "<script" not in picture
        assert "\x00" not in picture
        assert "\u202e" not in picture
        parsed(picture)  # still well formed
    assert "&lt;script&gt;" in flow(told, "a")


def test_an_element_escapes_what_it_is_given() -> None:
    assert str(el("a", "<&", href='"x"')) == '<a href="&#34;x&#34;">&lt;&amp;</a>'


class TestCharts:
    def test_the_outcome_bar_fills_its_width_and_skips_what_is_nought(self) -> None:
        root = parsed(
            outcomes({"accepted": 90, "rejected": 6, "quarantined": 4, "duplicates": 0}, "o")
        )
        parts = list(root.iter("rect"))
        assert len(parts) == 3
        end = float(parts[-1].get("x", "0")) + float(parts[-1].get("width", "0"))
        assert end == pytest.approx(1000, abs=0.2)

    def test_numbers_stand_beside_every_bar(self) -> None:
        text = "".join(parsed(rules([("拆分", "structuring", 48, 17, 1)], "r")).itertext())
        assert "48" in text
        assert "17" in text
        text = "".join(parsed(scores([("拆分", "structuring", 40, 38, 2, 7)], "s")).itertext())
        for number in ("40", "38", "2", "7"):
            assert number in text


AREAS = ("310000", "320000", "330000", "330200", "340000", "110000", "OUT")
PAYMENTS = st.lists(
    st.builds(
        samples.Pay,
        day=st.integers(0, 80),
        hour=st.floats(0, 14, width=16),
        payer=st.sampled_from(samples.labels(40)),
        payer_area=st.sampled_from(AREAS),
        payee=st.sampled_from(samples.labels(40)),
        payee_area=st.sampled_from(AREAS),
        yuan=st.integers(0, 10**10),
        asset=st.sampled_from([None, "物1", "物2"]),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=15, deadline=None)
@given(pays=PAYMENTS, none=st.booleans())
def test_any_evidence_is_drawn_inside_its_picture(pays: list[samples.Pay], none: bool) -> None:
    told = samples.explanation(pays)
    if none:
        told = replace(told, evidence=tuple(replace(row, amount_fen=None) for row in told.evidence))
    for picture in every_picture(told):
        for svg in (e for e in parsed(picture).iter("svg") if "viewBox" in e.attrib):
            _, _, width, height = map(float, svg.get("viewBox", "").split())
            for e in svg.iter():
                for name, most in (("x", width), ("cx", width), ("x2", width), ("y", height),
                                   ("cy", height), ("y2", height)):  # fmt: skip
                    assert -0.1 <= float(e.get(name, "0")) <= most + 0.1, (e.attrib, name)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def mixed(colour: str, share: float) -> str:
    """A colour at some opacity on white."""
    parts = (round(int(colour[i : i + 2], 16) * share + 255 * (1 - share)) for i in (1, 3, 5))
    return "#" + "".join(f"{part:02x}" for part in parts)


def test_text_has_a_contrast_of_at_least_four_and_a_half_on_every_ground() -> None:
    grounds = {palette.PAPER, palette.GROUND, palette.SHADE}
    lanes = {mixed(colour, 0.07) for colour in palette.REGION_COLOURS.values()}
    for colour in (palette.INK, palette.MUTE, palette.FIRE):
        assert min(contrast(colour, ground) for ground in grounds | lanes) >= 4.5
    for colour in palette.REGION_COLOURS.values():
        assert contrast(colour, mixed(colour, 0.07)) >= 4.5  # a lane's own name
        assert min(contrast(colour, ground) for ground in grounds) >= 4.5
        assert contrast("#ffffff", colour) >= 4.5  # letters and numbers in circles
    assert contrast(palette.WARN_INK, palette.WARN_GROUND) >= 4.5
    assert contrast(palette.WARN_INK, "#ffe9ab") >= 4.5
