"""Names, files, configurations and clear errors."""

import numpy as np
import pytest

from schedlab.envs.blocking_job_shop import PROBLEM, BlockingInstance, Breakdowns, Terms
from schedlab.envs.core import InputError
from schedlab.envs.job_shop import JobShopInstance


def test_built_in_job_shops_are_blocking_ones_with_the_configurations_rules():
    config = PROBLEM.configure({"swap": False, "breakdown_probability": 0.02, "repair_max": 9, "luck": 7})
    instance = PROBLEM.load("la01", config)
    assert (instance.name, instance.luck, PROBLEM.instance_class(instance)) == ("la01", 7, "10x5")
    assert instance.terms == Terms(False, Breakdowns(0.02, "bernoulli", 5, 9, "resume"))
    assert PROBLEM.unfolds(instance)
    assert not PROBLEM.unfolds(PROBLEM.load("la01", PROBLEM.configure({})))
    assert PROBLEM.with_luck(instance, 3).luck == 3


def test_files_of_job_shops_are_read(tmp_path):
    path = tmp_path / "shop.txt"
    path.write_text("2 2\n0 3 1 2\n1 2 0 4\nrelease 0 5\n")
    instance = PROBLEM.load(str(path), PROBLEM.configure({}))
    assert instance.shop.release.tolist() == [0, 5]
    path.write_text("2 2\n0 3 1 2\n1 2 0 four\n")
    with pytest.raises(InputError, match="line 3: 'four' is not an integer"):
        PROBLEM.load(str(path), PROBLEM.configure({}))
    with pytest.raises(InputError, match="unknown instance 'la1'; did you mean la"):
        PROBLEM.load("la1", PROBLEM.configure({}))


@pytest.mark.parametrize(("name", "value"), [("ft06", 63), ("la01", 793), ("la03", 715)])
def test_known_makespans_are_for_shops_with_swap_and_without_failures(name, value):
    config = PROBLEM.configure({})
    assert PROBLEM.bound(PROBLEM.load(name, config), config).value == value
    for values in ({"swap": False}, {"breakdown_probability": 0.01}):
        other = PROBLEM.configure(values)
        assert PROBLEM.bound(PROBLEM.load(name, other), other) is None
    namesake = BlockingInstance(JobShopInstance.from_jobs([[(0, 1)]], name=name))
    assert PROBLEM.bound(namesake, config) is None
    assert PROBLEM.bound(PROBLEM.load("la02", config), config) is None


def test_a_seed_gives_the_same_shop_at_every_probability():
    shops = []
    for p in (0.0, 0.05, [0.01, 0.02]):
        config = PROBLEM.configure({"breakdown_probability": p, "num_jobs": 4})
        shops.append(PROBLEM.sampler(config)(np.random.default_rng(5)))
    assert shops[0].shop == shops[1].shop == shops[2].shop
    assert shops[0].luck == shops[1].luck
    assert shops[0] != shops[1]
    assert 0.01 <= shops[2].terms.breakdowns.probability <= 0.02


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"breakdown_probability": 1.5}, "breakdown_probability must lie in 0..1"),
        ({"breakdown_probability": [0.1, 0.2], "instance": "la01"}, "one number for given instances, not a pair"),
        ({"breakdown_probability": "often"}, "breakdown_probability must be a number or a pair"),
        ({"repair_min": 9, "repair_max": 5}, "repairs 9..5: need repair_min <= repair_max"),
        ({"repair_min": 0}, "repair_min must be an integer in 1..1000000, got 0"),
        ({"uptimes": "weibull"}, "uptimes 'weibull' not understood; use one of bernoulli, exponential"),
        ({"after_repair": "stop"}, "after_repair 'stop' not understood"),
        ({"swap": 1}, "swap must be true or false, got 1"),
        ({"luck": -1}, "luck must be an integer in 0"),
        ({"min_duration": 5, "max_duration": 4}, "durations 5..4: need min_duration <= max_duration"),
        ({"num_jobs": 0}, "num_jobs must be at least 1, got 0"),
        ({"breakdown_probability": 0.2, "after_repair": "restart"}, "would need more than 1000 tries on average"),
        ({"breakdown": 0.2}, "breakdown"),
    ],
)
def test_bad_values_are_refused_in_one_line(values, message):
    with pytest.raises(InputError) as refused:
        PROBLEM.sampler(PROBLEM.configure(values))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_bad_instances_are_refused():
    shop = JobShopInstance.from_jobs([[(0, 90)]])
    with pytest.raises(ValueError, match="luck must be an integer"):
        BlockingInstance(shop, luck=2**63)
    with pytest.raises(ValueError, match="more than 1000 tries"):
        BlockingInstance(shop, Terms(True, Breakdowns(0.5, after_repair="restart")))
    with pytest.raises(ValueError, match=r"probability must be a number in 0\.\.1"):
        Breakdowns(-0.1)
    config = PROBLEM.configure({"breakdown_probability": 0.5, "after_repair": "restart", "instance": "la01"})
    with pytest.raises(InputError, match="la01: an operation of duration"):
        PROBLEM.load("la01", config)


def test_presets_are_configurations():
    assert {"random-10x5", "random-10x10", "random-15x15", "random-10x10-1pct"} <= set(PROBLEM.presets())
    for values in PROBLEM.presets().values():
        PROBLEM.sampler(PROBLEM.configure(values))(np.random.default_rng(0))


def test_solutions_travel_as_json():
    config = PROBLEM.configure({})
    instance = PROBLEM.load("ft06", config)
    simulator = PROBLEM.simulator_for([instance], config)
    simulator.reset([instance])
    while not simulator.done[0]:
        simulator.step(np.array([int(simulator.action_mask[0].argmax())]))
    solution = simulator.solution(0)
    data = PROBLEM.solution_to_json(instance, solution)
    again = PROBLEM.solution_from_json(instance, data)
    np.testing.assert_array_equal(again.start, solution.start)
    with pytest.raises(InputError, match="start"):
        PROBLEM.solution_from_json(instance, {"start": [[1]]})


def test_an_agent_keeps_what_it_is_shown():
    config = PROBLEM.configure({"breakdown_probability": 0.01, "num_jobs": 3})
    playing = PROBLEM.playing(config, {"show_graph": True, "num_jobs": 10})
    assert (playing.show_graph, playing.num_jobs, playing.breakdown_probability) == (True, 3, 0.01)
    assert PROBLEM.agent_for(config) == "swap"
