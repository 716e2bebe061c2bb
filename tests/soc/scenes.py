"""Small platforms and graphs by hand, and a simulator of one run."""

import numpy as np

from schedlab.envs.soc.application import Application
from schedlab.envs.soc.platform import Kind, Platform
from schedlab.envs.soc.simulate import SocSimulator, sizes_of


def started(instance, config):
    simulator = SocSimulator(sizes_of([instance]), 1, config)
    simulator.reset([instance])
    return simulator


def graph(name, times, edges):
    """An application whose tasks have types of their own, and the tables of its kinds, a column each."""
    tasks = tuple(f"{name}{place}" for place in range(len(times)))
    pairs = np.array([edge[:2] for edge in edges], np.int64).reshape(-1, 2)
    application = Application(name, tasks, tasks, pairs, np.array([edge[2] for edge in edges], np.float64))
    columns = [{t: row[k] for t, row in zip(tasks, times, strict=True) if row[k] >= 0} for k in range(len(times[0]))]
    return application, columns


def platform_of(*tables, bandwidth=1.0, same_pe=np.inf):
    """A PE for each table, as fast a link between any two."""
    kinds = tuple(Kind(f"P{k}", 1, table) for k, table in enumerate(tables))
    return Platform("P", kinds, np.full((len(kinds),) * 2, bandwidth), same_pe)
