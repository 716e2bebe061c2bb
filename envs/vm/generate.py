"""Random clusters: packed tightly with the VMs of a real one, then stirred by VMs that come and go.

The recipe, its parameters and how well it matches published statistics are in ``data/SOURCES.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..core.config import drawn_integer, drawn_number
from .catalog import MIXES, NODE_CORES, NODE_MEMORY, Mix
from .churn import Population, churn, pack
from .config import VmConfig
from .instance import NODES, Changes, VmInstance, Whole

HORIZON = 600.0
"""Seconds of comings and goings that an instance brings along, at least."""

SPARE = 1.4  # the most VMs of a random cluster, in units of those that a full cluster has on average


def most_vms(config: VmConfig, pms: int) -> int:
    """The most VMs that a random cluster of so many PMs has; more are turned away."""
    kinds = MIXES[config.mix].kinds
    mean = sum(kind.count * kind.cores for kind in kinds) / sum(kind.count for kind in kinds)
    return int(SPARE * pms * NODES * NODE_CORES / mean) + 40


def random_clusters(config: VmConfig) -> Callable[[np.random.Generator], VmInstance]:
    """A sampler of random clusters."""
    return lambda rng: random_cluster(config, rng)


def random_cluster(config: VmConfig, rng: np.random.Generator) -> VmInstance:
    """A random cluster: see :class:`VmConfig`."""
    mix = MIXES[config.mix]
    pms = drawn_integer(config, "num_pms", rng)
    target = drawn_number(config, "utilisation", rng)
    stirring = drawn_number(config, "churn", rng)
    mnl = drawn_integer(config, "mnl", rng)
    kinds = np.array([(kind.cores // kind.nodes, kind.memory // kind.nodes, kind.nodes) for kind in mix.kinds])
    share = np.array([kind.count for kind in mix.kinds], np.float64)
    share /= share.sum()
    reserve = _reserve(mix, pms, rng)
    population = Population(
        NODE_CORES - reserve, np.full((pms, NODES), NODE_MEMORY), np.zeros((most_vms(config, pms), 4), np.int64), 0, 0
    )
    wanted = rng.choice(len(kinds), size=most_vms(config, pms), p=share)
    cores = kinds[wanted, 0] * kinds[wanted, 2]
    enough = int((np.cumsum(cores) <= population.free.sum()).sum())
    # the large ones first; what follows fills the gaps that they leave
    by_size = np.argsort(-cores[:enough], kind="stable")
    order = np.concatenate((wanted[by_size], wanted[enough:]))
    pack(population, kinds, order, rng.random((len(order), 3)))
    population.free += reserve
    events = round(stirring * population.count)
    _stir(population, kinds, rng.choice(len(kinds), size=events, p=share), target, config, rng)
    return _instance(config, population, kinds, mnl, rng)


def _reserve(mix: Mix, pms: int, rng: np.random.Generator) -> Whole:
    """Cores that stay free at first on each NUMA node, as in the real cluster, int64 ``[P, 2]``."""
    pairs = np.array(mix.free)
    chosen: Whole = pairs[rng.choice(len(pairs), size=pms, p=pairs[:, 2] / pairs[:, 2].sum()), :2]
    return rng.permuted(chosen, axis=1)


def _stir(
    population: Population, kinds: Whole, coming: Whole, target: float, config: VmConfig, rng: np.random.Generator
) -> Whole:
    """Let VMs come and go; returns what happened, see :func:`.churn.churn`."""
    here = kinds[population.vms[: population.count, 0]]
    total = int(population.free.sum() + (here[:, 0] * here[:, 2]).sum())
    record = np.zeros((len(coming), 4), np.int64)
    counts = np.array([population.count, population.born, total])
    churn(
        population.free, population.memory, population.vms, counts, kinds, coming, rng.random((len(coming), 4)), target,
        config.tight == "pm", config.tight_share, record,
    )  # fmt: skip
    population.count, population.born = int(counts[0]), int(counts[1])
    return record


def _instance(config: VmConfig, population: Population, kinds: Whole, mnl: int, rng: np.random.Generator) -> VmInstance:
    mix = MIXES[config.mix]
    vms = population.vms[: population.count]
    vms = vms[np.lexsort((vms[:, 3], vms[:, 2], vms[:, 1]))]  # in the order of their hosts
    count, pms = len(vms), len(population.free)
    kind = vms[:, 0]
    movable = rng.random(count) >= config.immovable
    group = _groups(vms[:, 1], config, rng)
    instance = VmInstance(
        name=f"{config.mix}-{pms}pm",
        pm_names=tuple(f"pm_{pm}" for pm in range(pms)),
        capacity=np.full((pms, NODES), NODE_CORES),
        memory_capacity=np.full((pms, NODES), NODE_MEMORY),
        vm_names=tuple(f"vm_{vm}" for vm in range(count)),
        flavour=tuple(mix.kinds[index].flavour for index in kind),
        cpu=kinds[kind, 0],
        memory=kinds[kind, 1],
        nodes=kinds[kind, 2],
        host=vms[:, 1].copy(),
        node=vms[:, 2].copy(),
        movable=movable,
        group=group,
        rack=np.zeros(pms, np.int64),
        terms=config.terms(mnl),
    )
    return with_changes(instance, config, rng)


def _groups(host: Whole, config: VmConfig, rng: np.random.Generator) -> Whole:
    """Anti-affinity groups of ``affinity + 1`` VMs on as many PMs; -1 for the VMs in none."""
    group = np.full(len(host), -1)
    if config.affinity == 0:
        return group
    members = rng.permutation(len(host))[: int(config.affinity_share * len(host))].tolist()
    number = 0
    while members:
        taken: list[int] = []
        hosts: set[int] = set()
        for vm in members:
            if host[vm] not in hosts:
                taken.append(vm)
                hosts.add(host[vm])
            if len(taken) == config.affinity + 1:
                break
        if len(taken) < 2:
            break
        group[taken] = number
        number += 1
        chosen = set(taken)
        members = [vm for vm in members if vm not in chosen]
    return group


def with_changes(instance: VmInstance, config: VmConfig, rng: np.random.Generator) -> VmInstance:
    """The instance with VMs that come and go while a plan is computed, at least for ten minutes.

    They come at random times (a Poisson process of twice the rate at which VMs come), are like those that are there,
    and go where the configuration says; as many leave as keeps the cluster as full as it is.
    """
    if config.arrivals_per_minute == 0 or instance.num_vms == 0:
        return instance
    seconds = max(HORIZON, config.delay)
    number = int(rng.poisson(2 * config.arrivals_per_minute * seconds / 60))
    time = np.sort(rng.uniform(0, seconds, number))
    demand = np.stack([instance.cpu, instance.memory, instance.nodes], axis=1)
    kinds, kind = np.unique(demand, axis=0, return_inverse=True)
    count = instance.num_vms
    vms = np.zeros((count + number, 4), np.int64)
    vms[:count] = np.stack([kind.reshape(-1), instance.host, instance.node, np.arange(count)], axis=1)
    population = Population(instance.free(), instance.free_memory(), vms, count, count)
    total = int(instance.capacity.sum())
    target = 1 - int(population.free.sum()) / total if total else 0.0
    coming = kind.reshape(-1)[rng.integers(count, size=number)]
    record = _stir(population, kinds, coming, target, config, rng)
    return replace(instance, changes=_recorded(record, time, kinds, count))


def _recorded(record: Whole, time: np.ndarray, kinds: Whole, count: int) -> Changes:
    """What happened, without those who were turned away and with VMs that come and leave again as both left out."""
    born = count + np.cumsum(record[:, 1] >= 0) - 1
    gone_again = set(record[record[:, 0] >= count, 0].tolist())
    comes = (record[:, 1] >= 0) & ~np.isin(born, list(gone_again))
    leaves = (record[:, 0] >= 0) & (record[:, 0] < count)
    kept = comes | leaves
    kind = kinds[np.maximum(record[kept, 3], 0)]
    kind = np.where(comes[kept][:, None], kind, 0)
    return Changes(
        time[kept], np.where(leaves[kept], record[kept, 0], -1), np.where(comes[kept], record[kept, 1], -1),
        np.maximum(record[kept, 2], 0), kind[:, 0], kind[:, 1], kind[:, 2],
    )  # fmt: skip
