"""A problem's configuration as command-line options, read off its dataclass and docstring."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from typing import Any, get_args, get_origin, get_type_hints

from ..envs.core.errors import InputError, unknown_name
from ..envs.core.problem import Problem

ATTRIBUTE = re.compile(r"^ {4}(\w+): (.*(?:\n {8,}.*)*)", re.MULTILINE)
RANGE = re.compile(r"(-?[\d.]+)-(-?[\d.]+)")


def attribute_docs(cls: type) -> dict[str, str]:
    """The text of each entry in a docstring's Attributes section."""
    section = (inspect.getdoc(cls) or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    return {name: " ".join(text.split()).replace("``", "") for name, text in ATTRIBUTE.findall(section)}


def add_config_options(
    parser: argparse.ArgumentParser,
    problem: Problem[Any, Any, Any],
    *,
    random_instances: bool = False,
    instance: bool = False,
    instead_of: str = "",
) -> None:
    """Add one option per field of the problem's configuration; only those given on the command line are set.

    Args:
        parser: Where to add them.
        problem: Whose configuration.
        random_instances: Also what only concerns random instances.
        instance: Also which instances to play.
        instead_of: Whose values they replace, for the heading; by default those of the configuration itself.
    """
    title = f"options of {problem.name}"
    group = parser.add_argument_group(f"{title}, instead of {instead_of}" if instead_of else title)
    docs, hints = attribute_docs(problem.config_type), get_type_hints(problem.config_type)
    for field in fields(problem.config_type):
        random_only = "random_instances_only" in field.metadata
        if not (instance if field.name == "instance" else random_instances or not random_only):
            continue
        default = None if field.default is MISSING else field.default
        if hints[field.name] is bool:
            group.add_argument(
                f"--{field.name.replace('_', '-')}",
                dest=f"config_{field.name}",
                default=argparse.SUPPRESS,
                action=argparse.BooleanOptionalAction,
                help=_escape(f"{docs.get(field.name, '')} (default: {'yes' if default else 'no'})"),
            )
            continue
        group.add_argument(
            f"--{field.name.replace('_', '-')}",
            dest=f"config_{field.name}",
            default=argparse.SUPPRESS,
            type=(converter := _converter(hints[field.name])),
            choices=field.metadata.get("choices"),
            metavar=None if "choices" in field.metadata else METAVARS.get(converter, "VALUE"),
            help=_escape(f"{docs.get(field.name, '')} (default: {default})"),
        )


def given_config_values(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the user set of the configuration."""
    prefix = "config_"
    return {key.removeprefix(prefix): value for key, value in vars(arguments).items() if key.startswith(prefix)}


def config_field(problem: Problem[Any, Any, Any], option: str) -> str:
    """The field that an option sets: ``"due-date-factor"`` and ``"due_date_factor"`` are the same.

    Raises:
        InputError: There is no such option.
    """
    name, known = option.replace("-", "_"), [field.name for field in fields(problem.config_type)]
    if name not in known:
        raise unknown_name(f"{problem.name} option", option, [item.replace("_", "-") for item in known])
    return name


def config_value(problem: Problem[Any, Any, Any], field: str, text: str) -> Any:
    """A field's value as the command line would read it; not yet whether it is a good one.

    Raises:
        InputError: The text cannot be read.
    """
    hint = get_type_hints(problem.config_type)[field]
    converter = yes_or_no if hint is bool else _converter(hint)
    try:
        return converter(text)
    except ValueError:
        raise InputError(f"{field} {text!r} not understood; write {METAVARS.get(converter, 'VALUE')}") from None


def _escape(text: str) -> str:
    return re.sub(r":\w+:`(\w+)`", r"\1", text).replace("%", "%%")


def _converter(hint: Any) -> Callable[[str], Any]:
    # a list alone, or one of several types
    kinds = {hint} if get_origin(hint) is Sequence else {*get_args(hint)} or {hint}
    if any(get_origin(kind) is not None for kind in kinds):
        if str in kinds:
            return name_or_names
        return number_or_range if kinds & {int, float} else numbers
    for kind in (int, float):
        if kinds <= {kind, type(None)}:
            return kind
    return str


def number_or_range(text: str) -> int | float | list[int | float]:
    """``"10"``, ``"1.3"``, or ``"6-10"`` for a range with both ends."""
    bounds = RANGE.fullmatch(text)
    return [_number(bounds[1]), _number(bounds[2])] if bounds else _number(text)


def yes_or_no(text: str) -> bool:
    """``"yes"`` or ``"no"``."""
    if text not in ("yes", "no"):
        raise ValueError(f"{text!r} is neither yes nor no")
    return text == "yes"


def numbers(text: str) -> list[int | float]:
    """``"0.8,0.2"``."""
    return [_number(part) for part in text.split(",")]


def name_or_names(text: str) -> str | list[str]:
    """``"ta01"``, or ``"ta01,ta02"`` for a list."""
    return text.split(",") if "," in text else text


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


METAVARS: dict[Callable[[str], Any], str] = {
    number_or_range: "N|LOW-HIGH",
    name_or_names: "NAME[,NAME...]",
    numbers: "X[,X...]",
    yes_or_no: "yes or no",
    int: "N",
    float: "X",
}
