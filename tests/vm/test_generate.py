"""Random clusters and the VMs that come and go."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.envs.vm.catalog import MIXES
from schedlab.envs.vm.config import VmConfig
from schedlab.envs.vm.generate import most_vms, random_cluster, with_changes
from schedlab.envs.vm.problem import PROBLEM

from .strategies import configs, instances

PRESETS = PROBLEM.presets()


def drawn(config, seed=0):
    return random_cluster(config, np.random.default_rng(seed))


def of_preset(name, seed=0, **values):
    return drawn(PROBLEM.configure({**PRESETS[name], **values}), seed)


def utilisation(instance):
    return 1 - instance.free().sum() / instance.capacity.sum()


def everything(instance):
    return [
        *(getattr(instance, name) for name in type(instance).__dataclass_fields__ if name not in ("terms", "changes")),
        *vars(instance.changes).values(),
    ]


@settings(max_examples=30, deadline=None)
@given(config=configs(), seed=st.integers(0, 999))
def test_the_same_seed_gives_the_same_cluster_and_no_cluster_is_larger_than_was_told_before(config, seed):
    first, second = drawn(config, seed), drawn(config, seed)
    assert first.terms == second.terms
    for one, other in zip(everything(first), everything(second), strict=True):
        np.testing.assert_array_equal(one, other)
    pms = config.num_pms if isinstance(config.num_pms, int) else config.num_pms[1]
    assert first.num_pms <= pms
    assert first.num_vms <= most_vms(config, first.num_pms) <= most_vms(config, pms)
    simulator = PROBLEM.simulator_for_config(config, 1)
    simulator.reset([first])
    assert simulator.observe().action_mask.any()


def test_another_seed_gives_another_cluster():
    assert drawn(VmConfig(), 0).host.tolist() != drawn(VmConfig(), 1).host.tolist()


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_makes_clusters_as_full_as_it_says_of_the_vms_of_its_mix(name):
    config = PROBLEM.configure(PRESETS[name])
    instance = drawn(config)
    assert instance.num_pms == config.num_pms
    assert instance.terms.mnl == config.mnl
    assert utilisation(instance) == pytest.approx(config.utilisation, abs=0.025)
    assert (instance.capacity == 44).all()
    known = {(kind.flavour, kind.cores, kind.memory, kind.nodes) for kind in MIXES[config.mix].kinds}
    cores, memory = instance.cpu * instance.nodes, instance.memory * instance.nodes
    made = set(zip(instance.flavour, cores.tolist(), memory.tolist(), instance.nodes.tolist(), strict=True))
    assert made <= known
    assert len(made) >= len(known) - 2
    simulator = PROBLEM.simulator_for_config(config, 1)
    simulator.reset([instance])
    assert not simulator.done[0]


@pytest.mark.parametrize("name", ["medium-high", "medium-high-r2"])
def test_medium_clusters_have_the_published_statistics(name):
    clusters = [of_preset(name, seed) for seed in range(10)]
    free = [cluster.free().sum(axis=1) for cluster in clusters]
    assert 0.50 <= np.mean([cluster.fragment_rate() for cluster in clusters]) <= 0.60
    assert 0.76 <= np.mean([(left < 0.2 * 88).mean() for left in free]) <= 0.87
    assert 2000 <= np.mean([left.sum() for left in free]) <= 2700
    assert 1900 <= np.mean([cluster.num_vms for cluster in clusters]) <= 2300


@pytest.mark.parametrize("wanted", [0.2, 0.5, 0.8, 0.95])
def test_clusters_are_about_as_full_as_asked(wanted):
    full = [utilisation(drawn(VmConfig(num_pms=60, utilisation=wanted, churn=4), seed)) for seed in range(4)]
    assert np.mean(full) == pytest.approx(wanted, abs=0.03)


@pytest.mark.parametrize(("others", "share"), [(1, 1.0), (3, 0.5), (8, 1.0)])
def test_vms_of_an_anti_affinity_group_are_apart_and_have_as_many_others_as_asked(others, share):
    cluster = drawn(VmConfig(num_pms=25, affinity=others, affinity_share=share))
    grouped = cluster.group >= 0
    assert share * 0.9 <= grouped.mean() <= share
    sizes = np.bincount(cluster.group[grouped])
    assert sizes.min() >= 2
    assert sizes.max() == others + 1
    assert (sizes == others + 1).mean() > 0.9
    for group in range(len(sizes)):
        hosts = cluster.host[cluster.group == group]
        assert len(set(hosts.tolist())) == len(hosts)


def test_without_affinity_no_vm_is_in_a_group():
    assert (drawn(VmConfig()).group == -1).all()
    assert (drawn(VmConfig(affinity=3, affinity_share=0.0)).group == -1).all()


def test_about_the_share_that_was_asked_for_may_not_be_moved():
    assert drawn(VmConfig()).movable.all()
    assert not drawn(VmConfig(immovable=1.0)).movable.any()
    assert drawn(VmConfig(num_pms=80, immovable=0.3)).movable.mean() == pytest.approx(0.7, abs=0.06)


# --- while a plan is computed


def check_changes(instance):
    """Let all changes happen, and look at every one of them."""
    changes, free, memory = instance.changes, instance.free(), instance.free_memory()
    gone, before = set(), 0.0
    for time, leaves, pm, node, cpu, mb, nodes in zip(*vars(changes).values(), strict=True):
        assert before <= time <= 600
        before = time
        if leaves >= 0:
            assert leaves not in gone
            assert pm == -1
            gone.add(leaves)
            span = (
                slice(0, 2) if instance.nodes[leaves] == 2 else slice(instance.node[leaves], instance.node[leaves] + 1)
            )
            free[instance.host[leaves], span] += instance.cpu[leaves]
            memory[instance.host[leaves], span] += instance.memory[leaves]
        else:
            assert leaves == -1
            assert node == 0 or nodes == 1
            span = slice(0, 2) if nodes == 2 else slice(node, node + 1)
            free[pm, span] -= cpu
            memory[pm, span] -= mb
            assert (free[pm] >= 0).all()
            assert (memory[pm] >= 0).all()
            assert ((instance.cpu == cpu) & (instance.memory == mb) & (instance.nodes == nodes)).any(), (
                "like those there"
            )
    return free


@settings(max_examples=30, deadline=None)
@given(config=configs(), seed=st.integers(0, 999))
def test_vms_that_come_find_room_and_none_leaves_twice(config, seed):
    instance = drawn(config, seed)
    check_changes(instance)
    if config.arrivals_per_minute == 0:
        assert len(instance.changes) == 0


@settings(max_examples=30, deadline=None)
@given(instance=instances(), rate=st.sampled_from([1.0, 30.0]), seed=st.integers(0, 99))
def test_so_it_is_on_clusters_of_any_sizes(instance, rate, seed):
    check_changes(with_changes(instance, VmConfig(arrivals_per_minute=rate), np.random.default_rng(seed)))


@pytest.mark.parametrize("rate", [2.0, 9.0])
def test_about_as_many_vms_come_a_minute_as_asked_and_as_many_leave(rate):
    coming, leaving = [], []
    for seed in range(10):
        instance = of_preset("medium-high", seed, arrivals_per_minute=rate)
        coming.append((instance.changes.leaves < 0).sum())
        leaving.append((instance.changes.leaves >= 0).sum())
        after = check_changes(instance).sum() / instance.capacity.sum()
        assert 1 - after == pytest.approx(utilisation(instance), abs=0.02)
    assert np.mean(coming) == pytest.approx(10 * rate, rel=0.15)
    assert np.mean(leaving) == pytest.approx(10 * rate, rel=0.15)


def test_changes_last_as_long_as_the_delay():
    changes = drawn(VmConfig(delay=3600.0)).changes
    assert 3000 < changes.time[-1] <= 3600


def test_given_clusters_get_changes_and_keep_everything_else():
    instance = replace(drawn(VmConfig(arrivals_per_minute=0.0)))
    changed = with_changes(instance, VmConfig(), np.random.default_rng(0))
    assert len(instance.changes) == 0
    assert len(changed.changes) > 50
    for one, other in zip(everything(instance)[:14], everything(changed)[:14], strict=True):
        np.testing.assert_array_equal(one, other)
