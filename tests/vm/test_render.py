"""Pictures of plans."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from schedlab.envs.core.figures import figure_to_array
from schedlab.envs.vm.config import VmConfig
from schedlab.envs.vm.generate import random_cluster
from schedlab.envs.vm.instance import Fragment
from schedlab.envs.vm.render import COLOURS, draw_plan, draw_plan_text
from schedlab.envs.vm.solution import VmSolution

from . import tiny

PLAN = VmSolution.of([(0, 1, 0), (2, 2, 1), (3, 0, 0)])


def cluster(pms=12, **values):
    return random_cluster(VmConfig(num_pms=pms, **values), np.random.default_rng(0))


def random_plan(instance, count, seed=0):
    """Moves of any VMs to anywhere, most of them illegal."""
    rng = np.random.default_rng(seed)
    table = [rng.integers(limit, size=count) for limit in (instance.num_vms, instance.num_pms, 2)]
    return VmSolution.of(list(zip(*(column.tolist() for column in table), strict=True)))


def heights(axes, part):
    """Heights of the bars of one kind, in the order of the PMs."""
    shade = to_rgb(COLOURS[part])
    return [patch.get_height() for patch in axes.patches if to_rgb(patch.get_facecolor()) == shade]


def test_bars_show_what_is_in_use_usable_and_lost_before_and_after():
    before, after = draw_plan(tiny(), VmSolution.of([(0, 1, 0)])).axes[:2]
    # a has 12 + 8 free cores, c 4 + 10, b 4 + 8
    assert heights(before, "in use") == [4, 8, 12, 6, 12, 8]
    assert heights(before, "usable") == [8, 8, 0, 8, 0, 8]
    assert heights(before, "fragment") == [4, 0, 4, 2, 4, 0]
    assert heights(after, "in use") == [0, 8, 12, 6, 16, 8]
    assert heights(after, "usable") == [16, 8, 0, 8, 0, 8]
    assert heights(after, "fragment") == [0, 0, 4, 2, 0, 0]
    assert [label.get_text() for label in after.get_xticklabels()] == ["a", "c", "b"], "by their free cores before"
    assert [label.get_color() for label in after.get_xticklabels()] == ["black", "#999999", "black"]


def test_usable_cores_of_double_numa_fragments_are_equal_on_both_nodes():
    before = draw_plan(tiny(fragments=(Fragment(8, 2),)), VmSolution.of([])).axes[0]
    assert heights(before, "usable") == [8, 8, 4, 4, 4, 4]
    assert heights(before, "fragment") == [4, 0, 0, 6, 0, 4]


def test_the_fragment_rate_is_drawn_over_the_moves():
    figure = draw_plan(tiny(goal=0.1), VmSolution.of([(0, 1, 0), (2, 2, 1)]))
    rates = figure.axes[2]
    line = rates.lines[0]
    assert line.get_xdata().tolist() == [0, 1, 2]
    # 14 of 46, then 6; light's move gives back the 4 cores that small took from b: 16 + 8, 4 + 8, 4 + 6
    assert line.get_ydata().tolist() == pytest.approx([14 / 46, 6 / 46, 14 / 46])
    assert rates.get_ylabel() == "FR8"
    assert [text.get_text() for text in rates.texts] == ["goal 0.1"]


def test_rates_are_those_of_the_clusters_between():
    instance = tiny(fragments=(Fragment(8, weight=0.5), Fragment(4, 2)))
    drawn = draw_plan(instance, PLAN).axes[2].lines[0].get_ydata().tolist()
    host, node, expected = instance.host.copy(), instance.node.copy(), [instance.fragment_rate()]
    for vm, pm, target in PLAN.moves():
        host[vm], node[vm] = pm, target
        expected.append(replace(instance, host=host.copy(), node=node.copy()).fragment_rate())
    assert drawn == pytest.approx(expected)


def test_the_moves_are_listed_by_name():
    listed = draw_plan(tiny(), PLAN).axes[3].texts[0].get_text().splitlines()
    assert listed == [
        "small  4 cores  a/0 -> b/0",
        "light  4 cores  b/0 -> c/1",
        "wide  8+8 cores  b -> a",
    ]


def test_of_many_moves_the_first_are_listed():
    instance = cluster()
    listed = draw_plan(instance, random_plan(instance, 60)).axes[3].texts[0].get_text().splitlines()
    assert len(listed) == 26
    assert listed[-1] == "... and 35 more"
    assert draw_plan_text(instance, random_plan(instance, 60)).splitlines()[-26:] == listed


def test_the_title_is_a_summary_unless_given():
    assert draw_plan(tiny(), VmSolution.of([(0, 1, 0)])).get_suptitle() == (
        "tiny: 1 move, FR8 0.3043 -> 0.1304, 46 free cores"
    )
    assert draw_plan(tiny(), PLAN, "mine").get_suptitle() == "mine"


def test_of_many_pms_those_that_matter_are_shown_and_it_says_so():
    instance = cluster(pms=150)
    free = instance.free()
    full = int(np.flatnonzero(free.sum(axis=1) == 0)[-1])
    leaving = int(np.flatnonzero(instance.host == full)[0])
    figure = draw_plan(instance, VmSolution.of([(leaving, 0, 0)]), "many")
    assert figure.get_suptitle() == "many; 120 of 150 PMs: those touched and the most fragmented"
    labels = [label.get_text() for label in figure.axes[1].get_xticklabels()]
    assert len(labels) == 120
    assert {f"pm_{full}", "pm_0"} <= set(labels)
    fragment = (free % 16).sum(axis=1)
    most = np.argsort(-fragment, kind="stable")[:100]
    assert {f"pm_{pm}" for pm in most} <= set(labels)
    assert len(figure.axes[0].patches) == 3 * 2 * 120


@pytest.mark.parametrize("moves", [0, 1, 30, 300])
def test_anything_is_drawn_be_it_legal_or_not(moves):
    instance = cluster(affinity=1)
    solution = random_plan(instance, moves)
    assert figure_to_array(draw_plan(instance, solution), dpi=40).std() > 0
    text = draw_plan_text(instance, solution)
    assert text.startswith(f"{instance.name}: {moves} move")


def test_moves_that_cannot_be_made_at_all_are_told():
    solution = VmSolution(np.array([9, 0, 0, 1]), np.array([0, 7, 0]), np.array([0, 0, -2]))
    listed = draw_plan(tiny(), solution).axes[3].texts[0].get_text().splitlines()
    assert listed == [
        "VM 9  to PM 0, node 0: does not exist",
        "VM 0  to PM 7, node 0: does not exist",
        "VM 0  to PM 0, node -2: does not exist",
    ]
    assert draw_plan_text(tiny(), solution).splitlines()[-3:] == listed


def test_no_moves_are_drawn():
    figure = draw_plan(tiny(), VmSolution.of([]))
    assert figure_to_array(figure, dpi=40).size
    assert figure.axes[3].texts[0].get_text() == "no moves"


def test_clusters_without_vms_cores_or_room_are_drawn():
    instance = tiny()
    nothing = {name: getattr(instance, name)[:0] for name in ("cpu", "memory", "nodes", "host", "node", "group")}
    empty = replace(instance, vm_names=(), flavour=(), movable=instance.movable[:0], **nothing)
    full = replace(instance, capacity=instance.capacity - instance.free())
    for odd in (empty, full, replace(empty, capacity=np.zeros((3, 2), np.int64))):
        assert figure_to_array(draw_plan(odd, VmSolution.of([])), dpi=40).size
        assert draw_plan_text(odd, VmSolution.of([])).count("\n") == 5


def test_names_are_not_taken_for_formulas_and_long_ones_are_cut():
    odd = replace(tiny(), name="$\\x$", pm_names=("$\\a$", "$_^$", "p" * 40), vm_names=("$\\v$", *"bcdef"))
    figure = draw_plan(odd, PLAN, "$\\title$")
    assert figure_to_array(figure, dpi=40).size
    assert figure_to_array(draw_plan(odd, PLAN), dpi=40).size
    assert figure.axes[1].get_xticklabels()[1].get_text() == "pppppppppppppp.."


def test_drawing_changes_nothing():
    instance, solution = cluster(), random_plan(cluster(), 20)
    before = instance.free().copy(), instance.host.copy(), solution.moves()
    draw_plan(instance, solution)
    draw_plan_text(instance, solution)
    np.testing.assert_array_equal(instance.free(), before[0])
    np.testing.assert_array_equal(instance.host, before[1])
    assert solution.moves() == before[2]


# --- text


def test_the_text_of_a_small_plan():
    assert draw_plan_text(tiny(), VmSolution.of([(0, 1, 0)]), width=81).splitlines() == [
        "tiny: 1 move, FR8 0.3043 -> 0.1304, 46 free cores",
        "# in use  . usable  x fragment, on the NUMA nodes of each PM, before -> after",
        "a |####........xxxx| |########........| -> |................| |########........|",
        "b |############xxxx| |########........| -> |################| |########........|",
        "FR8 0.3043 █▁ 0.1304",
        "small  4 cores  a/0 -> b/0",
    ]


def test_the_text_of_no_plan_shows_the_most_fragmented():
    lines = draw_plan_text(tiny(), VmSolution.of([]), width=60).splitlines()
    assert [line.split(" ")[0] for line in lines[2:5]] == ["a", "c", "b"]
    assert lines[-1] == "FR8 0.3043 ▁ 0.3043"
    large = cluster(pms=40)
    assert len(draw_plan_text(large, VmSolution.of([])).splitlines()) == 2 + 8 + 1


@pytest.mark.parametrize("width", [1, 40, 100, 200])
def test_bars_are_as_wide_as_there_is_room_for(width):
    instance = cluster(pms=12)
    solution = random_plan(instance, 25)
    lines = draw_plan_text(instance, solution, width).splitlines()
    bars = [line for line in lines if line.count("|") == 8]
    assert len({len(line) for line in bars}) == 1
    assert len(bars[0]) <= max(width, 40)
    assert all(len(line) <= max(width, 30) for line in lines if "█" in line)


def test_what_is_there_gets_a_character():
    instance = tiny()
    capacity = instance.capacity - instance.free()
    capacity[2, 1] += 1
    capacity[0, 0] += 40
    text = draw_plan_text(replace(instance, capacity=capacity), VmSolution.of([(4, 0, 0)]), width=20)
    # a/0 has 44 cores, of which 4 are in use, then 16; c has 12 + 7, of which one is free
    assert text.splitlines()[2:4] == ["a |#...| |####| -> |#..x| |####|", "c |####| |###x| -> |...x| |###x|"]


def test_of_many_touched_pms_some_have_a_line():
    instance = cluster(pms=90)
    solution = random_plan(instance, 200)
    touched = {*solution.pm.tolist(), *instance.host[solution.vm].tolist()}
    lines = draw_plan_text(instance, solution).splitlines()
    assert sum(line.count("|") == 8 for line in lines) == 40
    assert f"... and {len(touched) - 40} more PMs" in lines
