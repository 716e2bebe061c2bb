"""Steps per second of graph-jsp-env with a random legal policy. Arguments: instance name, its file, seconds, batch."""

import json
import random
import sys
import time
from importlib import metadata

# run as a script, this file's own folder comes first on the path and would shadow the package of the same name
sys.path.pop(0)
import numpy as np
from graph_jsp_env.disjunctive_graph_jsp_env import DisjunctiveGraphJspEnv


def read_instance(path: str) -> np.ndarray:
    """Machines and durations in the package's order, int ``[2, jobs, operations]``, from the standard format."""
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith("#")]
    pairs = np.array(lines[1:], int).reshape(len(lines) - 1, -1, 2)
    return pairs.transpose(2, 0, 1)


def main() -> None:
    """Print one line of JSON."""
    path, seconds = sys.argv[2], float(sys.argv[3])
    env = DisjunctiveGraphJspEnv(read_instance(path), action_mode="job", env_transform="mask")
    draw = random.Random(0).random
    steps = 0
    observation, _ = env.reset()
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        legal = observation["action_mask"].nonzero()[0]
        observation, _, done, _, _ = env.step(int(legal[int(draw() * len(legal))]))
        steps += 1
        if done:
            observation, _ = env.reset()
    rate = steps / (time.perf_counter() - began)
    ways = {"": {"steps_per_second": rate, "operations_per_second": rate}}
    print(json.dumps({"version": metadata.version("graph-jsp-env"), "ways": ways}))


main()
