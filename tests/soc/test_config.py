"""Configurations from outside: what is refused, and how."""

import math

import pytest

from schedlab.envs.soc.config import SocConfig


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"instance": 3}, "instance must be a name, a file or a list of them"),
        ({"platform": 3}, "platform must be a name or file"),
        ({"applications": 3}, "applications a list of at least one"),
        ({"applications": []}, "applications a list of at least one"),
        ({"applications": ["wifi-tx", 3]}, "applications a list of at least one"),
        ({"applications": ["wifi-tx", "random"]}, "either random or named"),
        ({"platform": "random"}, "a random platform knows no named applications"),
        ({"mix": [0.5]}, "mix has 1 shares for 2 applications"),
        ({"mix": [0, 0]}, "mix must be a list of shares from 0 with a positive sum"),
        ({"mix": [1, -1]}, "mix must be a list of shares"),
        ({"mix": [1, math.nan]}, "mix must be a list of shares"),
        ({"mix": [1, math.inf]}, "mix must be a list of shares"),
        ({"mix": 0.5}, "mix must be a list of shares"),
        ({"mix": "half"}, "mix must be a list of shares"),
        ({"rate": 0}, "rate must lie in 0.000001..1000 jobs per millisecond, got 0"),
        ({"rate": math.nan}, "rate must be a number or a pair"),
        ({"rate": [2, 1]}, "rate must be a number or a pair"),
        ({"rate": "fast"}, "rate must be a number or a pair"),
        ({"rate": 1001}, "rate must lie in"),
        ({"rate": 100, "length": 10**8}, "would have more than a million jobs"),
        ({"max_jobs": -1}, "max_jobs must be an integer in 0..10000"),
        ({"max_jobs": 1.5}, "max_jobs must be an integer"),
        ({"when_full": "wait"}, "when_full 'wait' not understood; use one of stall, retry"),
        ({"prefilled": 13}, "prefilled must be an integer in 0..12, got 13"),
        ({"protocol": "time"}, "protocol 'time' not understood; use one of length, jobs"),
        ({"length": 0}, "length must be an integer in 1.."),
        ({"warm_up": 20_000}, "warm_up must be an integer in 0..19999, got 20000"),
        ({"num_jobs": 0}, "num_jobs must be an integer"),
        ({"noise": -0.1}, "noise must be a number in 0..2"),
        ({"noise": "some"}, "noise must be a number"),
        ({"num_applications": 0}, "num_applications must be an integer"),
        ({"num_tasks": 0}, "num_tasks must be at least 1"),
        ({"num_tasks": 257}, "num_tasks must be at most 256"),
        ({"num_tasks": [1, 2.5]}, "num_tasks must be an integer or a pair"),
        ({"num_pes": 65}, "num_pes must be at most 64"),
        ({"heterogeneity": 1.1}, "heterogeneity must lie in 0..1"),
        ({"support": 1.1}, "support must be a number in 0..1"),
        ({"transfer_ratio": -1}, "transfer_ratio must lie in 0..100"),
        ({"objective": "speed"}, "objective 'speed' not understood; use one of mean-latency"),
        ({"dvfs": 1000}, "dvfs must be a text such as performance or A15:1600, got 1000"),
        ({"action": "both"}, "action 'both' not understood"),
        ({"offer": "some"}, "offer 'some' not understood"),
        ({"defer": 1}, "defer must be true or false, got 1"),
        ({"ready_limit": 0}, "ready_limit must be an integer in 1..1024"),
        ({"look_ahead": "yes"}, "look_ahead must be true or false"),
        ({"queue_order": "lifo"}, "queue_order 'lifo' not understood"),
        ({"rounding": "up"}, "rounding 'up' not understood; use one of floor, nearest, ceil"),
        ({"shortest_task": -1}, "shortest_task must be an integer"),
        ({"transfers": "never"}, "transfers 'never' not understood"),
        ({"warm_up_counts": "all"}, "warm_up_counts 'all' not understood"),
        ({"completions_first": None}, "completions_first must be true or false"),
    ],
)
def test_wrong_configurations_are_refused_by_name(values, words):
    with pytest.raises(ValueError, match=r".") as caught:
        SocConfig(**values)
    assert words in str(caught.value)
