"""Random shops for property tests."""

from hypothesis import strategies as st

from schedlab.envs.job_shop import JobShopInstance


@st.composite
def shops(draw, max_jobs=4, max_machines=3, max_length=4):
    """Random small shops with everything optional drawn too."""
    machines = draw(st.integers(1, max_machines))
    count = draw(st.integers(1, max_jobs))
    operation = st.tuples(st.integers(0, machines - 1), st.integers(0, 9))
    jobs = [draw(st.lists(operation, min_size=1, max_size=max_length)) for _ in range(count)]
    times = st.lists(st.integers(0, 12), min_size=count, max_size=count)
    return JobShopInstance.from_jobs(jobs, machines, release=draw(times), due=draw(times), weight=draw(times))
