"""Steps per second of JSSEnv with a random legal policy. Arguments: instance name, seconds."""

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
    instance, seconds = sys.argv[1], float(sys.argv[2])
    env = JssEnv({"instance_path": str(Path(JSSEnv.__file__).parent / "envs" / "instances" / instance)})
    draw = random.Random(0).random
    steps = 0
    observation = env.reset()
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        legal = observation["action_mask"].nonzero()[0]
        observation, _, done, _, _ = env.step(int(legal[int(draw() * len(legal))]))
        steps += 1
        if done:
            observation = env.reset()
    rate = steps / (time.perf_counter() - began)
    print(json.dumps({"version": metadata.version("JSSEnv"), "steps_per_second": rate}))


main()
