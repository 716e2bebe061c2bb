"""Pictures of days."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from schedlab.envs.core.figures import figure_to_array
from schedlab.envs.uam.activity import CHARGING, EMPTY, HELD, KINDS, REPAIR, WAITING, Activity
from schedlab.envs.uam.check import check_day
from schedlab.envs.uam.instance import UamInstance
from schedlab.envs.uam.maps import COLOURS
from schedlab.envs.uam.render import draw_day, draw_day_text, draw_map, frames
from schedlab.envs.uam.solution import UamSolution

from .days import by_list, played, random_day, randomly, solution_of, tiny_day


def day_of(*destinations, most=10**9, **changes):
    """A tiny day on which aircraft fly there in turn, then wait."""
    instance = tiny_day(**changes)
    return instance, solution_of(played(instance, by_list(*destinations), most).rows)


def random_play(seed=0, share=1.0, **kind):
    """A random day and the first part of what happens."""
    instance = random_day(seed, **kind)
    rows = played(instance, randomly(seed)).rows
    return instance, solution_of(rows[: round(share * len(rows))])


def texts(axes):
    return [text.get_text() for text in axes.texts]


# --- what aircraft did


def test_a_flight_is_cut_into_what_happens_on_it():
    # held for 100 s, 360 s of take-off, 600 s of flight, 360 s of landing, charged for 576 s, repaired for 1000 s
    changes = {"delay": [100, 0, 0], "failure": [1.0], "repair": 1000, "repair_spread": 0, "start": [0]}
    instance, solution = day_of(1, **changes)
    pieces = Activity.of(instance, solution).pieces.T.tolist()
    assert pieces[:5] == [
        [0, HELD, 0, 100, 0], [0, 0, 100, 1420, 0], [0, CHARGING, 1420, 1996, 0], [0, REPAIR, 1996, 2996, 0],
        [0, WAITING, 2996, 3896, 1],
    ]  # fmt: skip


def test_whoever_is_charged_while_it_waits_is_shown_so():
    instance, solution = day_of(1, charging="waiting", start=[0])
    pieces = Activity.of(instance, solution).pieces.T.tolist()
    assert pieces[:3] == [[0, 0, 0, 1320, 0], [0, CHARGING, 1320, 1896, 1], [0, WAITING, 1896, 2220, 1]]


def test_flights_without_passengers_are_told_apart():
    instance, solution = day_of(1, 2, demand={(0, 0, 2): 0})
    kinds = Activity.of(instance, solution).pieces[:2].T.tolist()
    assert [0, 0] in kinds
    assert [1, EMPTY] in kinds


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 10**6), st.sampled_from(["full", "waiting"]), st.integers(0, 2), st.integers(0, 1), st.floats(0, 1)
)
def test_everybody_does_something_all_day_as_the_checker_says(seed, charging, vertistops, corridors, share):
    instance, solution = random_play(seed, charging=charging, vertistops=vertistops, corridors=corridors)
    activity, day = Activity.of(instance, solution), instance.terms.day
    assert activity.over
    counts = activity.fleet(np.array([0.0, day]))[:, 0] / instance.num_aircraft
    assert counts.sum() == pytest.approx(1)
    measures = check_day(instance, solution).measures
    assert counts[CHARGING] == pytest.approx(measures["charging_share"])
    assert counts[WAITING] == pytest.approx(measures["waiting_share"])
    assert activity.profits.sum() == pytest.approx(check_day(instance, solution).objective)
    moment = activity.moment(share * day)
    assert np.isin(moment.kind[moment.port < 0], (0, EMPTY)).all()
    standing = moment.port >= 0
    assert np.array_equal(moment.x[standing], instance.x[moment.port[standing]])


def test_aircraft_are_between_vertiports_when_they_fly():
    instance, solution = day_of(1, 2)
    activity = Activity.of(instance, solution)
    # in the corridor from 360 s to 960 s, and to 1160 s
    moment = activity.moment(660)
    assert moment.x.tolist() == [6.0, 0.0]
    assert moment.y.tolist() == pytest.approx([0.0, 16 * 300 / 800])
    assert moment.heading.tolist() == pytest.approx([0, np.pi / 2])
    assert moment.port.tolist() == [-1, -1]
    assert activity.moment(0).port.tolist() == activity.moment(359).port.tolist() == [0, 0]
    assert activity.moment(960).port.tolist() == [1, -1]
    assert activity.moment(1200).kind.tolist() == [0, 0], "landing with passengers"
    assert activity.moment(1320).kind.tolist() == [CHARGING, 0]
    assert activity.moment(10**6).port.tolist() == [1, 2]


def test_whoever_is_held_is_where_it_was():
    instance, solution = day_of(1, delay=[500, 0, 0], start=[0])
    moment = Activity.of(instance, solution).moment(499)
    assert (moment.kind.tolist(), moment.port.tolist()) == ([HELD], [0])


def test_an_unfinished_day_ends_with_its_last_decision():
    instance, solution = day_of(1, 2, 0, most=3)
    activity = Activity.of(instance, solution)
    assert not activity.over
    assert activity.until == 1896
    assert Activity.of(instance, solution_of([])).until == 0


# --- the figure


def test_the_figure_has_a_map_and_three_panels():
    instance, solution = day_of(1, 2, 0)
    figure = draw_day(instance, solution)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "", "aircraft", "passengers of the period", "profit so far, dollars",
    ]  # fmt: skip
    assert figure.get_suptitle() == "tiny: 3 flights, 12 of 120 passengers (10 %), $122"
    assert {"A", "B", "C", "5 mi", "widest line: 8 passengers"} <= set(texts(figure.axes[0]))
    assert [label.get_text() for label in figure.axes[1].get_xticklabels()][:3] == ["06:00", "06:15", "06:30"]
    assert draw_day(instance, solution, "mine").get_suptitle() == "mine"


def test_lines_are_as_wide_as_passengers_fly_and_dashed_without_any():
    instance, solution = day_of(1, 2, 0, demand={(0, 0, 2): 0})
    busy, empty = draw_day(instance, solution).axes[0].collections[:2]
    assert busy.get_linewidths().tolist() == [7.0]
    assert np.sort(busy.get_segments()[0][:, 0]).tolist() == [0, 12]
    assert len(empty.get_segments()) == 1
    assert empty.get_linestyles()[0][1] is not None


def test_vertistops_are_white_and_it_says_so():
    instance, solution = day_of(1, chargers=[1, 1, 0])
    axes = draw_day(instance, solution).axes[0]
    assert any(text.startswith("squares: no charger") for text in texts(axes))
    ports, stops = axes.collections[2:4]
    assert (len(ports.get_offsets()), len(stops.get_offsets())) == (2, 1)
    assert to_hex(stops.get_facecolors()[0]) == "#ffffff"


def test_aircraft_are_shown_while_the_day_is_not_over():
    instance, solution = day_of(1, 2, 0, most=3)
    figure = draw_day(instance, solution)
    assert figure.get_suptitle().endswith("; until 06:31")
    # aircraft 0 takes off at B, aircraft 1 is charged at C
    standing = figure.axes[0].collections[2]
    shades = [COLOURS["with passengers"], COLOURS["charging"]]
    assert list(map(to_hex, standing.get_facecolors())) == shades
    assert np.hypot(*(standing.get_offsets() - [(12, 0), (0, 16)]).T).max() < 1
    finished = draw_day(*day_of(1, 2, 0)).axes[0]
    assert len(finished.collections) == len(figure.axes[0].collections) - 2


def test_the_stacked_areas_are_the_fleet():
    instance, solution = random_play(3)
    areas = draw_day(instance, solution).axes[1].patches
    assert len(areas) == len(KINDS)
    top = areas[-1].get_data()
    assert top.values == pytest.approx(np.full(240, instance.num_aircraft))
    assert top.edges[-1] == instance.terms.day


def test_passengers_are_counted_anew_in_each_period():
    instance, solution = day_of(1, 2, 0)
    flown, left = draw_day(instance, solution).axes[2].collections
    top = flown.get_paths()[0].vertices
    assert top[:, 1].max() == 12
    assert left.get_paths()[0].vertices[:, 1].max() == 60
    assert top[top[:, 0] > 3600, 1].max() == 0


def test_the_profit_is_drawn_to_its_last_dollar():
    instance, solution = random_play(5)
    axes = draw_day(instance, solution).axes[3]
    assert axes.lines[0].get_ydata()[-1] == pytest.approx(check_day(instance, solution).objective)
    assert texts(axes) == [f"${check_day(instance, solution).objective:,.0f}"]


def test_a_loss_is_told():
    instance, solution = day_of(1, 2, 0, fare=0.0)
    axes = draw_day(instance, solution).axes[3]
    assert texts(axes) == ["-$118"]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 1.0])
@pytest.mark.parametrize("kind", [{}, {"charging": "waiting", "vertistops": 2, "corridors": 1}])
def test_any_part_of_any_day_is_drawn(share, kind):
    instance, solution = random_play(1, share, **kind)
    assert figure_to_array(draw_day(instance, solution), dpi=40).std() > 0
    assert draw_day_text(instance, solution).startswith("random-1: ")


def test_drawing_changes_nothing():
    instance, solution = random_play(2)
    before = solution.legs.copy()
    draw_day(instance, solution)
    draw_map(instance, solution, 999)
    draw_day_text(instance, solution)
    np.testing.assert_array_equal(solution.legs, before)


def test_what_cannot_be_is_left_out_and_counted():
    instance, solution = day_of(1, 2, 0)
    rows = solution.legs.tolist()
    wrong = [[9, 0, 1, *rows[0][3:]], [0, 0, 7, *rows[0][3:]], [0, 0, 1, 0, 360, 300, 1000, 4], [0, 0, 1, *[9999] * 5]]
    figure = draw_day(instance, solution_of([*rows, *wrong]))
    assert figure.get_suptitle().endswith("; 4 decisions cannot be drawn")
    assert draw_day_text(instance, solution_of([*rows, *wrong])).splitlines()[0] == figure.get_suptitle()


def test_wrong_decisions_are_drawn_as_they_stand():
    rng = np.random.default_rng(0)
    instance, count = random_day(0), 300
    times = np.sort(rng.integers(0, instance.terms.day, (count, 4)), axis=1)
    ports = rng.integers(instance.num_vertiports, size=(count, 2))
    table = np.column_stack([rng.integers(instance.num_aircraft, size=count), ports, times, rng.integers(-3, 9, count)])
    assert figure_to_array(draw_day(instance, UamSolution(table)), dpi=40).size
    assert figure_to_array(draw_map(instance, UamSolution(table), 5000), dpi=40).size
    assert draw_day_text(instance, UamSolution(table))


def test_names_are_not_taken_for_formulas_and_long_ones_are_cut():
    instance, solution = day_of(1, name="$\\x$" * 50, vertiports=("$\\a$", "p" * 40, "$_^$"))
    figure = draw_day(instance, solution, "$\\title$")
    assert figure_to_array(figure, dpi=40).size
    assert figure_to_array(draw_map(instance, solution, 0), dpi=40).size
    assert "pppppppppppp.." in texts(figure.axes[0])
    assert len(draw_day(instance, solution).get_suptitle()) < 140


def test_odd_networks_are_drawn():
    line = tiny_day(y=[0.0, 0.0, 0.0], x=[0.0, 12.0, 24.0])
    heap = tiny_day(y=[0.0, 0.0, 0.0], x=[0.0, 0.0, 0.0])
    short = tiny_day(day=60, slot=60, wait=60)
    crowd = tiny_day(start=[0] * 200, parking=[200, 1, 1])
    for instance in (line, heap, short, crowd, replace(crowd, demand=0 * crowd.demand)):
        solution = solution_of(played(instance, by_list(), 250).rows)
        for part in (solution.legs, solution.legs[:1]):
            assert figure_to_array(draw_day(instance, UamSolution(part)), dpi=40).size
        assert "nan" not in draw_day_text(instance, solution)


def overlaps(boxes):
    return sum(one.overlaps(other) for k, one in enumerate(boxes) for other in boxes[:k])


@pytest.mark.parametrize(("ports", "planes"), [(8, 40), (30, 200)])
def test_names_do_not_overlap(ports, planes):
    instance = grid_day(ports, planes)
    for figure in (draw_map(instance, solution_of([]), 0), draw_day(instance, solution_of([]))):
        figure.canvas.draw()
        axes = figure.axes[0]
        named = [text for text in axes.texts if text.get_text() in instance.vertiports]
        assert len(named) == ports
        boxes = [text.get_window_extent() for text in named]
        assert overlaps(boxes) == 0
        frame = axes.get_window_extent()
        assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 and box.y1 <= frame.y1 for box in boxes)


def grid_day(ports, planes):
    """Vertiports at least 5 miles apart in a square of 50 miles."""
    rng = np.random.default_rng(ports)
    cells = rng.permutation(49)[:ports]
    x, y = 7.0 * (cells % 7) + rng.uniform(0, 2, ports), 7.0 * (cells // 7) + rng.uniform(0, 2, ports)
    none = np.zeros((2, ports, ports))
    return UamInstance(
        "grid", tuple(f"Vertiport {port}" for port in range(ports)), x, y, np.full(ports, 10), np.full(ports, 6),
        np.arange(planes) % ports, none, none.astype(np.int64), np.zeros(ports), none[0],
        np.zeros((48, ports, ports), np.bool_), np.zeros(planes),
    )  # fmt: skip


# --- frames


def test_a_frame_shows_clock_profit_and_aircraft():
    instance, solution = day_of(1, 2, 0)
    figure = draw_map(instance, solution, 660)
    assert figure.get_suptitle() == "06:11   tiny: 2 flights, 8 of 60 passengers (13 %), $85"
    darts = next(item for item in figure.axes[0].collections if len(item.get_offsets()) == 2 and item.get_zorder() == 6)
    # a little right of the way: south of the line east, east of the line north
    (east, south), (aside, north) = darts.get_offsets().tolist()
    assert east == pytest.approx(6)
    assert -1 < south < 0
    assert 0 < aside < 1
    assert north == pytest.approx(6)


def test_frames_are_of_one_size_and_differ():
    instance, solution = random_play(4)
    pictures = frames(instance, solution, 4)
    assert [picture.shape for picture in pictures] == [(940, 900, 3)] * 4
    assert all(picture.dtype == np.uint8 for picture in pictures)
    assert all((one != other).any() for one, other in zip(pictures, pictures[1:], strict=False))
    assert len(frames(instance, solution, 1)) == 1


# --- text


def test_the_text_of_a_day():
    instance, solution = day_of(1, 2, 0, demand={(0, 0, 2): 0})
    assert draw_day_text(instance, solution, width=64).splitlines() == [
        "tiny: 3 flights, 8 of 110 passengers (7 %), $67",
        "vertiport parking chargers  departures arrivals  passengers: from   to",
        "A               2        1           2        1                 4    4",
        "B               1        1           1        1                 4    4",
        "C               1        1           0        1                 0    0",
        "# with passengers  = empty  - held  + charging  ! repair  . waiting",
        "06:00 |##############========+++++++++.......| 8 passengers, $67",
        "07:00 |+.....................................| 0 passengers, $0",
    ]


@pytest.mark.parametrize("width", [1, 60, 100, 200])
def test_bars_are_as_wide_as_there_is_room_for(width):
    instance, solution = random_play(6)
    bars = [line for line in draw_day_text(instance, solution, width).splitlines() if line.count("|") == 2]
    assert len(bars) == 3
    assert len({line.rindex("|") for line in bars}) == 1
    assert max(map(len, bars)) == width or bars[0].rindex("|") == 7 + 10


def test_of_many_vertiports_the_busiest_are_told():
    instance = random_day(0, ports=45, planes=10, area=60.0)
    solution = solution_of(played(instance, randomly(0)).rows)
    lines = draw_day_text(instance, solution).splitlines()
    assert "... and 5 more" in lines
    flown = set(solution.flights[:, 1:3].ravel().tolist())
    told = {line.split()[0] for line in lines[2:42]}
    assert len(told) == 40
    assert len(flown) > 40 or {f"V{port}" for port in flown} <= told
