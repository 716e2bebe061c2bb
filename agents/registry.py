"""From the names of the command line to agents."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any

from ..envs import PROBLEMS
from ..envs.core.errors import InputError, unknown_name
from ..envs.core.problem import Problem, load_problem
from .core import Agent, AgentOptions, AgentSpec, Policy
from .sampling import BestOf

MAX_SAMPLES = 65536
_REGISTERED: dict[str, dict[str, AgentSpec[Any]]] = {}


def agent_specs(problem: str) -> dict[str, AgentSpec[Any]]:
    """The agents of a problem, by name, registered ones included."""
    specs: dict[str, AgentSpec[Any]] = _home(problem).AGENTS
    return {**specs, **_REGISTERED.get(problem, {})}


def register_agent(problem: str, spec: AgentSpec[Any]) -> None:
    """Make an agent of yours known by name: to :func:`make_agent`, the benchmark and, as a plugin, the command line.

    Registering an agent of that name again replaces it; names of built-in agents are taken.

    Raises:
        InputError: No such problem, or the name is taken or cannot be written on the command line.
    """
    load_problem(problem)
    if spec.name == "ppo" or spec.name in _home(problem).AGENTS:
        raise InputError(f"agent {spec.name!r} exists for {problem}; choose another name")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", spec.name):
        raise InputError(f"agent {spec.name!r}: write names in lower case with dashes")
    _REGISTERED.setdefault(problem, {})[spec.name] = spec


def _home(problem: str) -> ModuleType:
    """The module that holds a problem's table ``AGENTS``."""
    entry = PROBLEMS[problem]
    return importlib.import_module(entry.home or f"{__package__}.{entry.package}")


def make_agent(text: str, problem: Problem[Any, Any, Any], config: Any, options: AgentOptions | None = None) -> Agent:
    """Build the agent that ``text`` names.

    Args:
        text: ``NAME``; ``NAME@K`` for the best of K samples; ``ppo`` is the agent that ships for the problem and its
            objective, ``ppo:FOLDER`` any trained checkpoint.
        problem: The problem.
        config: Its configuration.
        options: Time limit, workers, temperature.

    Raises:
        InputError: An unknown name, a bad number of samples, a missing checkpoint or a missing package.
    """
    options = options or AgentOptions()
    base, at, count = text.rpartition("@")
    if not at:
        base = text
    samples = _samples(text, count) if at else 1
    name, colon, folder = base.partition(":")
    specs = agent_specs(problem.name)
    if colon:
        if name != "ppo" or not folder:
            raise InputError(f"agent {text!r} not understood; a checkpoint is written ppo:FOLDER")
        # only here: the core installs without torch
        agent = _trained_policy(folder, problem, options, sample=bool(at))
    elif name == "ppo":
        agent = _trained_policy(str(shipped_checkpoint(problem, config)), problem, options, sample=bool(at))
    elif name in specs:
        agent = specs[name].build(config, options)
    else:
        raise unknown_name("agent", name, specs)
    if not at:
        return agent
    if not isinstance(agent, Policy) or not agent.stochastic:
        raise InputError(f"agent {text!r}: {name} makes no random choices, so @{samples} has nothing to sample")
    return BestOf(agent, samples, problem, config)


def teacher(text: str, problem: Problem[Any, Any, Any], config: Any, options: AgentOptions) -> Policy[Any, Any]:
    """An agent as a policy that can be imitated: a policy itself, or one that plays out what a solver has found.

    Raises:
        InputError: There is no such agent, or the problem does not know how to play a solver's solution step by step.
    """
    agent = make_agent(text, problem, config, options)
    if isinstance(agent, Policy):
        return agent
    follow = getattr(_home(problem.name), "follow", None)
    if follow is None:
        raise InputError(f"agent {text!r} is a solver, whose solutions of {problem.name} cannot be imitated")
    policy: Policy[Any, Any] = follow(agent, options.time_limit)
    return policy


def shipped_agents(problem: str) -> list[str]:
    """What the trained agents that come with this package are for: ``["makespan", ...]``."""
    folder = _shipped(problem)
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def shipped_checkpoint(problem: Problem[Any, Any, Any], config: Any) -> Path:
    """The folder of the trained agent that comes with this package for a configuration.

    Raises:
        InputError: None does.
    """
    name, known = problem.agent_for(config), shipped_agents(problem.name)
    if name not in known:
        raise InputError(
            f"no trained agent ships for {problem.name} with {name} (only for: {', '.join(known) or 'nothing'}); "
            "train one and write ppo:FOLDER"
        )
    return _shipped(problem.name) / name


def shipped_policy(problem: str, name: str, options: AgentOptions) -> Agent:
    """A trained agent that comes with this package, by its name there; it takes the most likely actions.

    Raises:
        InputError: It does not ship, or torch is missing.
    """
    if name not in shipped_agents(problem):
        raise InputError(f"no trained agent {name!r} ships for {problem}; train one and write ppo:FOLDER")
    return _trained_policy(str(_shipped(problem) / name), load_problem(problem), options, sample=False)


def _shipped(problem: str) -> Path:
    return Path(str(_home(problem).__file__)).parent / "trained"


def _samples(text: str, count: str) -> int:
    if not count.isascii() or not count.isdigit() or not 1 <= int(count) <= MAX_SAMPLES:
        raise InputError(f"agent {text!r}: write NAME@K with K from 1 to {MAX_SAMPLES}")
    return int(count)


def _trained_policy(folder: str, problem: Problem[Any, Any, Any], options: AgentOptions, sample: bool) -> Agent:
    try:
        from .learned import LearnedPolicy, torch_device
    except ImportError as error:
        raise InputError(f"trained agents need torch: pip install 'schedlab[train]' ({error})") from error
    return LearnedPolicy.load(
        folder,
        problem,
        sample=sample,
        temperature=options.temperature,
        quantile=options.quantile,
        device=torch_device(options.device),
    )
