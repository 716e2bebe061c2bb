"""Results from a stranger in a headless Chromium: names that would run, hide or burst the page are only text."""

import json
from dataclasses import replace

import pytest

from schedlab.envs.core.view import Bar, GanttView
from schedlab.eval.html.collect import collect
from schedlab.eval.html.page import render_page

from .folders import rows_of, shop_view, write_folder, write_race_folder

NAMES = (
    "<img src=x onerror=\"window.hit=1;alert('image')\">",
    "</script><script>window.hit=1;alert('script')</script>",
    "\"'><svg onload=window.hit=1>",
    "${window.hit=1}{{7*7}}`",
    "<!--<script>",
    "שלום עולם אבג",
    "long" * 200,
    '=HYPERLINK("x")',
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    about = {
        "command": f"schedlab {NAMES[0]} \u202e\n{NAMES[1]}",
        "config": {NAMES[0]: NAMES[1], "deep": [[NAMES[2]]]},
        "machine": {NAMES[0]: NAMES[1], "\u202erotacefed": "\x1b[31m"},
        "versions": {NAMES[1]: NAMES[0]},
        "finished": NAMES[0],
    }
    mean = GanttView.of(
        [name[:150] for name in NAMES], [name[:150] for name in NAMES], ["work", NAMES[0]],
        [Bar(place, 0, 10, place, place % 2, NAMES[place % 3]) for place in range(len(NAMES))], [], 10,
    )  # fmt: skip
    rows = rows_of(NAMES, NAMES[:5], problem=NAMES[0], measures=(NAMES[1],))
    write_folder(
        folder / "<img src=x onerror=alert(3)>",
        rows,
        about,
        [(NAMES[0], NAMES[1], mean), (NAMES[1], NAMES[2], shop_view())],
    )
    sweep = rows_of(
        NAMES[:3], [f"{NAMES[0]}={NAMES[1]}/{seed}" for seed in (0, 1)] + [f"{NAMES[0]}=2/{seed}" for seed in (0, 1)]
    )
    write_folder(folder / "sweep", sweep, {"option": NAMES[0]})
    write_race_folder(folder / "race", NAMES[:4], NAMES[:3])
    race = json.loads((folder / "race" / "race.json").read_text())
    race["measured_by"]["kinds"] = dict.fromkeys(NAMES[:3], NAMES[0])
    race["command"] = NAMES[1]
    (folder / "race" / "race.json").write_text(json.dumps(race))
    page = render_page(collect([folder]), title=NAMES[0], folders=[NAMES[1]], made="now", version="0", against=NAMES[2])
    (folder / "report.html").write_text(page)
    return folder / "report.html"


def test_hostile_names_are_shown_as_text_and_run_nothing(opened, path):
    opened.go(path)
    page = opened.page
    for summary in page.locator(".repeat summary").all():
        summary.click()
    page.locator(".schedules").scroll_into_view_if_needed()
    page.locator(".schedules canvas").first.wait_for()
    box = page.locator(".schedules canvas").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10)
    for choice in page.locator(".chart select").all():
        choice.select_option(index=1)
    page.wait_for_timeout(300)
    assert page.evaluate("window.hit") is None
    # nothing but what the page itself has: no image, no event handler, no element of a name
    assert page.locator("img, svg[onload], body *[onerror]").count() == 0
    assert page.evaluate("document.scripts.length") == page.locator("script[data-instance]").count() + 2
    text = page.locator("body").inner_text()
    for name in NAMES[:6]:
        assert name in text
    opened.check()


def test_names_neither_widen_the_page_nor_turn_their_neighbours_around(opened, path):
    opened.page.set_viewport_size({"width": 420, "height": 900})
    opened.go(path)
    opened.page.wait_for_timeout(200)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 420
    text = opened.page.locator("body").inner_text()
    assert "\u202e" not in text
    assert "\\u202erotacefed" in opened.page.locator("section:has(.schedules) .repeat").text_content()


def test_a_script_that_gets_into_the_page_may_not_run(opened, path, tmp_path):
    """The policy is a second wall: even with a hole in the escaping nothing would run."""
    broken = path.read_text().replace(
        "</header>", "<script>window.hit=1</script><img src=x onerror='window.hit=1'></header>"
    )
    (tmp_path / "broken.html").write_text(broken)
    opened.go(tmp_path / "broken.html")
    opened.page.wait_for_timeout(200)
    assert opened.page.evaluate("window.hit") is None
    assert any("Content Security Policy" in text for text in opened.complaints)
    assert opened.page.locator("#s0 .plot svg").count()


def test_a_downloaded_table_holds_no_formula(opened, path, tmp_path):
    opened.go(path)
    with opened.page.expect_download() as started:
        opened.page.locator("section:has(.schedules) .rows").get_by_role("button", name="CSV").click()
    started.value.save_as(tmp_path / "rows.csv")
    text = (tmp_path / "rows.csv").read_text()
    assert "'=HYPERLINK" in text
    assert ",=" not in text
    assert ',"=' not in text


@pytest.mark.parametrize("scale", [3e99, -3e99, 1e-308, 2.0**60, 0.0])
def test_extreme_numbers_neither_stop_the_page_nor_draw_nonsense(opened, tmp_path, scale):
    rows = [
        replace(row, objective=scale * (1 + place % 3), bound=scale, gap=0.5 * (place % 5), seconds=abs(scale))
        for place, row in enumerate(rows_of(("spt", "ppo", "cp-sat"), ("a", "b", "c")))
    ]
    far = 2**53
    view = GanttView.of(["m"] * 5000, ["j"], ["work"], [Bar(0, far - 1, far, 0), Bar(4999, 0, far - 3, 0)], [], far)
    folder = write_folder(tmp_path / "a", rows, views=[("a", "spt", view)])
    page = render_page(collect([folder]), title="T", folders=["x"], made="now", version="0")
    (tmp_path / "report.html").write_text(page)
    opened.go(tmp_path / "report.html")
    opened.page.locator(".schedules").scroll_into_view_if_needed()
    opened.page.locator(".schedules canvas").first.wait_for()
    for _ in range(12):
        opened.page.get_by_label("zoom in").click()
    opened.page.wait_for_timeout(150)
    opened.check()
