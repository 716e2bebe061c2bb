"""Rows of a benchmark, made by hand."""

from schedlab.eval.results import Row


def row(agent="a", instance="x", objective=10.0, gap=0.1, seed=0, feasible=True, bound=9.0, measures=None):
    kind = "none" if bound is None else "best-known"
    return Row("job-shop", instance, agent, objective, bound, kind, gap, 0.5, 1, seed, feasible, measures or {})
