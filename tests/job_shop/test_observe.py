"""Observations: in their bounds always, and equal to a plain-Python reading of the documentation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.envs.job_shop import BUILDERS, OBJECTIVES, PROBLEM, JobShopConfig, kernels
from schedlab.envs.job_shop.observe import (
    CANDIDATE_FEATURES,
    CONTEXT_FEATURES,
    DUE_DATE_FEATURES,
    LOOK_AHEAD_FEATURES,
    NODE_FEATURES,
)

from .strategies import shops


def described(instance, simulator) -> np.ndarray:
    """Candidate features by their descriptions in observe.py, one job at a time."""
    jobs, config_due = instance.jobs(), "tardiness" in simulator.objective_name
    unit = max(instance.duration.mean(), 1)
    now, ready, free = int(simulator.clock[0]), simulator.job_ready[0], simulator.machine_ready[0]
    left_of = simulator.remaining_operations[0]
    position = [len(job) - int(count) for job, count in zip(jobs, left_of, strict=False)]
    ahead = {j: jobs[j][p] for j, p in enumerate(position) if p < len(jobs[j])}
    rest = {j: sum(d for _, d in jobs[j][position[j] :]) for j in range(len(jobs))}
    load = [0] * instance.num_machines
    for j in ahead:
        for machine, duration in jobs[j][position[j] :]:
            load[machine] += duration
    start = {j: max(int(ready[j]), int(free[m])) for j, (m, _) in ahead.items()}
    span = [start[j] + rest[j] for j in ahead] + [int(ready[j]) for j in range(len(jobs)) if j not in ahead]
    left = max([*span, *(int(free[m]) + load[m] for m in range(instance.num_machines))]) - now
    # before the first step the bound on the machines does not know release dates; it only ever rises
    left = max(left, int(simulator._numbers[0, kernels.ROW, kernels.SPAN]) - now, 1)
    legal = simulator.action_mask[0]
    names = simulator.spec.candidate_features
    table = np.zeros((len(jobs), len(names)))
    for j, (machine, p) in ahead.items():
        tail = rest[j] - p
        rivals = [i for i in ahead if i != j and ahead[i][0] == machine]
        total = sum(d for _, d in jobs[j])
        after = jobs[j][position[j] + 1] if position[j] + 1 < len(jobs[j]) else None
        due = int(instance.due[j]) if config_due else 0
        release = int(instance.release[j])
        row = {
            "duration": p / unit,
            "wait": (start[j] - now) / unit,
            "ready_gap": (int(ready[j]) - int(free[machine])) / unit,
            "job_work": rest[j] / left,
            "job_tail": tail / left,
            "job_operations": left_of[j] / max(int(left_of[i]) for i in ahead),
            "job_progress": (total - rest[j]) / max(total, 1),
            "job_critical": (start[j] + rest[j] - now) / left,
            "machine_critical": (int(free[machine]) + load[machine] - now) / left,
            "rivals": len(rivals) / len(ahead),
            "rivals_work": sum(ahead[i][1] for i in rivals) / left,
            "rivals_tail": (max((rest[i] - ahead[i][1] for i in rivals), default=0) - tail) / left,
        }
        row["delay"] = (start[j] - min(start[i] for i in ahead if ahead[i][0] == machine)) / unit
        if legal[j] and simulator.arguments[-1]:
            row |= looking_ahead(jobs, position, ready, j, start[j], now, unit, left, len(ahead))
            row |= estimates(jobs, position, free, load, start, j, now, unit, left)
        if after:
            row |= {
                "next_duration": after[1] / unit,
                "next_wait": (int(free[after[0]]) - start[j] - p) / unit,
                "next_machine_critical": (int(free[after[0]]) + load[after[0]] - now) / left,
                "next_queue": sum(1 for i in ahead if i != j and ahead[i][0] == after[0]) / len(ahead),
            }
        if config_due:
            share = (total - tail) / max(total, 1)
            row |= {
                "weight": instance.weight[j] / max(int(instance.weight.max()), 1),
                "slack": (due - start[j] - rest[j]) / left,
                "operation_slack": (release + (due - release) * share - start[j] - p) / unit,
            }
        for name, value in row.items():
            table[j, names.index(name)] = np.clip(value, -10, 10)
    return table


def looking_ahead(jobs, position, ready, j, start, now, unit, left, unfinished) -> dict[str, float]:
    """The features that only legal jobs show."""
    machine, p = jobs[j][position[j]]
    end = start + p
    queued, coming, later, tails = [], [], [], []
    for i, routing in enumerate(jobs):
        for k in range(position[i], len(routing)):
            if routing[k][0] != machine or (i, k) == (j, position[j]):
                continue
            head = (end if i == j else int(ready[i])) + sum(
                d for _, d in routing[position[i] + (1 if i == j else 0) : k]
            )
            tail = sum(d for _, d in routing[k + 1 :])
            tails.append(tail)
            critical = max(end, head) + routing[k][1] + tail
            if k == position[i]:
                queued.append(critical)
            elif head < end:
                coming.append((routing[k][1], critical))
            else:
                later.append(head)
    rest = sum(d for i, r in enumerate(jobs) for m, d in r[position[i] :] if m == machine) - p
    last_tail = min(tails) if tails and rest else sum(d for _, d in jobs[j][position[j] + 1 :])
    return {
        "rivals_critical": max([c - now for c in queued], default=0) / left,
        "machine_bound": (end + rest + last_tail - now) / left,
        "coming": len(coming) / unfinished,
        "coming_work": sum(d for d, _ in coming) / left,
        "coming_critical": max([c - now for _, c in coming], default=0) / left,
        "next_arrival": (min(later) - end) / unit if later else 10,
    }


def estimates(jobs, position, free, load, start, j, now, unit, left) -> dict[str, float]:
    """What happens on the most loaded machines."""
    rest = jobs[j][position[j] + 1 :]
    end = start[j] + jobs[j][position[j]][1]
    queue_work = [
        sum(r[p][1] for r, p in zip(jobs, position, strict=True) if p < len(r) and r[p][0] == m)
        for m in range(len(load))
    ]
    until = [int(free[m]) + load[m] for m in range(len(load))]

    def schrage(machine: int) -> int:
        waiting = []
        for i, routing in enumerate(jobs):
            for k in range(position[i], len(routing)):
                if routing[k][0] != machine or (i, k) == (j, position[j]):
                    continue
                begin = start[i]
                if i != j and routing[position[i]][0] == jobs[j][position[j]][0]:
                    begin = max(begin, end)
                head = begin + sum(d for _, d in routing[position[i] : k])
                waiting.append((head, routing[k][1], sum(d for _, d in routing[k + 1 :])))
        time = end if machine == jobs[j][position[j]][0] else int(free[machine])
        latest = end + sum(d for _, d in rest)
        while waiting:
            available = [item for item in waiting if item[0] <= time]
            if not available:
                time = min(item[0] for item in waiting)
                continue
            tail = max(item[2] for item in available)
            # of equal tails any may go first: completion plus tail is the same, times are not, so follow the kernel
            chosen = next(item for item in waiting if item[0] <= time and item[2] == tail)
            place = waiting.index(chosen)
            time += chosen[1]
            latest = max(latest, time + tail)
            waiting[place] = waiting[-1]
            waiting.pop()
        return latest

    loaded = [m for m in range(len(load)) if load[m] > 0]
    top = max(loaded, key=lambda m: (until[m], -m)) if loaded else 0
    row = {
        "own_estimate": (schrage(jobs[j][position[j]][0]) - now) / left,
        "top_estimate": (schrage(top) - now) / left,
    }
    if rest:
        order = [m for m, _ in rest]
        machine = max(order, key=lambda m: until[m])
        k = order.index(machine)
        arrival = end + sum(d for _, d in rest[:k])
        row |= {
            "next_queue_work": queue_work[order[0]] / left,
            "route_load": (until[machine] - now) / left,
            "route_arrival": (arrival - now) / left,
            "route_tail": sum(d for _, d in rest[k + 1 :]) / left,
            "route_gap": (arrival - int(free[machine]) - queue_work[machine]) / unit,
            "route_estimate": (schrage(machine) - now) / left,
        }
    return row


@settings(max_examples=150, deadline=None)
@given(
    instance=shops(),
    builder=st.sampled_from(BUILDERS),
    objective=st.sampled_from(OBJECTIVES),
    look_ahead=st.booleans(),
    seed=st.integers(0, 99),
)
def test_features_equal_their_descriptions_at_every_step_of_any_episode(instance, builder, objective, look_ahead, seed):
    config = JobShopConfig(builder=builder, objective=objective, look_ahead=look_ahead)
    simulator = PROBLEM.simulator_for([instance], config)
    simulator.reset([instance])
    space, rng = simulator.spec.observation_space(), np.random.default_rng(seed)
    while not simulator.done_count:
        state = simulator.observe()
        flat = {key: part[0].reshape(-1) for key, part in {**state.static(), **state.dynamic()}.items()}
        assert space.contains(flat)
        np.testing.assert_allclose(state.features[0], described(instance, simulator), atol=1e-4)
        simulator.step(np.array([rng.choice(np.flatnonzero(simulator.action_mask[0]))]))
    assert space.contains({**flat, "context": simulator.observe().context[0]})


def test_the_arrays_are_as_wide_as_their_lists_of_names(ft06):
    state = PROBLEM.simulator_for([ft06], JobShopConfig()).observe()
    assert state.nodes.shape[2] == len(NODE_FEATURES)
    assert state.features.shape[2] == len(CANDIDATE_FEATURES) == kernels.BASE_FEATURES
    assert state.context.shape[1] == len(CONTEXT_FEATURES)
    assert len(LOOK_AHEAD_FEATURES) == kernels.LOOK_AHEAD_FEATURES
    assert len(DUE_DATE_FEATURES) == kernels.DUE_DATE_FEATURES


def test_an_agent_for_the_makespan_does_not_see_due_dates(ft06):
    late = ft06.with_due_dates(1.0)
    states = []
    for instance in (ft06, late):
        simulator = PROBLEM.simulator_for([instance], JobShopConfig())
        simulator.reset([instance])
        states.append(simulator.observe())
    for name, part in {**states[0].static(), **states[0].dynamic()}.items():
        np.testing.assert_array_equal(part, {**states[1].static(), **states[1].dynamic()}[name])


@pytest.mark.parametrize("objective", ["total-tardiness", "total-weighted-tardiness"])
def test_an_agent_for_tardiness_does(ft06, objective):
    simulator = PROBLEM.simulator_for([ft06], JobShopConfig(objective=objective))
    simulator.reset([ft06.with_due_dates(1.5)])
    assert simulator.observe().features[0, :, -3].any()
    assert simulator.spec.candidate_features == CANDIDATE_FEATURES + DUE_DATE_FEATURES
