"""Makes the pages of the site that follow from the package: nothing that the code says is written twice.

Run by mkdocs (``hooks`` in mkdocs.yml). Pages of environments are their class docstrings, tables of agents come from
``AGENTS``, the command line from ``--help``, tutorials from the notebooks, and the repository's own texts (README, ...)
are shown as they are, with links that lead to pages.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import schedlab.agents
import schedlab.agents.core
import schedlab.agents.learned
import schedlab.envs.core.small
import schedlab.eval.benchmark
import schedlab.train.graph_ppo
from schedlab.envs import PROBLEMS
from schedlab.envs.core import load_problem
from schedlab.eval.cli import build_parser

ROOT = Path(__file__).parents[1]
VERBS = ("train", "solve", "check", "benchmark", "sweep", "race", "speed")
DATA = ("job_shop", "single_machine", "blocking_job_shop", "soc", "vm", "uam")
# files of the repository that are pages
TEXTS = {
    "README.md": "project/readme.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "train/TRAINING.md": "project/training-runs.md",
    **{f"envs/{name}/data/SOURCES.md": f"project/sources-{name.replace('_', '-')}.md" for name in DATA},
}
# what the page of the Python interface shows, by module
REFERENCE = {
    "schedlab": ("register_problem",),
    "schedlab.envs.core": ("Problem", "Simulator", "GraphSpec", "GraphState", "CheckReport", "Bound", "SchedulingEnv"),
    "schedlab.envs.core.small": ("SmallProblem", "SmallSimulator", "env_classes"),
    "schedlab.agents": ("make_agent", "play", "register_agent", "BestOf"),
    "schedlab.agents.core": ("Policy", "Solver", "SolverResult", "AgentSpec", "AgentOptions"),
    "schedlab.agents.learned": ("LearnedPolicy",),
    "schedlab.train.graph_ppo": ("GraphPPO",),
    "schedlab.train.settings": ("TrainSettings",),
    "schedlab.models.policy": ("NetworkConfig",),
    "schedlab.eval.benchmark": ("Benchmark",),
}
ROLE = re.compile(r":(?:class|func|meth|mod|data|attr):`~?\.*([^`]+)`")
LINK = re.compile(r"\[([^\]]*)\]\(([^)#\s]+)(#[^)]*)?\)")
SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields):$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, and leave out of the navigation what does not exist."""
    pages = {
        **{f"environments/{name}.md": environment_page(name) for name in PROBLEMS},
        **{
            f"tutorials/{path.stem}.md": notebook_page(path)
            for path in sorted((ROOT / "docs/notebooks").glob("*.ipynb"))
        },
        "agents.md": agents_page(),
        "command-line.md": command_line_page(),
        "python.md": reference_page(),
        **{page: (ROOT / name).read_text(encoding="utf-8") for name, page in TEXTS.items() if (ROOT / name).is_file()},
    }
    for name, content in pages.items():
        files.append(File.generated(config, name, content=content))
    for picture in linked_pictures():
        files.append(File.generated(config, f"project/{picture.replace('/', '-')}", abs_src_path=str(ROOT / picture)))
    config.nav = _existing(config.nav, {file.src_uri for file in files})
    return files


def _existing(item: Any, known: set[str]) -> Any:
    if isinstance(item, list):
        return [kept for part in item if (kept := _existing(part, known))]
    if isinstance(item, dict):
        return {title: kept for title, part in item.items() if (kept := _existing(part, known))}
    return item if item in known else None


def plain(text: str) -> str:
    """A docstring's roles as code, and its examples as blocks."""
    lines, inside = [], False
    for line in ROLE.sub(lambda role: f"`{role[1].rpartition('.')[2]}`", text).replace("``", "`").split("\n"):
        if line.startswith(">>> ") and not inside:
            lines.append("```pycon")
            inside = True
        elif inside and not line.strip():
            lines.append("```")
            inside = False
        lines.append(line)
    return "\n".join([*lines, "```"] if inside else lines)


def environment_page(name: str) -> str:
    """The class docstring under a picture, with what else there is of the problem."""
    entry, problem = PROBLEMS[name], load_problem(name)
    environment = getattr(importlib.import_module(f"{entry.module}.env"), f"{entry.env}Env")
    tutorial = f"[Tutorial](../tutorials/{name}.md) · " if (ROOT / f"docs/notebooks/{name}.ipynb").is_file() else ""
    return (
        f"# {entry.env}\n\n{problem.title}\n\n"
        f"![A solution of {name}, drawn by schedlab](../pictures/{name}.png)\n\n"
        f'`gym.make("{entry.env_id}")` · on the command line `{name}` · [agents](../agents.md#{name}) · {tutorial}'
        f"[instances of your own](../bring-your-own-instance.md#{name}) · "
        f"[results](../{TEXTS['README.md']})\n\n"
        f"{plain(inspect.getdoc(environment) or '')}\n"
    )


def agents_page() -> str:
    """A table of agents for every problem."""
    parts = [
        "# Agents\n\nEvery name goes into `--agents` and into `make_agent`. `NAME@K` is the best of K samples of an "
        "agent that draws at random, `ppo` the trained agent that ships, `ppo:FOLDER` any checkpoint of yours. "
        "How good they are is in the [results](project/readme.md).\n"
    ]
    for name in PROBLEMS:
        problem = load_problem(name)
        rows = [(spec.name, spec.kind, spec.summary) for spec in schedlab.agents.agent_specs(name).values()]
        if shipped := [
            trained
            for trained in schedlab.agents.shipped_agents(name)
            if trained not in dict.fromkeys(r[0] for r in rows)
        ]:
            rows.append(("ppo", "learned", f"Trained with GraphPPO; ships for {', '.join(shipped)}."))
        presets = ", ".join(f"`{preset}`" for preset in problem.presets())
        table = "\n".join(f"| `{one}` | {kind} | {_cell(text)} |" for one, kind, text in rows)
        parts.append(
            f"## {name}\n\n[{problem.title}](environments/{name}.md)\n\n"
            f"| agent | kind | what it does |\n|---|---|---|\n{table}\n\nPresets of random instances: {presets}.\n"
        )
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def command_line_page() -> str:
    """What ``--help`` says; the options of a verb are shown for the job shop, those of a problem for ``train``."""
    # argparse wraps to the terminal
    os.environ["COLUMNS"] = "110"
    parts = [
        "# Command line\n\nThe same verbs for every problem; `python -m schedlab` is the same command. Exit status: "
        "0 done, 2 bad input (one line says what and how to mend it), 1 anything else.\n",
        f"```text\n{_help([])}```\n",
        "Problems and agents from [elsewhere](add-a-problem.md) are there too: those of installed plugins at once, "
        "others with `schedlab --plugin MODULE VERB ...`.\n",
        "## Verbs\n\nShown for `job-shop`; the options at the end of each are the problem's.\n",
        *(f"### {verb}\n\n```text\n{_help([verb, 'job-shop'])}```\n" for verb in VERBS),
        "## Options of the problems\n\nWhat `train` takes is the whole configuration; it is also that of `gym.make`.\n",
    ]
    for name in PROBLEMS:
        shown = _help(["train", name])
        options = shown[shown.index(f"options of {name}") :].partition("\nexample:")[0].rstrip()
        parts.append(f"### {name} {{#options-of-{name}}}\n\n```text\n{options}\n```\n")
    return "\n".join(parts)


def _help(words: list[str]) -> str:
    parser = build_parser(words)
    for word in words:
        choices = next(action.choices for action in parser._actions if isinstance(action.choices, dict))
        parser = choices[word]
    return parser.format_help()


def reference_page() -> str:
    """Signatures and docstrings of what users of the Python API meet."""
    parts = ["# Python\n\nWhat the guide uses, in one place; every other docstring is a `help()` away.\n"]
    for module, names in REFERENCE.items():
        parts.append(f"## {module}\n")
        for name in names:
            thing = getattr(importlib.import_module(module), name)
            parts.append(_entry("###", name, thing))
            for method, function in vars(thing).items() if inspect.isclass(thing) else ():
                if inspect.isfunction(function) and not method.startswith("_") and function.__doc__:
                    parts.append(_entry("####", f"{name}.{method}", function))
    return "\n".join(parts)


def _entry(level: str, name: str, thing: Any) -> str:
    text = _sections(plain(inspect.getdoc(thing) or ""))
    return f"{level} {name}\n\n```text\n{name.rpartition('.')[2]}{_signature(thing)}\n```\n\n{text}\n"


def _signature(thing: Any) -> str:
    try:
        text = str(inspect.signature(thing)).replace("'", "")
    except (TypeError, ValueError):
        return ""
    return text if len(text) <= 100 else text.replace(", ", ",\n    ").replace("(", "(\n    ", 1)


def _sections(text: str) -> str:
    """Google's sections as lists: ``Args:`` and what follows it."""
    lines, inside = [], False
    for line in text.split("\n"):
        if SECTION.match(line):
            inside = True
            lines += [f"**{line}**", ""]
        elif inside and (entry := re.match(r"^ {4}(\S[\w, .*]*): (.*)", line)):
            lines.append(f"- `{entry[1]}`: {entry[2]}")
        elif inside and line.startswith("    "):
            lines.append(f"  {line.strip()}")
        else:
            inside = inside and not line.strip()
            lines.append(line)
    return "\n".join(lines)


def notebook_page(path: Path) -> str:
    """A notebook's cells as text and code; its outputs are not kept."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    parts = []
    for cell in cells:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
    note = f"[Download this page as a notebook](../notebooks/{path.name}); it runs from the first cell to the last."
    return "\n\n".join([parts[0], note, *parts[1:]]) + "\n"


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links as they are right in the repository, turned towards the pages of the site.

    A link to a file of the repository that is no page becomes its text.
    """
    origin = next((name for name, uri in TEXTS.items() if uri == page.file.src_uri), f"docs/{page.file.src_uri}")
    here, there = posixpath.dirname(origin), posixpath.dirname(page.file.src_uri)

    def turned(link: re.Match[str]) -> str:
        text, address, anchor = link[1], link[2], link[3] or ""
        target = posixpath.normpath(posixpath.join(here, address))
        if "://" in address:
            return link[0]
        if (ROOT / target).is_dir():
            return text
        if origin == f"docs/{page.file.src_uri}" and target.startswith("docs/"):
            return link[0]
        if target.startswith("docs/"):
            uri = target.removeprefix("docs/")
        elif _is_picture(target):
            uri = f"project/{target.replace('/', '-')}"
        else:
            uri = TEXTS.get(target, "")
        if uri:
            return f"[{text}]({posixpath.relpath(uri, there or '.')}{anchor})"
        return text if (ROOT / target).exists() else link[0]

    return LINK.sub(turned, markdown)


def linked_pictures() -> list[str]:
    """Pictures outside ``docs`` that the repository's texts show."""
    found = []
    for name in TEXTS:
        if (ROOT / name).is_file():
            for link in LINK.finditer((ROOT / name).read_text(encoding="utf-8")):
                target = posixpath.normpath(posixpath.join(posixpath.dirname(name), link[2]))
                if _is_picture(target) and not target.startswith("docs/"):
                    found.append(target)
    return sorted(set(found))


def _is_picture(target: str) -> bool:
    return target.endswith((".png", ".svg")) and (ROOT / target).is_file()
