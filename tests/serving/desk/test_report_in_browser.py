"""The report in a real browser: what is drawn, readable, reachable, and what is not fetched."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from schemas.regions import JOINT, REGIONS
from serving.answers.model import Explanation
from serving.desk.page import report
from serving.desk.svg import graph, palette
from tests.conftest import lacking
from tests.serving.desk import samples

pytestmark = pytest.mark.browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ADDRESS = "https://report.test/"
ODD = (samples.long_running, samples.at_once, samples.single, samples.huge_sums, samples.local)
TOLD = (samples.structuring, samples.pass_through, samples.double_financing, samples.large)

# Text boxes of one picture that cover each other or leave the picture, in screen pixels.
OVERLAPS = """svg => {
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')]
    .filter(t => getComputedStyle(t).display !== 'none' && t.textContent.trim())
    .map(t => [t.textContent, t.getBoundingClientRect()]);
  const wrong = [];
  for (const [text, b] of texts)
    if (b.left < frame.left - 1 || b.right > frame.right + 1 || b.top < frame.top - 2
        || b.bottom > frame.bottom + 2) wrong.push('outside: ' + text);
  for (let i = 0; i < texts.length; i++) for (let j = i + 1; j < texts.length; j++) {
    const [a, b] = [texts[i][1], texts[j][1]];
    const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (x > 1 && y > 4) wrong.push(texts[i][0] + ' | ' + texts[j][0]);
  }
  return wrong;
}"""


def rgb(colour: str) -> str:
    return "rgb({}, {}, {})".format(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        lacking("no Chromium; install it with: apt-get install chromium fonts-noto-cjk")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=path, args=flags)
        yield found
        found.close()


@pytest.fixture(scope="module")
def told() -> list[Explanation]:
    return [make() for make in TOLD]


@pytest.fixture(scope="module")
def opened(browser: Browser, told: list[Explanation]) -> Iterator[tuple[Page, list[str]]]:
    """The page as a strict server would send it, with everything it asked for or complained of."""
    text = report(samples.summary(), told)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    noticed: list[str] = []
    page.on("console", lambda message: noticed.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: noticed.append(f"error: {error}"))

    def answer(route: Any) -> None:
        if route.request.url != ADDRESS:
            noticed.append(f"request: {route.request.url}")
            route.abort()
            return
        policy = text.split('Content-Security-Policy" content="', 1)[1].split('"', 1)[0]
        route.fulfill(
            body=text,
            content_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": policy.replace("&#39;", "'")},
        )

    page.route("**/*", answer)
    page.goto(ADDRESS)
    yield page, noticed
    page.close()


@pytest.fixture(scope="module")
def page(opened: tuple[Page, list[str]]) -> Page:
    return opened[0]


def test_nothing_is_fetched_and_nothing_goes_wrong(opened: tuple[Page, list[str]]) -> None:
    page, noticed = opened
    page.wait_for_load_state("networkidle")
    assert noticed == []
    assert page.evaluate("document.scripts.length") == 0


def test_the_stylesheet_applies_under_the_policy(page: Page) -> None:
    assert page.evaluate("getComputedStyle(document.querySelector('.origin')).position") == "sticky"


def test_the_first_thing_seen_says_that_the_data_are_simulated(page: Page) -> None:
    box = page.locator(".origin").bounding_box()
    assert box is not None
    assert (box["y"], box["width"]) == (0, 1280)
    assert "SIMULATED" in page.locator(".origin").inner_text()


def test_a_row_a_region_and_a_heavier_joint_row(page: Page, told: list[Explanation]) -> None:
    tables = page.locator("table.versus")
    assert tables.count() == len(told)
    for place in range(len(told)):
        rows = tables.nth(place).locator("tbody tr")
        vantages = rows.evaluate_all("rows => rows.map(r => r.dataset.vantage)")
        assert vantages == [*REGIONS, JOINT]
        edges = rows.evaluate_all(
            "rows => rows.map(r => parseFloat(getComputedStyle(r.cells[1]).borderTopWidth))"
        )
        assert edges[-1] > max(edges[:-1])
        weights = rows.evaluate_all(
            "rows => rows.map(r => getComputedStyle(r.cells[2]).fontWeight)"
        )
        assert weights == ["400"] * 4 + ["700"]


def test_dots_are_filled_red_where_a_vantage_fires_and_hollow_elsewhere(
    page: Page, told: list[Explanation]
) -> None:
    for place, one in enumerate(told):
        fires = [c.first_crossing is not None for c in one.coverage]
        fires.append(one.alert.joint_first is not None)
        dots = page.locator("table.versus").nth(place).locator(".track-pic circle")
        fills = dots.evaluate_all("dots => dots.map(d => getComputedStyle(d).fill)")
        assert fills == [rgb(palette.FIRE) if hot else rgb(palette.PAPER) for hot in fires]


def test_the_rules_line_is_dashed_red_and_at_one_place(page: Page, told: list[Explanation]) -> None:
    for place, one in enumerate(told):
        lines = page.locator("table.versus").nth(place).locator(".track-pic line.line")
        drawn = lines.evaluate_all(
            "lines => lines.map(l => { const c = getComputedStyle(l);"
            " return [c.strokeDasharray, c.stroke, l.getBoundingClientRect().x] })"
        )
        assert len(drawn) == 5 * len(one.rule.lines)
        assert {stroke for _, stroke, _ in drawn} == {rgb(palette.FIRE)}
        assert all("," in dash for dash, _, _ in drawn)
        assert len({round(x) for _, _, x in drawn}) == len(one.rule.lines)


def test_below_the_line_the_dot_is_left_of_it(page: Page, told: list[Explanation]) -> None:
    one = told[0]
    rows = page.locator("table.versus").nth(0).locator("tbody tr")
    where = rows.evaluate_all(
        "rows => rows.map(r => { const x = e => { const b = e.getBoundingClientRect();"
        " return b.x + b.width / 2 };"
        " return [x(r.querySelector('circle')), x(r.querySelector('line.line'))] })"
    )
    line = one.rule.lines[0].value
    reached = [c.peak_measure for c in one.coverage] + [one.alert.peak_measure]
    assert [dot >= at for dot, at in where] == [value >= line for value in reached]


def test_lanes_stand_from_north_to_south_as_listed(page: Page) -> None:
    flows = page.locator("svg.flow")
    for place in range(flows.count()):
        names = flows.nth(place).locator(".lanename")
        drawn = names.evaluate_all(
            "ns => ns.map(n => [n.textContent, n.getBoundingClientRect().y])"
        )
        assert [name for name, _ in drawn][:4] == ["上海", "江苏", "浙江", "安徽"]
        assert [y for _, y in drawn] == sorted(y for _, y in drawn)


def test_alone_a_region_has_solid_accounts_dotted_links_and_ghosts_as_the_reports_say(
    page: Page, told: list[Explanation]
) -> None:
    for place, one in enumerate(told[:3], 1):
        of = graph(one)
        for region in REGIONS:
            svg = page.locator(f"#a{place} figure[data-solo='{region}'] svg.flow")
            states = of.node_states(region)
            for state in ("own", "far", "ghost"):
                assert svg.locator(f".node.{state}").count() == states.count(state)
            faint = svg.locator(".node.ghost circle").evaluate_all(
                "cs => cs.map(c => parseFloat(getComputedStyle(c).opacity))"
            )
            assert all(value < 0.25 for value in faint)
            links = [of.link_state(transfer, region) for transfer in of.transfers]
            for state in ("whole", "cut", "ghost"):
                assert svg.locator(f".link.{state}").count() == links.count(state)
            dashes = svg.locator(".link.cut").evaluate_all(
                "ls => ls.map(l => getComputedStyle(l).strokeDasharray)"
            )
            assert all("," in dash for dash in dashes)
            assert svg.locator(".node.ghost text:visible").count() == 0


def test_both_languages_stand_in_every_section(page: Page) -> None:
    sections = page.locator("main > section")
    assert sections.count() == 8
    for place in range(sections.count()):
        for language in ("zh", "en"):
            said = sections.nth(place).locator(f"[lang={language}]:visible")
            assert said.count() >= 2
            assert said.first.inner_text().strip()


def test_every_account_is_reached_by_the_keyboard_and_has_a_name(
    page: Page, told: list[Explanation]
) -> None:
    links = page.locator("#a1 svg.flow.jointly a.node")
    assert links.count() == len(graph(told[0]).accounts)
    links.first.focus()
    names = []
    for _ in range(links.count()):
        names.append(page.evaluate("document.activeElement.getAttribute('aria-label')"))
        page.keyboard.press("Tab")
    assert all(name and "万元" in name for name in names)
    assert len(set(names)) == len(names)
    links.first.press("Enter")
    assert page.evaluate("document.querySelector(':target').id") == "a1-party-A"


def overlaps(page: Page) -> list[str]:
    pictures = page.locator("svg.pic")
    assert pictures.count() > 50
    return [
        wrong
        for place in range(pictures.count())
        for wrong in pictures.nth(place).evaluate(OVERLAPS)
    ]


@pytest.mark.parametrize("width", [1280, 900])
def test_no_text_of_a_picture_covers_another_or_leaves_it(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert overlaps(page) == []


def test_no_text_covers_another_in_alerts_of_odd_shapes(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_content(report(samples.summary(), [make() for make in ODD]))
    assert overlaps(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.close()


@pytest.mark.parametrize("width", [1280, 820, 390])
def test_the_page_never_scrolls_sideways(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.evaluate(
        "[...document.querySelectorAll('section :not(svg *)')]"
        ".filter(e => !e.closest('.scroll') && !e.classList.contains('visually-hidden')"
        " && e.clientWidth && e.scrollWidth > e.clientWidth + 1)"
        ".map(e => e.className + ': ' + e.textContent.slice(0, 40))"
    )
    assert cut == []


def test_at_full_width_no_comparison_table_needs_scrolling(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    boxes = page.locator(".scroll:has(> table.versus)")
    wide = boxes.evaluate_all("bs => bs.map(b => b.scrollWidth - b.clientWidth)")
    assert len(wide) == len(TOLD)
    assert max(wide) <= 1


def test_printed_the_pictures_fit_the_paper(page: Page) -> None:
    page.set_viewport_size({"width": 703, "height": 1000})  # A4 within its margins, at 96 dpi
    page.emulate_media(media="print")
    wide = page.evaluate(
        "[...document.querySelectorAll('svg.pic, table')]"
        ".filter(e => e.getBoundingClientRect().right > 704)"
        ".map(e => e.getAttribute('class'))"
    )
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert wide == []
