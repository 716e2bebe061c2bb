"""The site builds without a warning, so that every link and every anchor leads somewhere, and fetches nothing."""

import os
import re
import subprocess
import sys

import pytest

from schedlab.agents import agent_specs
from schedlab.envs import PROBLEMS

from .conftest import DOCS

OUTSIDE = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("material", reason="mkdocs-material is not installed here")
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    answer = subprocess.run(words, cwd=DOCS.parent, env=environment, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 0, answer.stderr
    return folder


def test_no_page_fetches_anything_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 25
    assert not [page.name for page in pages if OUTSIDE.search(page.read_text())]


@pytest.mark.parametrize("entry", PROBLEMS.values(), ids=lambda entry: entry.name)
def test_every_environment_has_a_page_with_its_docstring_and_its_picture(site, entry):
    page = (site / "environments" / f"{entry.name}.html").read_text()
    for heading in ("Description", "Action Space", "Observation Space", "Rewards", "Arguments", "Version History"):
        assert re.search(rf"<h2[^>]*>{heading}", page), heading
    assert f"../pictures/{entry.name}.png" in page
    assert (site / "tutorials" / f"{entry.name}.html").is_file()


def test_agents_options_and_the_toy_problem_are_shown_as_they_are_in_the_code(site):
    agents, line = (site / "agents.html").read_text(), (site / "command-line.html").read_text()
    for name in PROBLEMS:
        assert all(f"<code>{agent}</code>" in agents for agent in agent_specs(name))
        assert f"options of {name}" in line
    added = re.sub(r"<[^>]+>", "", (site / "add-a-problem.html").read_text())
    assert "class ParallelSimulator(SmallSimulator" in added
