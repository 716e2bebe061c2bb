"""``schedlab report FOLDER ... --out report.html``: results that were measured, as one page to read and to send."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from ...envs.core.errors import InputError, unknown_name
from ...envs.core.files import write_atomically


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    parser.add_argument(
        "folders", nargs="+", metavar="FOLDER", help="an --out of benchmark, sweep or race, or a folder of such folders"
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="write the page there, as .html")
    parser.add_argument("--title", default="Scheduling results", help="of the page (default: Scheduling results)")
    parser.add_argument(
        "--against", metavar="AGENT", help="what others are compared with (default: of each folder the best rule)"
    )
    parser.epilog = "example: schedlab report results/ta results/race --out report.html"
    parser.set_defaults(run=run_report)


def run_report(arguments: argparse.Namespace) -> int:
    """``schedlab report FOLDER ... --out report.html``."""
    out = _html_file(arguments.out)
    try:
        # only here: the other verbs need no jinja2
        from .collect import collect
        from .page import render_page
    except ImportError as error:
        raise InputError(f"the report needs jinja2: pip install 'schedlab[report]' ({error})") from error
    from ...version import __version__

    sections = collect([Path(folder) for folder in arguments.folders])
    agents = {agent for section in sections for agent in section.agents}
    if arguments.against is not None and arguments.against not in agents:
        raise unknown_name("agent", arguments.against, agents)
    page = render_page(
        sections,
        title=arguments.title,
        folders=arguments.folders,
        made=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        version=__version__,
        against=arguments.against,
    )
    write_atomically(out, page)
    noun = "section" if len(sections) == 1 else "sections"
    print(f"written: {out}, {len(sections)} {noun}, {len(page.encode()) / 1e6:.2f} MB")
    return 0


def _html_file(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out {path}: name a file that ends in .html")
    if path.is_dir():
        raise InputError(f"--out {path}: is a folder; name a file")
    if not path.resolve().parent.is_dir():
        raise InputError(f"--out {path}: the folder {path.resolve().parent} does not exist; make it first")
    return path
