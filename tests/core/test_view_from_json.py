"""Views from anywhere are refused unless they are whole."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedlab.envs.core import InputError
from schedlab.envs.core.view import (
    MAX_BARS,
    MAX_ITEMS,
    Bar,
    GanttView,
    HostItem,
    HostMove,
    HostsView,
    Leg,
    Line,
    MapView,
    Place,
    short_text,
    view_from_json,
)


def test_of_long_runs_the_first_bars_are_kept():
    bars = [Bar(0, start, start + 1, group=start) for start in range(MAX_BARS + 5)]
    groups = [f"job {number}" for number in range(len(bars))]
    view = GanttView.of(["machine"], groups, ["work"], reversed(bars), [Line(3, "early"), Line(10**6, "late")], 10**6)
    assert view.cut
    assert view.bars == tuple(bars[:MAX_BARS])
    assert view.end == len(view.groups) == MAX_BARS
    assert view.lines == (Line(3, "early"),)
    assert view_from_json(view.to_json()) == view


def test_texts_are_left_out_where_none_says_anything():
    view = GanttView.of(["machine"], ["job"], ["work"], [Bar(0, 0, 1)], [], 1)
    assert view.to_json()["bars"]["text"] == []
    assert view_from_json(view.to_json()) == view


def test_names_are_cut_and_halves_of_characters_replaced():
    assert short_text("ü" * 200) == "ü" * 200
    assert short_text("x" * 201) == "x" * 199 + "…"
    assert short_text("a\ud800") == "a?"
    view = GanttView.of(["r" * 300], ["g\udfff"], ["work"], [Bar(0, 0, 1, 0)], [], 1)
    assert view_from_json(view.to_json()) == view


EXAMPLES = {
    "gantt": GanttView.of(
        ["m0", "m1"], ["j0"], ["work", "down"], [Bar(0, 0, 2.5, 0, 0, "a"), Bar(1, 1, 3, -1, 1)], [Line(3, "end")], 3
    ).to_json(),
    "hosts": HostsView(
        ("a", "b"),
        ((8, 8), (8, 8)),
        "cores",
        (HostItem("x", 2, ((0, 0),)), HostItem("y", 4, ((1, 0), (1, 1)), 0)),
        (HostMove(0, ((1, 1),)),),
        (0.5, 0.25),
        "FR16",
    ).to_json(),
    "map": MapView(
        (Place("a", 0.0, 0.0, 1), Place("b", 3.5, -1.0, 1)), "miles", ("v",), (0,),
        (Leg(0, 0, 1, 10, 20, 3, "t"),), "s", 21600, 30,
    ).to_json(),
}  # fmt: skip
GONE = object()
DAMAGE = [
    ("gantt", "kind", GONE, "'kind' is missing"),
    ("gantt", "kind", ["gantt"], "'kind' must be one of gantt, hosts, map"),
    ("gantt", "kind", "pie", "'kind' must be one of"),
    ("gantt", "bars", GONE, "'bars' is missing"),
    ("gantt", "bars", [], "bars: must be an object"),
    ("gantt", "bars.start", GONE, "'start' is missing"),
    ("gantt", "bars.color", [1, 2], "there is no field 'color'"),
    ("gantt", "extra", 1, "there is no field 'extra'"),
    ("gantt", "bars.start", [0], "'start' has 1 entries, 'row' has 2"),
    ("gantt", "bars.text", ["a"], "'text' has 1 entries"),
    ("gantt", "bars.row", "01", "'row' must be a list"),
    ("gantt", "bars.row", list(range(MAX_ITEMS + 1)), "'row' must be a list of at most"),
    ("gantt", "bars.row.0", 2, "bar 0: row must be a whole number"),
    ("gantt", "bars.row.0", -1, "bar 0: row"),
    ("gantt", "bars.row.0", 0.0, "bar 0: row"),
    ("gantt", "bars.row.0", True, "bar 0: row"),
    ("gantt", "bars.group.1", -2, "bar 1: group"),
    ("gantt", "bars.group.1", 1, "bar 1: group"),
    ("gantt", "bars.style.0", 2, "bar 0: style"),
    ("gantt", "bars.start.0", 2.6, "bar 0: start must be a number in 0..2.5"),
    ("gantt", "bars.start.0", -1, "bar 0: start"),
    ("gantt", "bars.start.0", None, "bar 0: start"),
    ("gantt", "bars.start.0", "0", "bar 0: start"),
    ("gantt", "bars.end.0", float("nan"), "bar 0: end"),
    ("gantt", "bars.end.0", float("inf"), "bar 0: end"),
    ("gantt", "bars.end.1", 4, "bar 1: end"),
    ("gantt", "bars.text.0", 5, "text: entry 0"),
    ("gantt", "bars.text.0", "x" * 201, "text: entry 0 must be a text of at most 200"),
    ("gantt", "rows.1", {}, "rows: entry 1"),
    ("gantt", "groups.0", "\ud800", "groups: entry 0"),
    ("gantt", "styles", {}, "'styles' must be a list"),
    ("gantt", "lines.0", 3, "line 0: must be an object"),
    ("gantt", "lines.0.at", "3", "line 0: at"),
    ("gantt", "lines.0.text", None, "lines: entry 0"),
    ("gantt", "end", 10**400, "end must be a number"),
    ("gantt", "end", -1, "end must be a number"),
    ("gantt", "cut", 1, "cut must be true or false"),
    ("gantt", "time_unit", 7, "time_unit: entry 0"),
    ("hosts", "hosts", ["a"], "2 capacities for 1 hosts"),
    ("hosts", "node_capacity.0", 8, "'node_capacity' of host 0 must be a list"),
    ("hosts", "node_capacity.0", [], "capacity of host 0"),
    ("hosts", "node_capacity.0", [8] * 9, "capacity of host 0"),
    ("hosts", "node_capacity.0.1", -1, "capacity of host 0"),
    ("hosts", "items.name", ["x"], "'size' has 2 entries, 'name' has 1"),
    ("hosts", "items.size.0", -2, "item 0: size"),
    ("hosts", "items.group.0", 0.5, "item 0: group"),
    ("hosts", "items.before.0", [0, 0], "item 0: 'before' must list pairs"),
    ("hosts", "items.before.0", [], "item 0: 'before' must be a list of 1 to"),
    ("hosts", "items.before.0", [[0, 0]] * 9, "item 0: 'before' must be a list of 1 to"),
    ("hosts", "items.before.0", [[2, 0]], "item 0: host"),
    ("hosts", "items.before.0", [[0, 2]], "item 0: node"),
    ("hosts", "items.before.0", [[0, True]], "item 0: 'before' must list pairs"),
    ("hosts", "items.before.1", [[1, 0], [1, 0]], "item 1 must take different nodes of one host"),
    ("hosts", "items.before.1", [[0, 0], [1, 1]], "item 1 must take different nodes of one host"),
    ("hosts", "items.after.0", [[0, 0]], "'after' is not what the moves make"),
    ("hosts", "items.after.1", [[1, 0], [1.0, 1]], "item 1: 'after' must list pairs"),
    ("hosts", "moves.0.item", 2, "move 0: item"),
    ("hosts", "moves.0.item", 1, "move 0 goes to 1 nodes"),
    ("hosts", "moves.0.to", [[1, -1]], "move 0: node"),
    ("hosts", "moves.0", [0], "move 0: must be an object"),
    ("hosts", "free_fragment.rates", [0.5], "1 rates for 1 moves"),
    ("hosts", "free_fragment.rates.1", "low", "rate 1"),
    ("hosts", "free_fragment.rates", None, "'rates' must be a list"),
    ("hosts", "free_fragment.before", 0.4, "must be the first and the last of the rates"),
    ("hosts", "free_fragment.after", [], "'after' must be a number"),
    ("hosts", "free_fragment.label", 16, "label: entry 0"),
    ("hosts", "end", 2, "'end' must be the number of moves, 1"),
    ("hosts", "end", True, "'end' must be the number of moves, 1"),
    ("map", "places.x.0", float("-inf"), "place 0: x"),
    ("map", "places.y.0", None, "place 0: y"),
    ("map", "places.size.1", -1, "place 1: size"),
    ("map", "places.name.1", 1, "places: entry 1"),
    ("map", "vehicle_start", [], "0 starts for 1 vehicles"),
    ("map", "vehicle_start.0", 2, "vehicle 0: start"),
    ("map", "legs.from.0", 2, "leg 0: from"),
    ("map", "legs.to.0", -1, "leg 0: to"),
    ("map", "legs.vehicle.0", 1, "leg 0: vehicle"),
    ("map", "legs.load.0", 1.5, "leg 0: load"),
    ("map", "legs.start.0", 21, "leg 0: start"),
    ("map", "legs.end.0", 31, "leg 0: end"),
    ("map", "clock", -1, "clock"),
    ("map", "x_unit", [], "units: entry 0"),
    ("map", "cut", None, "cut must be true or false"),
]  # fmt: skip


def damaged(data, path, value):
    """A copy in which a value, or its place, is another."""
    data = copy.deepcopy(data)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    inner = data
    for step in way:
        inner = inner[step]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    return data


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_examples_are_views(kind):
    assert view_from_json(json.loads(json.dumps(EXAMPLES[kind]))).to_json() == EXAMPLES[kind]


@pytest.mark.parametrize(("kind", "path", "value", "message"), DAMAGE)
def test_whatever_is_wrong_is_told_in_one_line(kind, path, value, message):
    with pytest.raises(InputError) as told:
        view_from_json(damaged(EXAMPLES[kind], path, value), "views.json, view 3")
    text = str(told.value)
    assert text.startswith("views.json, view 3")
    assert message in text
    assert "\n" not in text
    assert len(text) < 300


@pytest.mark.parametrize("data", [None, 3, "gantt", [], [EXAMPLES["map"]], {}])
def test_what_is_no_object_of_a_kind_is_no_view(data):
    with pytest.raises(InputError, match=r"^view: "):
        view_from_json(data)


def test_more_bars_than_can_be_drawn_are_refused():
    data, count = copy.deepcopy(EXAMPLES["gantt"]), MAX_BARS + 1
    data["bars"] = {name: [0] * count for name in ("row", "start", "end", "group", "style")} | {"text": []}
    with pytest.raises(InputError, match=f"bars: there must be 0 to {MAX_BARS}, got {count}"):
        view_from_json(data)


def test_more_legs_than_can_be_drawn_are_refused():
    data, count = copy.deepcopy(EXAMPLES["map"]), MAX_BARS + 1
    data["legs"] = {name: [0] * count for name in data["legs"]} | {"text": []}
    with pytest.raises(InputError, match=f"legs: there must be 0 to {MAX_BARS}, got {count}"):
        view_from_json(data)


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.integers(), st.just(10**400), st.floats(), st.text(max_size=5)
)
NAMES = st.sampled_from(["kind", "rows", "bars", "items", "legs", "text", "to"]) | st.text(max_size=3)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)


def paths(data, way=""):
    """The places of all values."""
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, inner in entries:
        here = f"{way}.{key}" if way else str(key)
        yield here
        yield from paths(inner, here)


@given(kind=st.sampled_from(sorted(EXAMPLES)), fields=st.dictionaries(NAMES, ANYTHING, max_size=5))
def test_random_objects_are_refused_and_nothing_else_happens(kind, fields):
    with pytest.raises(InputError):
        view_from_json({**fields, "kind": kind})


@given(data=st.data(), kind=st.sampled_from(sorted(EXAMPLES)), value=ANYTHING | st.just(GONE))
def test_a_view_with_anything_in_it_is_refused_or_still_a_view(data, kind, value):
    path = data.draw(st.sampled_from(list(paths(EXAMPLES[kind]))))
    try:
        view = view_from_json(damaged(EXAMPLES[kind], path, value))
    except InputError:
        return
    assert view_from_json(json.loads(json.dumps(view.to_json(), allow_nan=False))) == view
