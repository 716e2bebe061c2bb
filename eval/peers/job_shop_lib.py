"""Steps per second of job-shop-lib's graph environment. Arguments: instance name, its file, seconds, batch."""

import json
import random
import sys
import time
from importlib import metadata

# run as a script, this file's own folder comes first on the path and would shadow the package of the same name
sys.path.pop(0)
from job_shop_lib.benchmarking import load_benchmark_instance
from job_shop_lib.dispatching.feature_observers import FeatureObserverType
from job_shop_lib.graphs import build_resource_task_graph
from job_shop_lib.reinforcement_learning import SingleJobShopGraphEnv


def main() -> None:
    """Print one line of JSON; a random legal policy plays."""
    instance, seconds = sys.argv[1], float(sys.argv[3])
    env = SingleJobShopGraphEnv(
        build_resource_task_graph(load_benchmark_instance(instance)),
        feature_observer_configs=[
            FeatureObserverType.DURATION,
            FeatureObserverType.EARLIEST_START_TIME,
            FeatureObserverType.REMAINING_OPERATIONS,
            FeatureObserverType.IS_READY,
        ],
    )
    draw = random.Random(0).random
    steps = 0
    _, info = env.reset()
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        legal = info["available_operations_with_ids"]
        _, machine, job = legal[int(draw() * len(legal))]
        _, _, done, _, info = env.step((job, machine))
        steps += 1
        if done:
            _, info = env.reset()
    rate = steps / (time.perf_counter() - began)
    ways = {"graph environment": {"steps_per_second": rate, "operations_per_second": rate}}
    print(json.dumps({"version": metadata.version("job-shop-lib"), "ways": ways}))


main()
