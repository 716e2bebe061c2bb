"""The observation of an air-taxi day: names, units and scales of its features.

Dollars (per hour) count in hundreds, energy in full batteries. Counts are ``log(1 + n) / 2``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.graph import FEATURE_LIMIT, PADDING, GraphSpec, GraphState
from . import features as f
from . import state as s
from .instance import Real, UamInstance
from .look_ahead import LookAhead

BINS = 12
"""Parts of the day for which a vertiport's node tells demand and fares."""

NODE_FEATURES = (
    "east",  # of the centre of all, in units of 25 miles
    "north",
    "parking",  # stands / 10
    "chargers",  # / 10
    "is_vertistop",  # has no charger
    "delay",  # mean take-off delay, in units of 10 minutes
    "open",  # mean probability that a route out is open
    "centre",  # miles to the centre of all / 25
    *(f"out_{part}" for part in range(BINS)),  # passengers expected per hour in that part of the day, in units of 50
    *(f"in_{part}" for part in range(BINS)),
    *(f"fare_{part}" for part in range(BINS)),  # what they bring on average, less operating cost, in units of $25
)

CANDIDATE_FEATURES = (
    "is_wait",  # the vertiport where the aircraft is
    "profit",  # of the flight, now
    "hours",  # until it is expected to decide again
    "rate",  # profit per hour
    "useful_rate",  # profit per hour before the day ends
    "two_leg_rate",  # with the best flight that is expected from there
    "behind_best",  # rate, less that of the best choice
    "load",  # share of the seats
    "pair_now",  # who want to fly there in this period, count
    "pair_left",  # who would be left behind, count
    "pair_next",  # expected in the next period of the day, count
    "miles",  # of the range
    "stands_left",  # share of its chargers (of a vertistop parking) that are free
    "is_vertistop",
    "there_then",  # other aircraft that will be free there by then, count
    "coming_later",  # that will be later, count
    "here_now",  # that will be within 15 minutes, count
    "value_now",  # what all who want to leave it now would bring, in units of $1000
    "best_then",  # rate of the best flight expected from there
    "top_then",  # mean rate of the best three
    "demand_then",  # passengers expected from there in the period of arrival, count
    "crowded",  # these per seat of the aircraft that will be free there by then
    "delay_there",  # mean take-off delay, in units of 10 minutes
    "closure",  # probability that the route is closed
    "open_out",  # mean probability that a route from there is open
    "late",  # the flight ends after the day
    "hours_left",  # of the day after the flight, in half days
    "hold",  # wait for a corridor, in units of 15 minutes
    "battery_then",  # on arrival
    "to_period",  # from arrival to the next period, share of a period
    "free_in",  # hours until a stand there may be free; 10 if never
    "full_now",  # flights that those who want to leave it now would fill, count
    "blocked_rate",  # of waiting: rate of the best flight for which only a stand is missing, the wait for it included
)

AIRCRAFT_FEATURES = (
    "is_aircraft",
    "plane_east",  # where it is or flies to, as of the nodes
    "plane_north",
    "battery",  # when it decides next
    "to_landing",  # hours
    "to_decision",  # hours
    "failure",  # probability of failing on landing, in units of a tenth
    "full",  # share of its seats, while it flies
    "decides",  # whether it is its turn
)

LOOK_AHEAD_FEATURES = (
    "look_behind",  # what the choice earns in an hour, followed by greedy-hour, less what the best choice does
)

CONTEXT_FEATURES = (
    "time",  # share of the day that is over
    "period_left",  # share of this period
    "day_left",  # in half days
    "my_battery",
    "my_failure",  # in units of a tenth
    "on_charger",  # whether the aircraft stands on one
    "flying",  # share of the fleet
    "charging",
    "idle",
    "free_soon",  # that decides within 15 minutes
    "demand_now",  # passengers who want to fly in this period, per seat of the fleet
    "demand_next",  # expected in the next, as long as the day lasts
    "demand_later",  # in the one after it
    "choices",  # legal ones, share of the vertiports
    "best_rate",  # of these
    "mean_rate",
    "chargers_free",  # share
    "rivals",  # other aircraft here that decide within 15 minutes, count
    "full_here",  # flights that those who want to leave from here now would fill, count
)
assert len(CANDIDATE_FEATURES) == f.PORT_FEATURES
assert len(AIRCRAFT_FEATURES) == f.PLANE_FEATURES
assert len(CONTEXT_FEATURES) == f.CONTEXT_FEATURES


class UamObserver:
    """Holds the buffers of one simulator's observations and writes their static part.

    Args:
        batch_size: B.
        sizes: Of the simulator.
        show_all: Whether the aircraft are shown behind actions of their own.
        ahead: Plays choices out, where observations tell what they earn.

    Attributes:
        spec: Sizes and names.
        state: The buffers.
    """

    def __init__(self, batch_size: int, sizes: tuple[int, ...], show_all: bool, ahead: LookAhead | None) -> None:
        ports, planes, periods = sizes[:3]
        b = batch_size
        self.show_all, self._ahead = show_all, ahead
        further = (AIRCRAFT_FEATURES if show_all else ()) + (LOOK_AHEAD_FEATURES if ahead else ())
        self.spec = GraphSpec(
            num_nodes=ports,
            node_features=NODE_FEATURES,
            relations=(("routes", ports * (ports - 1)),),
            num_actions=ports + planes if show_all else ports,
            candidate_features=CANDIDATE_FEATURES + further,
            context_features=CONTEXT_FEATURES,
        )
        self.state = GraphState.empty(self.spec, b)
        self._all_rows = np.arange(b)
        self._live = np.zeros((ports, 6))
        self.numbers = f.Numbers(
            hours=np.ones((b, ports, ports)),
            best=np.zeros((b, periods, ports, 4)),
            out=np.zeros((b, periods, ports)),
            pair=np.zeros((b, periods, ports, ports)),
            closure=np.zeros((b, ports, ports)),
            open=np.zeros((b, ports)),
            failure=np.zeros((b, planes)),
            possible=np.zeros((b, ports, ports), np.bool_),
            place=np.zeros((b, ports, 2)),
            total=np.zeros((b, periods)),
        )

    def observe(
        self, world: s.World, state: s.State, out: GraphState | None, rows: NDArray[np.intp] | None
    ) -> GraphState:
        """Write the dynamic part."""
        into = self.state if out is None else out
        chosen = self._all_rows if rows is None else rows
        f.write_rows(chosen, self.show_all, world, state, self.numbers, self._live, *into.dynamic_arrays)
        if self._ahead is not None:
            self._ahead.play_out(chosen, world, state, self.numbers)
            f.write_look_ahead(chosen, self._ahead.earned, into.features)
        return into

    def load(self, row: int, instance: UamInstance) -> None:
        """Write the static part of row ``row``."""
        self._load_numbers(row, instance)
        self._load_graph(row, instance)

    def _load_numbers(self, row: int, instance: UamInstance) -> None:
        n, ports, periods = self.numbers, instance.num_vertiports, len(instance.forecast)
        possible = instance.full_legs
        hours = instance.leg_seconds / 3600
        np.fill_diagonal(hours, 1.0)  # nobody flies there; without take-off and landing it would take no time
        n.possible[row] = False
        n.possible[row, :ports, :ports] = possible
        n.hours[row, :ports, :ports] = hours
        n.closure[row, :ports, :ports] = instance.closure
        n.open[row, :ports] = open_out(instance)
        n.failure[row, : instance.num_aircraft] = instance.failure
        n.place[row, :ports] = places(instance)
        forecast = np.where(possible, instance.forecast, 0.0)
        n.pair[row] = 0
        n.pair[row, :periods, :ports, :ports] = forecast
        n.out[row, :periods, :ports] = forecast.sum(axis=2)
        n.total[row, :periods] = forecast.sum(axis=(1, 2)) / (instance.num_aircraft * instance.aircraft.seats)
        margin = instance.margins(instance.forecast)
        profit = expected_load(instance) * margin - instance.leg_cost
        rate = np.where(possible & (forecast > 0), profit / hours, 0.0)
        first = rate.argmax(axis=2)[..., None]
        top = np.sort(np.maximum(rate, 0.0), axis=2)[..., -f.TOP :].sum(axis=2) / f.TOP
        best = np.take_along_axis(rate, first, axis=2)[..., 0]
        worth = np.where(best > 0, np.take_along_axis(profit, first, axis=2)[..., 0], 0.0)
        lasts = np.take_along_axis(np.broadcast_to(hours, rate.shape), first, axis=2)[..., 0]
        lasts = np.where(best > 0, lasts, instance.terms.wait / 3600)  # where nothing earns anything, it waits
        n.best[row, :periods, :ports] = np.stack([np.maximum(best, 0.0), worth, lasts, top], axis=2)

    def _load_graph(self, row: int, instance: UamInstance) -> None:
        ports, state = instance.num_vertiports, self.state
        possible, place = instance.full_legs, places(instance)
        forecast = np.where(possible, instance.forecast, 0.0)
        margin = instance.margins(instance.forecast)
        per_hour = 3600 / instance.period
        part = np.arange(BINS) * len(forecast) // BINS
        leaving = forecast.sum(axis=2)
        fare = (forecast * margin).sum(axis=2) / np.maximum(leaving, 1e-9)
        series = np.concatenate(
            [leaving[part] * per_hour / 50, forecast.sum(axis=1)[part] * per_hour / 50, fare[part] / 25]
        )
        plain = np.stack(
            [
                place[:, 0], place[:, 1], instance.parking / 10, instance.chargers / 10, instance.chargers == 0,
                instance.delay / 600, open_out(instance), np.hypot(place[:, 0], place[:, 1]),
            ],
            axis=1,
        )  # fmt: skip
        nodes = np.concatenate([plain, series.T], axis=1)
        state.nodes[row] = 0
        state.nodes[row, :ports] = np.clip(nodes, -FEATURE_LIMIT, FEATURE_LIMIT)
        state.node_mask[row] = 0
        state.node_mask[row, :ports] = 1
        pairs = np.argwhere(possible).T
        edges = state.edges["routes"][row]
        edges[:] = PADDING
        edges[:, : pairs.shape[1]] = pairs


def places(instance: UamInstance) -> Real:
    """Where vertiports are from the centre of all, in units of 25 miles, float64 ``[V, 2]``."""
    both = np.stack([instance.x, instance.y], axis=1)
    place: Real = np.clip((both - both.mean(axis=0)) / 25, -FEATURE_LIMIT, FEATURE_LIMIT)
    return place


def open_out(instance: UamInstance) -> Real:
    """The mean probability that a route out of each vertiport is open, float64 ``[V]``."""
    possible = instance.full_legs
    share: Real = (possible * (1 - instance.closure)).sum(axis=1) / np.maximum(possible.sum(axis=1), 1)
    return share


def expected_load(instance: UamInstance) -> Real:
    """Passengers that the first flight of a period can expect, float64 ``[H, V, V]``: the mean of min(seats, demand).

    Demand is Poisson around the forecast, unless it is known.
    """
    mean, seats = instance.forecast, instance.aircraft.seats
    if instance.demand_known:
        return np.minimum(mean, float(seats))
    # sum over n < seats of P(demand > n)
    term = np.exp(-mean)
    below, total = np.zeros_like(mean), np.zeros_like(mean)
    for n in range(seats):
        below = below + term
        total += 1.0 - below
        term = term * mean / (n + 1)
    # where the terms are too small for numbers, all demand is above them
    return np.minimum(total, mean)
