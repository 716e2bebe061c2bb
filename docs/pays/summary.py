"""Fills the summary of docs/where-learning-pays.md from docs/pays/*.json: who is best at each budget."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from schedlab.eval.pages import fill_page, markdown_table

HERE = Path(__file__).parent
NAMES = {
    "job-shop": "job shop, 15x15 to 30x20",
    "job-shop-large": "job shop, 50x15 to 100x20",
    "job-shop-very-large": "job shop, 200x50",
    "job-shop-improvement": "job shop, improving a schedule",
    "single-machine": "one machine, 100 jobs",
    "blocking-job-shop": "blocking job shop",
    "soc": "task graph on a chip, one job",
    "vm": "VM rescheduling, 279 hosts",
    "dynamic-job-shop": "dynamic job shop",
    "dynamic-breakdowns": "dynamic job shop, breakdowns",
    "blocking-failures": "blocking job shop, failures",
    "soc-stream": "task graphs that keep arriving",
    "uam": "air taxis, a day",
}


def cell(cells: list[dict[str, object]], budget: float) -> str:
    """The best kind at a budget and its agent; with "or" those that cannot be told from it."""
    own = [item for item in cells if item["budget"] == budget]
    best = [f"**{item['kind']}** `{item['agent']}`" for item in own if item["best"]]
    level = [f"{item['kind']} `{item['agent']}`" for item in own if item["level"]]
    return " or ".join(best + level) or "-"


def main(page: Path = HERE.parent / "where-learning-pays.md") -> int:
    """Write the table."""
    numbers = {name: json.loads((HERE / f"{name}.json").read_text(encoding="utf-8")) for name in NAMES}
    budgets = next(iter(numbers.values()))["budgets"]
    headings = ["", "budget per", *(f"{1000 * b:g} ms" if b < 1 else f"{b:g} s" for b in budgets)]
    rows = [
        [NAMES[name], own["per"], *(cell(own["cells"], budget) for budget in budgets)] for name, own in numbers.items()
    ]
    fill_page(page, "summary", markdown_table(headings, rows, left=len(headings)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
