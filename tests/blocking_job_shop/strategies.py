"""Random blocking shops for property tests."""

from hypothesis import strategies as st

from schedlab.envs.blocking_job_shop import BlockingInstance, Breakdowns, Terms
from schedlab.envs.job_shop import JobShopInstance


@st.composite
def terms(draw, swap=None):
    """Any rules, failures rare enough that operations which begin anew can end."""
    first = draw(st.integers(1, 6))
    return Terms(
        swap=draw(st.booleans()) if swap is None else swap,
        breakdowns=Breakdowns(
            draw(st.sampled_from([0.0, 0.01, 0.05, 0.2, 0.5])),
            draw(st.sampled_from(["bernoulli", "exponential"])),
            first,
            draw(st.integers(first, 9)),
            draw(st.sampled_from(["resume", "restart", "finish"])),
        ),
    )


@st.composite
def blocking_shops(draw, max_jobs=5, max_machines=4, max_length=5, swap=None):
    """Small shops: machines visited more than once, operations without duration, release dates, any rules."""
    machines = draw(st.integers(1, max_machines))
    count = draw(st.integers(1, max_jobs))
    operation = st.tuples(st.integers(0, machines - 1), st.integers(0, 9))
    jobs = [draw(st.lists(operation, min_size=1, max_size=max_length)) for _ in range(count)]
    release = draw(st.lists(st.sampled_from([0, 0, 3, 12]), min_size=count, max_size=count))
    shop = JobShopInstance.from_jobs(jobs, machines, release=release)
    return BlockingInstance(shop, draw(terms(swap)), draw(st.integers(0, 2**62)))
