"""What only a machine with a GPU can show: speed, agreement of processes, and what running out of memory looks like.

Not collected by pytest. ``python tests/train/gpu_check.py`` needs the `train` extra and about six minutes, prints what
it finds and writes it to ``$OUT/gpu_check.json`` (default: the current folder).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

SHOP = '[environment]\nbuilder = "hybrid"\nnum_jobs = 15\nnum_machines = 15\n'
CONFIGS = {
    "small": {"instances": 16, "repeats": 16, "minibatch_instances": 4},
    "large": {"instances": 128, "repeats": 32, "minibatch_instances": 32},
    "absurd": {"instances": 512, "repeats": 32, "minibatch_instances": 512, "hidden": 2048},
    "alike": {"instances": 8, "repeats": 8, "minibatch_instances": 4},
}
STEPS_ALIKE = 5 * 8 * 8 * 225  # five updates


def write_configs(folder: Path) -> None:
    for name, values in CONFIGS.items():
        lines = [f"{key} = {value}" for key, value in {**values, "validation_updates": 1000}.items()]
        lines.append("validation_instances = 2")
        (folder / f"{name}.toml").write_text("\n".join([*lines, SHOP]))


def train(
    folder: Path, config: str, run: str, *options: str, processes: int = 0, timeout: float = 300
) -> dict[str, Any]:
    """One training run in a process of its own, or in several that torchrun starts."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)] if processes else []
    command = [
        sys.executable, *launcher, "-m", "schedlab", "train", "job-shop", "--quiet", "--config",
        str(folder / f"{config}.toml"), "--out", str(folder / run), *options,
    ]  # fmt: skip
    began = time.monotonic()
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    told = [line for line in done.stderr.splitlines() if line.startswith("schedlab:")]
    rate = re.search(r"\(([\d,]+) per second\)", done.stdout)
    return {
        "run": run,
        "status": done.returncode,
        "seconds": round(time.monotonic() - began, 1),
        "steps_per_second": int(rate[1].replace(",", "")) if rate else None,
        "time": next((line for line in done.stdout.splitlines() if line.startswith("time:")), ""),
        "told": told,
        "traceback": "Traceback" in done.stderr and not processes,
        "stderr": "" if done.returncode == 0 else done.stderr[-1500:],
    }


def difference(folder: Path, one: str, two: str) -> float:
    """The largest difference between the weights of two runs."""
    first, second = (load_file(folder / run / "last.safetensors") for run in (one, two))
    names = [name for name in first if name.startswith("network.")]
    return max(float((first[name] - second[name]).abs().max()) for name in names)


def agreement(folder: Path, gpu: str) -> dict[str, Any]:
    """The same five updates with and without torchrun; two plain GPU runs say what a GPU's rounding alone does."""
    steps = ("--steps", str(STEPS_ALIKE), "--device")
    runs = [
        train(folder, "alike", "cpu", *steps, "cpu"),
        train(folder, "alike", "cpu-two", *steps, "cpu", processes=2),
        train(folder, "alike", "gpu", *steps, gpu),
        train(folder, "alike", "gpu-again", *steps, gpu),
        train(folder, "alike", "gpu-torchrun", *steps, gpu, processes=1),
    ]
    pairs = [("cpu", "cpu-two"), ("gpu", "gpu-again"), ("gpu", "gpu-torchrun"), ("cpu", "gpu")]
    return {"runs": runs, "largest_difference": {f"{a} and {b}": difference(folder, a, b) for a, b in pairs}}


def speed(folder: Path, gpu: str, seconds: float) -> list[dict[str, Any]]:
    minutes = ("--minutes", str(seconds / 60), "--device")
    timeout = seconds + 120
    return [
        train(folder, "small", "speed-cpu", *minutes, "cpu", timeout=timeout),
        train(folder, "small", "speed-gpu-small", *minutes, gpu, timeout=timeout),
        train(folder, "large", "speed-gpu-large", *minutes, gpu, timeout=timeout),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each measurement of speed (default: 60)")
    parser.add_argument("--gpu", default="cuda", help="device (default: cuda; cpu tries the script itself)")
    arguments = parser.parse_args()
    found: dict[str, Any] = {
        "torch": torch.__version__,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
    }
    out = Path(os.environ.get("OUT", ".")) / "gpu_check.json"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_configs(folder)
        checks = {
            "agreement": lambda: agreement(folder, arguments.gpu),
            "out_of_memory": lambda: train(folder, "absurd", "absurd", "--steps", "1", "--device", arguments.gpu),
            "speed": lambda: speed(folder, arguments.gpu, arguments.seconds),
        }
        if arguments.gpu == "cpu":
            del checks["out_of_memory"]  # it would take the machine's memory
        for title, check in checks.items():
            try:
                found[title] = check()
            except (OSError, subprocess.TimeoutExpired) as error:
                found[title] = f"failed: {error}"
            print(title, json.dumps(found[title], indent=1), flush=True)
            out.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
