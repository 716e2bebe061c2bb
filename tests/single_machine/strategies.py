"""Hypothesis strategies for single-machine instances."""

from hypothesis import strategies as st

from schedlab.envs.single_machine import SingleMachineInstance


@st.composite
def instances(draw, max_jobs=7):
    """Up to ``max_jobs`` jobs with small numbers, so that ties are common; due dates may be negative."""
    count = draw(st.integers(1, max_jobs))

    def numbers(low, high):
        return draw(st.lists(st.integers(low, high), min_size=count, max_size=count))

    return SingleMachineInstance.from_arrays(numbers(1, 6), numbers(-3, 20), numbers(1, 4), name="drawn")
