"""How costs spread over the jobs of a solution: quantiles per row, kept beside the results, averaged for a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..envs.core.errors import InputError
from ..envs.core.files import write_atomically
from .json_files import Fields, is_number, read_json
from .results import Row, RowKey

DISTRIBUTIONS_FILE = "distributions.json"
LEVELS = np.linspace(0, 1, 1001)
"""Of the quantiles: every solution is kept with the same number of values, however many jobs it has."""

MAX_DISTRIBUTIONS_BYTES = 1024 * 2**20  # up to 20 kB for a row
MAX_POINTS = 2000  # of a line; more cannot be told apart in a picture

Quantiles = NDArray[np.float64]


def cost_quantiles(costs: NDArray[np.float64]) -> Quantiles:
    """Quantiles of job costs at :data:`LEVELS`, float64 ``[1001]``.

    They are costs that occur: interpolating between an early job and a late one would invent tardiness.
    """
    return np.quantile(costs, LEVELS, method="inverted_cdf")


def share_above(quantiles: Quantiles, thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the jobs whose cost exceeds each threshold, to a thousandth.

    Args:
        quantiles: As :func:`cost_quantiles` gives them.
        thresholds: Costs ``[T]``.

    Returns:
        Fractions ``[T]``.
    """
    # the level 0 stands for no jobs: each of the others speaks for a thousandth of them
    sample = quantiles[1:]
    below = np.searchsorted(sample, thresholds, side="right")
    return 1 - below / len(sample)


def mean_shares_above(
    rows: Sequence[Row], distributions: Mapping[RowKey, Quantiles]
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Per agent, the share of jobs above a cost: the mean over instances, each the mean over its seeds.

    Args:
        rows: The rows; those without a distribution are left out.
        distributions: Quantiles by the rows' keys.

    Returns:
        Costs ``[T]``, increasing from 0, and each agent's shares ``[T]``.
    """
    known = [row for row in rows if row.key in distributions]
    costs = np.unique(np.concatenate([[0.0], *(np.unique(distributions[row.key]) for row in known)]))
    if len(costs) > MAX_POINTS:
        # half of them where the jobs are, half where a logarithmic axis shows the few late ones
        ranks = np.linspace(0, len(costs) - 1, MAX_POINTS // 2).astype(int)
        costs = np.unique(np.concatenate([costs[ranks], np.geomspace(costs[1], costs[-1], MAX_POINTS // 2)]))
    shares: dict[str, dict[str, list[NDArray[np.float64]]]] = {}
    for row in known:
        by_instance = shares.setdefault(row.agent, {})
        by_instance.setdefault(row.instance, []).append(share_above(distributions[row.key], costs))
    means = {
        agent: np.mean([np.mean(found, axis=0) for found in by_instance.values()], axis=0)
        for agent, by_instance in shares.items()
    }
    return costs, means


def write_distributions(folder: Path, distributions: Mapping[RowKey, Quantiles]) -> None:
    """Write ``distributions.json``: a list of objects with instance, agent, seed and 1001 quantiles."""
    items = [
        {"instance": instance, "agent": agent, "seed": seed, "quantiles": quantiles.tolist()}
        for (instance, agent, seed), quantiles in distributions.items()
    ]
    write_atomically(folder / DISTRIBUTIONS_FILE, json.dumps(items, separators=(",", ":")) + "\n")


def read_distributions(folder: Path) -> dict[RowKey, Quantiles]:
    """The distributions of a results folder; none where the run that wrote it kept none.

    Raises:
        InputError: ``distributions.json`` is not one of ours.
    """
    path = folder / DISTRIBUTIONS_FILE
    if not path.exists():
        return {}
    data = read_json(path, "a distributions file of schedlab", MAX_DISTRIBUTIONS_BYTES)
    found: dict[RowKey, Quantiles] = {}
    try:
        if not isinstance(data, list):
            raise ValueError("must hold a list")
        for number, item in enumerate(data, 1):
            own = Fields(item, f"item {number}")
            key = own.text("instance"), own.text("agent"), own.integer("seed")
            found[key] = quantiles_from_json(own.items("quantiles"), f"item {number}")
            own.end()
    except ValueError as error:
        raise InputError(f"{path}: not a distributions file of schedlab ({error})") from None
    return found


def quantiles_from_json(data: Any, where: str) -> Quantiles:
    """Quantiles from a file, checked: 1001 finite numbers, none negative, none smaller than the one before.

    Args:
        data: The JSON value.
        where: It stands, for the message.

    Raises:
        ValueError: It is something else, in one line.
    """
    if not isinstance(data, list) or len(data) != len(LEVELS) or not all(map(is_number, data)):
        raise ValueError(f"{where}: quantiles must be a list of {len(LEVELS)} finite numbers")
    quantiles = np.array(data, np.float64)
    if quantiles[0] < 0 or (np.diff(quantiles) < 0).any():
        raise ValueError(f"{where}: quantiles must not be negative and not decrease")
    return quantiles
