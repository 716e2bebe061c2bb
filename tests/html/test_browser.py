"""The page in a headless Chromium: it opens from a file, sorts, filters, answers to the pointer, asks for nothing."""

import csv
from itertools import pairwise

import pytest

from schedlab.eval.html import page as page_module
from schedlab.eval.html.collect import collect
from schedlab.eval.html.page import render_page

from .folders import hosts_view, map_view, rows_of, shop_view, write_folder, write_race_folder

AGENTS = ("spt", "mwkr", "ppo", "cp-sat")
INSTANCES = tuple(f"ta{i:02d}" for i in range(1, 13))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A page of a benchmark with schedules of all kinds, a sweep and a race."""
    folder = tmp_path_factory.mktemp("html")
    views = [("ta01", agent, shop_view(6, 4, seed)) for seed, agent in enumerate(AGENTS)]
    views += [("ta02", "spt", hosts_view()), ("ta03", "spt", map_view())]
    write_folder(folder / "plain", rows_of(AGENTS, INSTANCES, measures=("tardy_share",)), views=views)
    instances = [f"load={value}/{seed}" for value in ("0.5", "0.9") for seed in range(3)]
    write_folder(folder / "sweep", rows_of(instances=instances), {"option": "load", "values": ["0.5", "0.9"]})
    write_race_folder(folder / "race")
    page = render_page(collect([folder]), title="Test", folders=["x"], made="now", version="0")
    (folder / "report.html").write_text(page)
    return folder / "report.html"


@pytest.fixture
def page(opened, path):
    opened.go(path)
    yield opened.page
    opened.check()


def column(page, table, number):
    return page.locator(f"{table} tbody tr > :nth-child({number})").all_inner_texts()


def centre(locator):
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_page_shows_its_sections_and_asks_for_nothing(page):
    assert page.title() == "Test"
    assert page.locator("main > section.results").count() == 3
    assert page.locator("#s0 .plot svg").count() == 3
    page.wait_for_timeout(300)


def test_charts_are_drawn_within_the_page(page):
    for width in (1280, 420):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(150)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        wide = page.evaluate("[...document.querySelectorAll('.plot svg')].map(s => s.getBoundingClientRect().right)")
        assert wide
        assert max(wide) <= width


def test_a_click_on_a_heading_sorts_numbers_as_numbers_and_again_downwards(page):
    heading = page.locator("#s0 table.runs th", has_text="objective")
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    values = [float(text.replace(",", "")) for text in column(page, "#s0 table.runs", 4)]
    assert len(values) == len(AGENTS) * len(INSTANCES)
    assert values == sorted(values)
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    values = [float(text.replace(",", "")) for text in column(page, "#s0 table.runs", 4)]
    assert values == sorted(values, reverse=True)
    assert page.locator("#s0 table.runs [aria-sort]").count() == 1


def test_sorting_works_by_keyboard_and_keeps_the_order_of_equals(page):
    for name in ("gap", "agent"):
        button = page.locator("#s0 table.runs th").get_by_role("button", name=name)
        button.focus()
        page.keyboard.press("Enter")
    rows = list(zip(column(page, "#s0 table.runs", 2), column(page, "#s0 table.runs", 6), strict=True))
    for (agent, gap), (following, later) in pairwise(rows):
        assert agent < following or (agent == following and float(gap[:-2]) <= float(later[:-2]))


def test_the_leaderboard_sorts_with_empty_cells_last(page):
    heading = page.locator("#s0-board thead th", has_text="win rate")
    for _ in range(2):
        heading.get_by_role("button").click()
        rates = column(
            page,
            "#s0-board",
            [text.strip() for text in page.locator("#s0-board thead th").all_inner_texts()].index("win rate") + 1,
        )
        assert rates[-1].startswith("-")


def test_the_filter_and_the_switches_leave_what_fits_and_count_it(page):
    page.get_by_label("Filter by words").first.fill("TA1 ppo")
    assert page.locator("#s0 .count").inner_text() == "3 of 48 runs"
    assert set(column(page, "#s0 table.runs", 2)) == {"ppo"}
    page.get_by_label("Filter by words").first.fill("")
    switch = page.locator("#s0 .rows .legend button", has_text="cp-sat")
    switch.click()
    assert switch.get_attribute("aria-pressed") == "false"
    assert page.locator("#s0 .count").inner_text() == "36 of 48 runs"
    switch.click()
    assert page.locator("#s0 .count").inner_text() == "48 of 48 runs"


def test_the_rows_that_are_shown_come_as_csv(page, tmp_path):
    page.get_by_label("Filter by words").first.fill("ta03")
    with page.expect_download() as started:
        page.locator("#s0 .rows").get_by_role("button", name="CSV").click()
    started.value.save_as(tmp_path / "rows.csv")
    with open(tmp_path / "rows.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["agent"] for row in rows] == list(AGENTS)
    assert float(rows[0]["objective"]) == 1014


def test_pointing_at_a_marker_tells_agent_and_numbers(page):
    marker = page.locator("#s0 .chart").first.locator("svg .marker").first
    page.mouse.move(*centre(marker))
    text = page.locator("#tip").inner_text()
    assert text.startswith("spt\n")
    assert "95 % interval" in text
    assert "seconds per run: 500 ms" in text
    page.mouse.move(5, 5)
    assert page.locator("#tip").is_hidden()


def test_the_legend_switches_an_agent_off_and_a_choice_changes_the_axis(page):
    chart = page.locator("#s0 .chart", has_text="Spread over instances")
    assert chart.locator("svg text.name").all_text_contents() == list(AGENTS)
    chart.locator(".legend button", has_text="mwkr").click()
    assert chart.locator("svg text.name").all_text_contents() == ["spt", "ppo", "cp-sat"]
    chart.locator("select").select_option(label="tardy share")
    assert "tardy share in %" in chart.locator(".plot svg").text_content()


def open_schedules(page, instance=None):
    panel = page.locator("#s0 .schedules")
    panel.scroll_into_view_if_needed()
    panel.locator("canvas").first.wait_for()
    if instance:
        panel.locator("select").first.select_option(label=instance)
        page.wait_for_timeout(250)
    return panel


# one pointer event after another from here would take minutes
FIND = """(canvas, stop) => {
  const box = canvas.getBoundingClientRect();
  for (let y = 4; y < box.height; y += 5) for (let x = 2; x < box.width; x += 5) {
    const at = { clientX: box.left + x, clientY: box.top + y };
    canvas.dispatchEvent(new PointerEvent("pointermove", at));
    const tip = document.getElementById("tip");
    if (tip && !tip.hidden && tip.innerText.includes(stop)) return [at.clientX, at.clientY];
  }
  return null;
}"""


def point_at(page, canvas, stop):
    """Look for the place of a canvas whose tooltip says something, point there, and return all that it says."""
    canvas.scroll_into_view_if_needed()
    place = canvas.evaluate(FIND, stop)
    assert place is not None, f"no tooltip says {stop!r}"
    page.mouse.move(5, 5)
    page.mouse.move(*place)
    return page.locator("#tip").inner_text()


def picture(canvas):
    return canvas.evaluate("canvas => canvas.toDataURL()")


def test_a_gantt_chart_tells_of_bars_zooms_and_stands_beside_another(page):
    panel = open_schedules(page)
    text = point_at(page, panel.locator("canvas").first, "operation 2")
    assert text.splitlines()[0].startswith("job ")
    assert text.splitlines()[1].startswith("machine ")
    page.mouse.move(5, 5)
    page.wait_for_timeout(100)
    before = picture(panel.locator("canvas").first)
    panel.get_by_label("zoom in").click()
    page.wait_for_timeout(100)
    zoomed = picture(panel.locator("canvas").first)
    assert zoomed != before
    panel.locator("canvas").first.press("0")
    page.wait_for_timeout(100)
    assert picture(panel.locator("canvas").first) == before
    panel.locator("select").last.select_option(index=2)
    page.wait_for_timeout(200)
    assert panel.locator("canvas").count() == 2
    assert panel.locator("h4").all_inner_texts() == ["spt, 1,000", "mwkr, 1,000"]


def test_the_wheel_zooms_a_chart_only_once_it_was_clicked(page):
    canvas = open_schedules(page).locator("canvas").first
    x, y = centre(canvas)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -1)
    page.wait_for_timeout(150)
    before = page.evaluate("scrollY")
    page.mouse.click(*centre(canvas))
    shown = picture(canvas)
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(150)
    assert picture(canvas) != shown
    assert abs(page.evaluate("scrollY") - before) <= 2


def test_hosts_follow_the_slider_over_moves(page):
    panel = open_schedules(page, "ta02")
    assert "Before the first of 1 moves: FR16 50.0 %" in panel.inner_text()
    assert "PM 0 node 0 and 1" in point_at(page, panel.locator("canvas"), "VM b")
    panel.locator("input[type=range]").fill("1")
    assert "Move 1 of 1: VM a (4 cores) to PM 1 node 0: FR16 25.0 %" in panel.inner_text()
    assert "before: PM 0 node 0" in point_at(page, panel.locator("canvas"), "VM a")


def test_vehicles_on_a_map_follow_the_clock(page):
    panel = open_schedules(page, "ta03")
    assert "06:00: 0 of 2 on their way" in panel.inner_text()
    panel.locator("input[type=range]").fill("900")
    assert "06:15: 1 of 2 on their way" in panel.inner_text()
    text = point_at(page, panel.locator("canvas"), "aircraft 0")
    assert "North to South\n06:10 to 06:20, carries 3\nready 06:25" in text
    panel.get_by_role("button", name="play").click()
    page.wait_for_timeout(250)
    assert float(panel.locator("input[type=range]").input_value()) > 900
    panel.get_by_role("button", name="pause").click()


def test_a_section_says_how_to_repeat_it(page):
    page.locator("#s0 .repeat summary").click()
    assert "schedlab benchmark job-shop --instances ta01-ta02" in page.locator("#s0 .repeat code").inner_text()
    text = page.locator("#s0 .repeat dl").inner_text()
    for part in ("A Processor", "numpy 2.4.6", "objective = makespan", "every solution checked", "10 s for every run"):
        assert part in text


def test_dark_pages_have_light_text_on_dark(browser, path):
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(path.as_uri())
    ink, back = (page.evaluate(f"getComputedStyle(document.body).{name}") for name in ("color", "backgroundColor"))
    sums = [sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(","))) for colour in (ink, back)]
    assert sums[0] > 600 > 150 > sums[1]
    context.close()


def test_every_part_is_there_when_the_page_is_printed(page, path):
    page.emulate_media(media="print")
    assert page.locator("#s2 .plot svg").count() == 1
    assert page.locator("#s1 table.runs tbody tr").count() == 18
    assert len(page.pdf()) > 20_000


def test_packed_numbers_are_drawn_too(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(page_module, "LARGE_SECTION", 0)
    folder = write_folder(tmp_path / "a", rows_of(AGENTS, INSTANCES))
    page = render_page(collect([folder]), title="T", folders=["x"], made="now", version="0")
    (tmp_path / "report.html").write_text(page)
    opened.page.goto((tmp_path / "report.html").as_uri())
    opened.page.locator("#s0 .rows").scroll_into_view_if_needed()
    opened.page.locator("#s0 table.runs tbody tr").first.wait_for()
    assert opened.page.locator("#s0 .count").inner_text() == "48 of 48 runs"
    opened.check()
