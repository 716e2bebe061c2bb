"""Platforms and applications that are built in by name (see ``data/SOURCES.md``)."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..core.errors import InputError, unknown_name
from ..core.files import read_text
from ..core.instances import looks_like_a_path
from ..core.json_text import parse_json
from .application import Application
from .formats import application_from, check_table, entries, platform_from
from .platform import Platform

PLATFORMS = ("ds3", "ds3-cores", "three-pe", "three-pe-peft")

HOME = {"canonical": "three-pe", "peft": "three-pe-peft"}
"""The platforms of the single jobs; the others run on :data:`DS3`, and top1 to top10 on the canonical one."""


def _data(name: str) -> Any:
    return json.loads(files(__package__ or "").joinpath("data", f"{name}.json").read_text(encoding="utf-8"))


@cache
def applications() -> dict[str, Application]:
    """The built-in applications, by name."""
    data = _data("applications")["applications"]
    return {item["name"]: application_from(item, "applications.json") for item in data}


@cache
def _built_in_platform(name: str) -> Platform:
    return platform_from(_data(name), f"{name}.json")


def home_of(application: str) -> Platform:
    """The platform on which the literature runs an application."""
    name = "three-pe" if application.startswith("top") else HOME.get(application, "ds3")
    return _built_in_platform(name)


def find_platform(name_or_path: str) -> Platform:
    """A built-in platform, or one from a JSON file.

    Raises:
        InputError: Neither, or the file is wrong.
    """
    if name_or_path in PLATFORMS:
        return _built_in_platform(name_or_path)
    if not looks_like_a_path(name_or_path):
        raise unknown_name("platform", name_or_path, PLATFORMS)
    data = read_json(Path(name_or_path))
    return platform_from(data.get("platform", data), name_or_path)


def find_applications(name_or_path: str) -> list[Application]:
    """A built-in application, or those of a JSON file.

    Raises:
        InputError: Neither, or the file is wrong.
    """
    known = applications()
    if name_or_path in known:
        return [known[name_or_path]]
    if not looks_like_a_path(name_or_path):
        raise unknown_name("application", name_or_path, known)
    data = read_json(Path(name_or_path))
    found = entries(data, "applications", name_or_path) if "applications" in data else [data]
    if not found:
        raise InputError(f"{name_or_path}: 'applications' is empty; list at least one")
    return [application_from(item, name_or_path) for item in found]


def read_json(path: Path) -> dict[str, Any]:
    """The table in a JSON file.

    Raises:
        InputError: The file is missing, or holds something else.
    """
    return check_table(parse_json(read_text(path), str(path)), str(path))
