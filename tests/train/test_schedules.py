"""Learning-rate schedules."""

import pytest

from schedlab.train.schedules import SCHEDULES, schedule


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_is_positive_and_never_above_its_peak(name):
    rates = [schedule(name, 0.1)(1 - done / 100) for done in range(101)]
    assert all(0 < rate <= 0.1 for rate in rates)
    assert max(rates) == pytest.approx(0.1)


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"constant", "warmup-stable-decay"}))
def test_decaying_schedules_only_fall(name):
    rates = [schedule(name, 1.0)(1 - done / 100) for done in range(101)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.05


def test_warmup_stable_decay_rises_stays_and_falls():
    rate = schedule("warmup-stable-decay", 1.0)
    assert rate(0.99) < rate(0.98) <= rate(0.7) == rate(0.5) == 1.0 > rate(0.2) > rate(0.05)


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ValueError, match="use one of"):
        schedule("staircase", 1.0)
