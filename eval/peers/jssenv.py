"""Steps per second of JSSEnv with a random legal policy. Arguments: instance name, its file, seconds, batch."""

import json
import random
import sys
import time
from importlib import metadata
from pathlib import Path

import JSSEnv
from JSSEnv.envs.jss_env import JssEnv


def main() -> None:
    """Print one line of JSON."""
    instance, seconds = sys.argv[1], float(sys.argv[3])
    env = JssEnv({"instance_path": str(Path(JSSEnv.__file__).parent / "envs" / "instances" / instance)})
    draw = random.Random(0).random
    steps = operations = 0
    observation = env.reset()
    waiting = env.jobs  # the action after those of the jobs moves the clock
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        legal = observation["action_mask"].nonzero()[0]
        action = int(legal[int(draw() * len(legal))])
        observation, _, done, _, _ = env.step(action)
        steps += 1
        operations += action != waiting
        if done:
            observation = env.reset()
    passed = time.perf_counter() - began
    ways = {"": {"steps_per_second": steps / passed, "operations_per_second": operations / passed}}
    print(json.dumps({"version": metadata.version("JSSEnv"), "ways": ways}))


main()
