"""95 % intervals of a benchmark's numbers: SciPy's bootstrap over instances, Wilson's interval of a share."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BOOTSTRAP_RESAMPLES = 10_000
RESAMPLES_AT_ONCE = 500  # so that thousands of rows do not need a matrix of gigabytes
LEVEL = 0.95

Interval = tuple[float, float]


def mean_interval(values: Sequence[float], seed: int = 0) -> Interval | None:
    """Bootstrap interval of a mean: percentiles of 10,000 resamples with a fixed seed.

    Of the differences of two agents on the same instances this is the paired interval.

    Args:
        values: Of the instances.
        seed: Of the resamples.

    Returns:
        ``None`` below two values.
    """
    if len(values) < 2:
        return None
    return _bootstrap((np.asarray(values, float),), _mean, seed)


def ratio_interval(above: Sequence[float], below: Sequence[float], seed: int = 0) -> Interval | None:
    """Bootstrap interval of ``sum(above) / sum(below)``, both resampled by the same instances.

    Args:
        above: A number of each instance.
        below: Another one of each, in the same order.
        seed: Of the resamples.

    Returns:
        ``None`` below two values, or where a resample's divisor is not positive: the ratio then has no interval.
    """
    if len(above) < 2:
        return None
    return _bootstrap((np.asarray(above, float), np.asarray(below, float)), _ratio, seed)


def share_interval(count: int, total: int) -> Interval | None:
    """Wilson's interval of a share, which is not empty where all or none of a few count; ``None`` of nothing.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if total == 0:
        return None
    from scipy import stats  # takes a second to load, which `schedlab --help` need not wait

    found = stats.binomtest(count, total).proportion_ci(LEVEL, method="wilson")
    return float(found.low), float(found.high)


def _mean(values: NDArray[np.float64], axis: int = -1) -> Any:
    return values.mean(axis=axis)


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64], axis: int = -1) -> Any:
    sums = below.sum(axis=axis)
    return np.divide(above.sum(axis=axis), sums, out=np.full_like(sums, np.nan), where=sums > 0)


def _bootstrap(samples: tuple[NDArray[np.float64], ...], statistic: Any, seed: int) -> Interval | None:
    if all(np.ptp(sample) == 0 for sample in samples):
        # every resample is the sample itself; SciPy would warn
        value = float(statistic(*samples))
        return (value, value) if np.isfinite(value) else None
    from scipy import stats

    with warnings.catch_warnings():
        # two samples of which one is always half of the other have a ratio without spread, which is no mistake
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            samples,
            statistic,
            n_resamples=BOOTSTRAP_RESAMPLES,
            batch=RESAMPLES_AT_ONCE,
            vectorized=True,
            paired=len(samples) > 1,
            confidence_level=LEVEL,
            method="percentile",
            rng=np.random.default_rng(seed),
        ).confidence_interval
    low, high = float(found.low), float(found.high)
    return (low, high) if np.isfinite([low, high]).all() else None
