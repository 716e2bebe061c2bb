"""Hypothesis strategies for small runs."""

import numpy as np
from hypothesis import strategies as st

from schedlab.envs.dynamic_job_shop import DynamicJobShopInstance
from schedlab.envs.dynamic_job_shop.instance import NEVER
from schedlab.envs.job_shop import JobShopInstance


@st.composite
def runs(draw, breakdowns=True, max_jobs=8):
    """Small runs: jobs of unequal length that may revisit machines, equal release dates, breakdowns, any cohort."""
    machines = draw(st.integers(1, 3))
    count = draw(st.integers(1, max_jobs))
    operation = st.tuples(st.integers(0, machines - 1), st.integers(1, 6))
    jobs = [draw(st.lists(operation, min_size=1, max_size=3)) for _ in range(count)]
    release = sorted(draw(st.lists(st.integers(0, 15), min_size=count, max_size=count)))
    numbers = st.lists(st.integers(0, 30), min_size=count, max_size=count)
    weight = draw(st.lists(st.integers(0, 4), min_size=count, max_size=count))
    shop = JobShopInstance.from_jobs(jobs, machines, release=release, due=draw(numbers), weight=weight, name="drawn")
    first = draw(st.integers(0, count - 1))
    last = draw(st.integers(first, count - 1))
    times = 2 * draw(st.integers(0, 3)) if breakdowns else 0
    down = np.zeros((machines, times // 2, 2), np.int64)
    for machine in range(machines):
        borders = draw(st.lists(st.integers(0, 60), min_size=times, max_size=times, unique=True))
        down[machine] = np.array(sorted(borders), np.int64).reshape(-1, 2)
        if times and draw(st.booleans()):
            down[machine, -1] = NEVER
    return DynamicJobShopInstance(shop, first, last, down, 3.5, None, 0.05 if times else 0.0)
