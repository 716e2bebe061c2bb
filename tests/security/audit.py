"""Known vulnerabilities of the pinned packages: ``python -m tests.security.audit``, or ``make audit``.

Asks pip-audit about every line of ``constraints.txt``. A machine that cannot reach the database of vulnerabilities, or
is answered by a mirror that has none, audits nothing: that is said, and is no failure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ALLOWED = Path(__file__).with_name("allowed_vulnerabilities.txt")
SECONDS = 300


def allowed(path: Path) -> dict[str, str]:
    """Vulnerabilities that are accepted, with the reason: ``ID reason`` on a line, ``#`` begins a comment.

    Raises:
        ValueError: A line gives no reason.
    """
    reasons = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        name, _, reason = line.split("#", 1)[0].strip().partition(" ")
        if name and not reason.strip():
            raise ValueError(f"{path}, line {number}: {name} needs a reason")
        if name:
            reasons[name] = reason.strip()
    return reasons


def ask(requirements: Path) -> dict[str, Any] | None:
    """What pip-audit says of a list of pinned packages, as it writes it; ``None`` where it got no answer."""
    command = [
        sys.executable, "-m", "pip_audit", "-r", str(requirements), "--no-deps", "--disable-pip", "--format", "json",
        "--progress-spinner", "off", "--timeout", "15",
    ]  # fmt: skip
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        found: dict[str, Any] = json.loads(answer.stdout)
    except (OSError, subprocess.TimeoutExpired, json.JSONDecodeError):
        return None
    return found


def verdict(found: dict[str, Any] | None, accepted: dict[str, str]) -> tuple[int, list[str]]:
    """The exit status and what to print: 1 where a package has a known vulnerability that is not accepted."""
    packages = [] if found is None else found.get("dependencies", [])
    asked = [package for package in packages if "vulns" in package]
    if not asked:
        return 0, ["audit: the database of vulnerabilities is not reachable from here, skipped: nothing was audited"]
    lines, status, met = [], 0, set()
    for package in asked:
        for one in package["vulns"]:
            names = [one["id"], *one.get("aliases", [])]
            reason = next((accepted[name] for name in names if name in accepted), None)
            met.update(names)
            fixed = ", ".join(one.get("fix_versions", [])) or "no version"
            lines.append(
                f"audit: {package['name']} {package['version']}: {one['id']}, mended in {fixed}"
                + ("" if reason is None else f"; accepted: {reason}")
            )
            status |= reason is None
    lines += [f"audit: {name} is accepted but no longer found; remove it" for name in accepted if name not in met]
    left = len(packages) - len(asked)
    lines.append(f"audit: {len(asked)} packages audited" + (f", {left} unknown to the database" if left else ""))
    return int(status), lines


def main() -> int:
    """Audit, print and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requirements", type=Path, default=ROOT / "constraints.txt")
    status, lines = verdict(ask(parser.parse_args().requirements), allowed(ALLOWED))
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(main())
