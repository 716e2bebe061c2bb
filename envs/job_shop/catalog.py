"""Instances that are built in by name, and the best known bounds on their makespans."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from ..core.errors import unknown_name
from .generate import taillard_instance
from .instance import JobShopInstance


@dataclass(frozen=True)
class KnownMakespan:
    """Published bounds on an instance's optimal makespan; equal where the optimum is proved.

    Attributes:
        lower: Best proved lower bound.
        upper: Best known makespan.
        source: Who found the upper bound, and when.
    """

    lower: int
    upper: int
    source: str


def _data(name: str) -> Any:
    return files(__package__ or "").joinpath("data", name).open(encoding="utf-8")


@cache
def _taillard_seeds() -> dict[str, tuple[int, int, int, int]]:
    with _data("taillard_seeds.csv") as file:
        return {
            row["instance"]: (int(row["jobs"]), int(row["machines"]), int(row["time_seed"]), int(row["machine_seed"]))
            for row in csv.DictReader(file)
        }


@cache
def _classic_lines() -> dict[str, str]:
    with _data("classic_instances.txt") as file:
        return {name: numbers for name, _, numbers in (line.partition(" ") for line in file if line[0] != "#")}


@cache
def known_makespans() -> dict[str, KnownMakespan]:
    """Best known bounds by instance name (see ``data/SOURCES.md``)."""
    with _data("best_known_makespans.csv") as file:
        return {
            row["instance"]: KnownMakespan(
                int(row["lower"]),
                int(row["upper"]),
                f"{row['upper_by']} {row['upper_date']}, via ScheduleOpt 2026-08-19",
            )
            for row in csv.DictReader(file)
        }


def instance_names() -> list[str]:
    """All built-in names: the classic sets, then ta01-ta80."""
    return [*_classic_lines(), *_taillard_seeds()]


@cache
def named_instance(name: str) -> JobShopInstance:
    """A built-in instance.

    Raises:
        InputError: There is none of that name.
    """
    if name in _taillard_seeds():
        return taillard_instance(*_taillard_seeds()[name], name=name)
    if name in _classic_lines():
        numbers = np.array(_classic_lines()[name].split(), np.int64)
        pairs = numbers[2:].reshape(numbers[0], -1, 2)
        return JobShopInstance.from_matrices(pairs[..., 1], pairs[..., 0], name=name)
    raise unknown_name("instance", name, instance_names())
