"""Every Python block of the documentation runs as printed, and the programs that it includes do too."""

import doctest
import importlib
import re
import shlex
import subprocess
import sys

import pytest

import schedlab.agents.registry as registry
from schedlab.envs import PROBLEMS
from schedlab.eval.cli import build_parser

from .conftest import DOCS

INCLUDED = "--8<--"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = sorted(DOCS.glob("*.md"))
BLOCKS = [
    pytest.param(code, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, code in enumerate(BLOCK.findall(page.read_text()))
    if INCLUDED not in code  # a file, which is run below or has a test of its own
]


@pytest.fixture
def forgotten(monkeypatch):
    """Agents that a page registers are not there for other tests."""
    monkeypatch.setattr(registry, "_REGISTERED", {})
    monkeypatch.setattr(sys, "path", sys.path.copy())
    modules = set(sys.modules)
    yield
    if "toy_problem" in sys.modules and "toy_problem" not in modules:
        del sys.modules["toy_problem"], PROBLEMS["parallel-machines"]
        importlib.import_module("gymnasium").registry.pop("ParallelMachines-v0")


@pytest.mark.parametrize("code", BLOCKS)
def test_python_blocks_run_as_printed(code, tmp_path, monkeypatch, forgotten):
    (tmp_path / "docs").symlink_to(DOCS)  # as seen from the repository
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "block", "exec"), {"__name__": "block"})


def test_every_file_that_a_page_includes_is_there_and_tested():
    included = {name for page in PAGES for name in re.findall(rf'{INCLUDED} "([^"]+)"', page.read_text())}
    programs = {f"snippets/{path.name}" for path in (DOCS / "snippets").glob("*.py")}
    assert included == programs | {"toy_problem.py"}
    assert programs == {f"snippets/{name}.py" for name in PROGRAMS}


COMMANDS = [
    line
    for page in PAGES
    for block in re.findall(r"^```bash\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for line in re.sub(r"\\\n\s*", " ", block).splitlines()
    if line.startswith("schedlab ") and "..." not in line
]


def test_commands_of_the_pages_are_understood():
    """They are not run: the README's are, and these differ in names and budgets only."""
    assert COMMANDS
    for command in COMMANDS:
        words = shlex.split(command, comments=True)[1:]
        build_parser(words).parse_args(words)


PROGRAMS = {
    "cleanrl_ppo": ("torch", ["--total-steps", "4608"], "update 1"),
    "sb3_maskable_ppo": ("sb3_contrib", ["--total-steps", "144"], "mean reward"),
    "torchrl_ppo": ("torchrl", ["--total-steps", "432", "--frames", "144"], "mean reward of 4 episodes"),
    "rllib_ppo": ("ray.rllib", ["--iterations", "1", "--steps", "192"], "iteration 0"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_with_other_libraries_run(name, tmp_path):
    module, words, said = PROGRAMS[name]
    pytest.importorskip(module, reason=f"{module} is not installed here", exc_type=ImportError)
    program = [sys.executable, str(DOCS / "snippets" / f"{name}.py"), *words]
    answer = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 0, answer.stderr
    assert said in answer.stdout


@pytest.mark.parametrize("entry", PROBLEMS.values(), ids=lambda entry: entry.name)
def test_examples_in_the_environments_docstrings_are_true(entry):
    results = doctest.testmod(importlib.import_module(entry.part("env")))
    assert results.failed == 0
    assert results.attempted > 0


@pytest.mark.parametrize("entry", PROBLEMS.values(), ids=lambda entry: entry.name)
def test_every_environment_has_a_small_picture(entry):
    picture = DOCS / "pictures" / f"{entry.name}.png"
    assert 1_000 < picture.stat().st_size <= 60_000
