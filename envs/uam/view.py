"""A day of a fleet as plain values, see :mod:`..core.view`."""

from __future__ import annotations

import numpy as np

from ..core.view import MAX_BARS, Leg, MapView, Place, short_text
from .activity import Activity
from .instance import UamInstance
from .render import clock, end_of
from .solution import UamSolution


def view_day(instance: UamInstance, solution: UamSolution) -> MapView:
    """Vertiports as places, as large as the flights that leave and come; flights as legs, with their passengers.

    A leg lasts from when the aircraft enters its corridor until it stands at its destination. Between legs it waits, is
    charged or repaired where it is.

    Args:
        instance: The day.
        solution: The decisions; what cannot be drawn is left out.
    """
    activity = Activity.of(instance, solution)
    flights = activity.flights[np.argsort(activity.flights[:, 4], kind="stable")]
    kept, cut = flights[:MAX_BARS], len(flights) > MAX_BARS
    legs = [
        Leg(plane, origin, destination, entered, landed, passengers,
            f"decided {clock(instance, decided)}, ready {clock(instance, ready)}")
        for plane, origin, destination, decided, entered, landed, ready, passengers in kept.tolist()
    ]  # fmt: skip
    traffic = np.bincount(flights[:, 1:3].ravel(), minlength=instance.num_vertiports)
    places = zip(instance.vertiports, instance.x.tolist(), instance.y.tolist(), traffic.tolist(), strict=True)
    last = max((leg.end for leg in legs), default=0)
    return MapView(
        places=tuple(Place(short_text(name), x, y, size) for name, x, y, size in places),
        x_unit="miles",
        vehicles=tuple(f"aircraft {plane}" for plane in range(instance.num_aircraft)),
        vehicle_start=tuple(instance.start.tolist()),
        legs=tuple(legs),
        time_unit="s",
        clock=3600 * instance.terms.opens,
        end=last if cut else max(last, end_of(activity)),
        cut=cut,
    )
