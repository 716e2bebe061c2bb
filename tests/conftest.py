"""Small shops whose optimal schedules are known, and the reference data where it is at hand."""

from pathlib import Path

import pytest

import schedlab  # noqa: F401 (registers the environments)
from schedlab.envs.job_shop import PROBLEM, JobShopConfig, JobShopInstance

ROOT = Path(__file__).parents[1]
for cached in [path for folder in ("envs", "agents") for path in (ROOT / folder).rglob("*.nb[ci]")]:
    # numba looks at the file of a compiled loop only, not at those from which it takes constants or other loops
    sources = [*cached.parents[1].glob("*.py"), *(ROOT / "envs" / cached.parents[1].name).glob("*.py")]
    if any(source.stat().st_mtime > cached.stat().st_mtime for source in sources):
        cached.unlink(missing_ok=True)

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture
def tiny() -> JobShopInstance:
    """Two jobs, two machines: the best makespan, 7, puts job 0 first on machine 0 and job 1 first on machine 1."""
    return JobShopInstance.from_jobs([[(0, 3), (1, 2)], [(1, 4), (0, 3)]], name="tiny")


@pytest.fixture
def odd() -> JobShopInstance:
    """Everything unusual at once: jobs of unequal length, a zero duration, a machine visited twice, release dates."""
    return JobShopInstance.from_jobs(
        [[(0, 3), (1, 0), (0, 2)], [(1, 4)], [(2, 1), (1, 2)]],
        num_machines=4,
        name="odd",
        release=[0, 2, 5],
        due=[6, 5, 9],
        weight=[1, 3, 2],
    )


@pytest.fixture
def ft06() -> JobShopInstance:
    return PROBLEM.load("ft06", JobShopConfig())


@pytest.fixture
def shared_data() -> Path:
    """Published reference data; tests that need it are skipped where it is not."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the reference data are not here")
    return SHARED_DATA
