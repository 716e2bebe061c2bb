"""Pictures of runs."""

import numpy as np

from schedlab.envs.core.figures import figure_to_array
from schedlab.envs.dynamic_job_shop import PROBLEM, DynamicJobShopConfig

CONFIG = DynamicJobShopConfig(warm_up_jobs=20, recorded_jobs=50, cool_down_jobs=20, breakdown_level=0.05)


def played(steps=None):
    instance = PROBLEM.sampler(CONFIG)(np.random.default_rng(0))
    simulator = PROBLEM.simulator_for([instance], CONFIG)
    simulator.reset([instance])
    while not simulator.done[0] and (steps is None or simulator.steps[0] < steps):
        simulator.step(np.zeros(1, np.int64))
    return instance, simulator


def test_a_finished_run_is_drawn_with_its_numbers():
    instance, simulator = played()
    report = PROBLEM.check(instance, simulator.solution(0), CONFIG)
    figure = PROBLEM.draw(instance, simulator.solution(0))
    assert figure_to_array(figure).std() > 0
    assert f"mean tardiness {report.objective:.1f}" in figure.axes[0].get_title()
    assert f"at most {report.measures['max_tardiness']:.0f}" in figure.axes[0].get_title()
    text = PROBLEM.draw_text(instance, simulator.solution(0), width=80)
    assert f"mean tardiness {report.objective:.1f}" in text
    assert max(map(len, text.splitlines()[1:])) <= 81


def test_an_unfinished_run_is_drawn_as_far_as_it_goes():
    for steps in (0, 30):
        instance, simulator = played(steps)
        assert figure_to_array(PROBLEM.draw(instance, simulator.solution(0))).size
        assert "no recorded job is finished" in PROBLEM.draw_text(instance, simulator.solution(0))
