"""Steps per second of RL4CO's job shop on the CPU. Arguments: instance name, its file, seconds, batch."""

import json
import sys
import time
from importlib import metadata

# run as a script, this file's own folder comes first on the path and would shadow the package of the same name
sys.path.pop(0)
import torch
from rl4co.envs.scheduling.jssp.env import JSSPEnv
from tensordict import TensorDict


def read_instance(path: str, batch: int) -> tuple[TensorDict, int, int]:
    """The instance ``batch`` times as RL4CO's generators give it, its jobs and its machines."""
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith("#")]
    pairs = torch.tensor([[int(word) for word in line] for line in lines[1:]]).reshape(len(lines) - 1, -1, 2)
    jobs, length, _ = pairs.shape
    times = torch.zeros(int(pairs[..., 0].max()) + 1, jobs * length)
    times[pairs[..., 0].flatten(), torch.arange(jobs * length)] = pairs[..., 1].flatten().float()
    starts = torch.arange(jobs) * length
    values = {
        "start_op_per_job": starts,
        "end_op_per_job": starts + length - 1,
        "proc_times": times,
        "pad_mask": torch.zeros(jobs * length, dtype=torch.bool),
    }
    repeated = {name: value.expand(batch, *value.shape).clone() for name, value in values.items()}
    return TensorDict(repeated, [batch]), jobs, times.shape[0]


def rate(path: str, batch: int, seconds: float) -> dict[str, float]:
    """Random legal jobs in ``batch`` environments side by side."""
    instances, jobs, machines = read_instance(path, batch)
    env = JSSPEnv(generator_params={"num_jobs": jobs, "num_machines": machines})
    state = env.reset(instances)
    steps, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        state["action"] = torch.multinomial(state["action_mask"].float(), 1).squeeze(1)
        state = env.step(state)["next"]
        steps += batch
        if state["done"].all():
            state = env.reset(instances)
    found = steps / (time.perf_counter() - began)
    return {"steps_per_second": found, "operations_per_second": found}


def main() -> None:
    """Print one line of JSON."""
    path, seconds, batch = sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    torch.manual_seed(0)
    rate(path, 1, 0.1)
    ways = {f"batch {size}": rate(path, size, seconds) for size in (1, batch)}
    print(json.dumps({"version": metadata.version("rl4co"), "ways": ways}))


main()
