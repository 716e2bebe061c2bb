"""Steps per second of jumanji's job shop on the CPU. Arguments: instance name, its file, seconds, batch.

A step of jumanji is a unit of time, in which every machine is told what to do; so operations are counted, too. The
policy is a random legal job wherever a machine can start one: with random waiting episodes would end in a standstill.
"""

import json
import sys
import time
from importlib import metadata

# run as a script, this file's own folder comes first on the path and would shadow the package of the same name
sys.path.pop(0)
import jax
import jax.numpy as jnp
import numpy as np
from jumanji.environments import JobShop
from jumanji.environments.packing.job_shop.generator import Generator
from jumanji.environments.packing.job_shop.types import State

SCANNED = 100  # steps of one compiled call


class FixedInstance(Generator):
    """Always the same instance, so that all packages play the same."""

    def __init__(self, path: str) -> None:
        with open(path, encoding="utf-8") as file:
            lines = [line.split() for line in file if line.strip() and not line.startswith("#")]
        pairs = np.array(lines[1:], np.int32).reshape(len(lines) - 1, -1, 2)
        self.machines, self.durations = jnp.array(pairs[..., 0]), jnp.array(pairs[..., 1])
        jobs, operations = self.machines.shape
        super().__init__(jobs, int(pairs[..., 0].max()) + 1, operations, int(pairs[..., 1].max()))

    def __call__(self, key: jax.Array) -> State:
        """The state before the first step."""
        return State(
            ops_machine_ids=self.machines,
            ops_durations=self.durations,
            ops_mask=jnp.ones(self.machines.shape, bool),
            machines_job_ids=jnp.full(self.num_machines, self.num_jobs, jnp.int32),
            machines_remaining_times=jnp.zeros(self.num_machines, jnp.int32),
            action_mask=None,
            step_count=jnp.array(0, jnp.int32),
            scheduled_times=jnp.full(self.machines.shape, -1, jnp.int32),
            key=key,
        )


def main() -> None:
    """Print one line of JSON."""
    path, seconds, batch = sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    env = JobShop(FixedInstance(path))

    def choose(mask: jax.Array, key: jax.Array) -> jax.Array:
        """A random legal job for every machine that can start one, else the action of waiting, int ``[M]``."""
        scores = jax.random.uniform(key, mask.shape).at[:, -1].set(-0.5)
        return jnp.where(mask, scores, -1.0).argmax(axis=1)

    def advance(state: State, key: jax.Array) -> tuple[State, tuple[jax.Array, jax.Array]]:
        """One step, and a new episode where it was the last; also says how many operations it started."""
        left = state.ops_mask.sum()
        state, timestep = env.step(state, choose(state.action_mask, key))
        started = left - state.ops_mask.sum()
        fresh, _ = env.reset(key)
        state = jax.tree.map(lambda new, old: jnp.where(timestep.last(), new, old), fresh, state)
        return state, (started, timestep.observation.action_mask.any())

    ways = {
        "jit, one by one": _one_by_one(env, jax.jit(advance), seconds),
        f"jit, vmap of {batch}, {SCANNED} steps a call": _scanned(env, advance, batch, seconds),
    }
    print(json.dumps({"version": metadata.version("jumanji"), "ways": ways}))


def _one_by_one(env: JobShop, advance: object, seconds: float) -> dict[str, float]:
    """Every step is a call from Python, as where the learner is no JAX program."""
    keys = list(jax.random.split(jax.random.PRNGKey(0), 1000))
    state, _ = jax.jit(env.reset)(keys[0])
    jax.block_until_ready(advance(state, keys[0]))
    steps = operations = 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        state, (started, _) = advance(state, keys[steps % len(keys)])
        operations += int(started)  # also waits for the step, whose observation an agent would read
        steps += 1
    passed = time.perf_counter() - began
    return {"steps_per_second": steps / passed, "operations_per_second": operations / passed}


def _scanned(env: JobShop, advance: object, batch: int, seconds: float) -> dict[str, float]:
    """Many environments and steps in one compiled call, as jumanji is meant to be used."""

    def many(states: State, key: jax.Array) -> tuple[State, tuple[jax.Array, jax.Array]]:
        return jax.vmap(advance)(states, jax.random.split(key, batch))

    run = jax.jit(lambda states, key: jax.lax.scan(many, states, jax.random.split(key, SCANNED)))
    states, _ = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.PRNGKey(0), batch))
    jax.block_until_ready(run(states, jax.random.PRNGKey(1)))
    calls = operations = 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        states, (started, _) = run(states, jax.random.PRNGKey(calls))
        operations += int(started.sum())
        calls += 1
    passed = time.perf_counter() - began
    steps = calls * SCANNED * batch
    return {"steps_per_second": steps / passed, "operations_per_second": operations / passed}


main()
