"""Draws the pictures of the documentation's environment pages: one solution per problem, by the package itself.

Run it from the repository (half a minute): ``python docs/make_pictures.py``. Pictures are reduced to a palette, so that
each has at most 60 kB.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from schedlab.agents import BestOf, Policy, make_agent, play
from schedlab.envs.core import load_problem
from schedlab.envs.core.figures import figure_to_array

FOLDER = Path(__file__).parent / "pictures"
MOST_BYTES = 60_000
# problem -> what is played (a built-in instance, or values of the configuration, from seed 0), by which agent
PICTURES: dict[str, tuple[str | dict[str, object], str]] = {
    "job-shop": ("ft10", "ppo"),
    "job-shop-improvement": ("la01", "ppo"),
    "blocking-job-shop": ("la01", "ppo"),
    "dynamic-job-shop": (
        {"warm_up_jobs": 50, "recorded_jobs": 200, "cool_down_jobs": 20, "utilisation": 0.9, "due_date_factor": 3},
        "mod",
    ),
    "single-machine": ({"num_jobs": 20}, "ppo"),
    "soc": ("wifi-rx", "heft"),
    "vm": ({"num_pms": 24, "mnl": 12, "utilisation": 0.75}, "ppo"),
    "uam": ({"num_vertiports": 8, "num_aircraft": 40}, "greedy-hour"),
}


def draw(name: str) -> Image.Image:
    """The picture of a problem's solution."""
    problem = load_problem(name)
    what, agent = PICTURES[name]
    config = problem.configure({} if isinstance(what, str) else what)
    instance = (
        problem.load(what, config) if isinstance(what, str) else problem.sampler(config)(np.random.default_rng(0))
    )
    player = make_agent(agent, problem, config)
    assert not isinstance(player, BestOf)
    if isinstance(player, Policy):
        solution = play(player, problem, [instance], config).solution(0)
    else:
        solution = player.solve(instance, time_limit=1, seed=0).solution
    assert problem.check(instance, solution, config).feasible
    return Image.fromarray(figure_to_array(problem.draw(instance, solution), dpi=90))


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    for name in PICTURES:
        picture, path = draw(name), FOLDER / f"{name}.png"
        for colours in (128, 64, 32, 16):
            picture.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
            if path.stat().st_size <= MOST_BYTES:
                break
        print(f"{path.name}: {path.stat().st_size:,} bytes, {picture.width} x {picture.height}")


if __name__ == "__main__":
    main()
