"""Features of a day by their descriptions, in plain Python, unscaled numbers turned into features one by one."""

import math

import numpy as np

from .plain import CHARGER, PARKED, PlainDay


def count(number):
    return math.log(1 + number) / 2


def clipped(value):
    return min(max(value, -10.0), 10.0)


class Watched(PlainDay):
    """A plain day of which is also known what each aircraft has done last.

    Attributes:
        landed: When each landed.
        charged: Until when each was, or is, charged.
        load: Passengers of its last flight.
    """

    def __init__(self, instance):
        super().__init__(instance)
        planes = range(instance.num_aircraft)
        self.landed, self.charged, self.load = ([0 for _ in planes] for _ in range(3))
        self.possible = instance.full_legs.tolist()

    def step(self, destination):
        plane, leg, battery = self.plane, self.flights[self.plane], self.battery[self.plane]
        profit = super().step(destination)
        _, origin, there, _, _, landed, ready, passengers = self.rows[-1]
        if origin != there:
            self.landed[plane], self.load[plane] = landed, passengers
            self.charged[plane] = ready - self.instance.repair_time(plane, leg)
        elif self.battery[plane] > battery:
            self.charged[plane] = ready
        return profit

    # --- what is expected

    def period(self, time):
        return min(time // self.instance.period, len(self.left) - 1)

    def seconds(self, one, other):
        """Expected of a flight until its aircraft decides again, or of waiting."""
        instance, aircraft = self.instance, self.instance.aircraft
        if one == other:
            return instance.terms.wait
        whole = aircraft.take_off + int(instance.flight[one, other]) + aircraft.landing
        if instance.terms.charging == "full" and instance.chargers[other] > 0:
            whole += math.ceil(3.6 * int(instance.energy[one, other]) / aircraft.charger)
        return whole + float(instance.delay[one])

    def ready(self, plane):
        """When an aircraft decides, as far as it is known: failures show on landing."""
        return self.charged[plane] if self.landed[plane] > self.time else self.next[plane]

    def hours(self, one, other):
        return self.seconds(one, other) / 3600

    def earns(self, one, other, period):
        """What the next flight of a period earns."""
        passengers = min(self.instance.aircraft.seats, self.left[period][one][other])
        margin, cost = self.instance.margin[period, one, other], self.instance.leg_cost[one, other]
        return passengers * float(margin) - float(cost)

    def expected_earnings(self, one, other, period):
        """What the first flight of a period earns by forecast: passengers come by chance, fares as if by forecast."""
        instance, mean = self.instance, float(self.instance.forecast[period, one, other])
        seats = instance.aircraft.seats
        if np.array_equal(instance.forecast, instance.demand):
            passengers = min(seats, mean)
        else:
            chance = [math.exp(-mean) * mean**n / math.factorial(n) for n in range(seats)]
            passengers = sum(n * p for n, p in enumerate(chance)) + seats * (1 - sum(chance))
        distance, fare = (
            float(instance.distance[one, other]),
            instance.terms.fare * float(instance.distance[one, other]),
        )
        fare = math.floor(fare) if instance.terms.whole_fares else fare
        if instance.terms.surge and mean > 0:
            fare *= max(1.0, math.log(mean / instance.terms.surge))
        return passengers * (fare - instance.terms.cost * distance) - float(instance.leg_cost[one, other])

    def flights_from(self, port, period):
        """Dollars per hour, dollars and hours of flights that earn something, the best first; of those there now, or
        by forecast."""
        now = period == self.period(self.time)
        passengers, earns = (self.left, self.earns) if now else (self.instance.forecast, self.expected_earnings)
        flights = [
            (earns(port, other, period) / self.hours(port, other), earns(port, other, period), self.hours(port, other))
            for other in range(self.instance.num_vertiports)
            if self.possible[port][other] and passengers[period][port][other] > 0
        ]
        return sorted((flight for flight in flights if flight[0] > 0), reverse=True)

    def expected_from(self, port, period):
        """Passengers by forecast."""
        forecast = self.instance.forecast[period, port]
        return sum(float(number) for number, can in zip(forecast, self.possible[port], strict=True) if can)

    def waiting_from(self, port):
        """Passengers who are there now, by destination."""
        now = self.left[self.period(self.time)][port]
        return {other: number for other, number in enumerate(now) if self.possible[port][other]}

    def open_out(self, port):
        legs = [1 - float(p) for p, can in zip(self.instance.closure[port], self.possible[port], strict=True) if can]
        return sum(legs) / max(len(legs), 1)

    def all_stands(self, port):
        stands = self.instance.parking if self.kind_at(port) == PARKED else self.instance.chargers
        return int(stands[port])

    # --- features

    def rate(self, port):
        """Dollars per hour of a choice."""
        here = self.place[self.plane]
        return 0.0 if port == here else self.earns(here, port, self.period(self.time)) / self.hours(here, port)

    def option(self, port):
        """Features of a vertiport as a destination, by name."""
        instance, now, plane = self.instance, self.time, self.plane
        here, h, day = self.place[plane], self.period(self.time), self.instance.terms.day
        last, full, flies = len(self.left) - 1, instance.aircraft.battery_wh, port != self.place[self.plane]
        hours, left = self.hours(here, port), self.left[h][here][port]
        profit = self.earns(here, port, h) if flies else 0.0
        arrives, load = now + self.seconds(here, port), min(instance.aircraft.seats, left)
        others = [k for k in range(instance.num_aircraft) if k != plane and self.place[k] == port]
        there = sum(self.ready(k) <= arrives for k in others)
        best = max(clipped(self.rate(j) / 100) for j in self.legal())
        seen = {
            "is_wait": not flies, "profit": clipped(profit / 100), "hours": clipped(hours),
            "rate": clipped(profit / hours / 100),
            "stands_left": self.free(port, self.kind_at(port)) / self.all_stands(port),
            "useful_rate": clipped(profit / max(min(hours, max(day - now, 1) / 3600), 0.1) / 100),
            "behind_best": clipped(clipped(self.rate(port) / 100) - best),
            "is_vertistop": instance.chargers[port] == 0, "there_then": count(there),
            "coming_later": count(len(others) - there),
            "here_now": count(sum(self.ready(k) <= now + 900 for k in others)),
            "value_now": clipped(sum(
                n * float(instance.margin[h, port, j]) for j, n in self.waiting_from(port).items()) / 1000),
            "full_now": count(sum(n // instance.aircraft.seats for n in self.waiting_from(port).values())),
            "delay_there": clipped(float(instance.delay[port]) / 600), "open_out": self.open_out(port),
            "late": arrives >= day, "hours_left": max(day - arrives, 0) / 43200,
            "to_period": (instance.period - math.floor(arrives) % instance.period) / instance.period,
            "free_in": self.free_in(port, plane), "blocked_rate": 0.0 if flies else self.blocked_rate(),
        }  # fmt: skip
        seen |= self.second_leg(port, profit, hours, there) if arrives < day else {
            "two_leg_rate": seen["rate"], "best_then": 0.0, "top_then": 0.0, "demand_then": 0.0, "crowded": 0.0
        }  # fmt: skip
        can = self.possible[here][port]
        of_flights = {
            "load": load / instance.aircraft.seats, "pair_now": count(left), "pair_left": count(left - load),
            "pair_next": count(float(instance.forecast[h + 1, here, port]) if h < last and can else 0.0),
            "miles": clipped(int(instance.energy[here, port]) / full), "closure": float(instance.closure[here, port]),
            "battery_then": clipped((self.battery[plane] - int(instance.energy[here, port])) / full),
            "hold": self.hold(here, port),
        }  # fmt: skip
        return seen | (of_flights if flies else dict.fromkeys(of_flights, 0.0))

    def second_leg(self, port, profit, hours, there):
        """Features of what can follow."""
        then = self.period(int(self.time + self.seconds(self.place[self.plane], port)))
        flights, demand = self.flights_from(port, then), self.expected_from(port, then)
        # where nothing earns anything, the aircraft waits
        rate, earns, lasts = flights[0] if flights else (0.0, 0.0, self.instance.terms.wait / 3600)
        return {
            "best_then": clipped(rate / 100), "top_then": clipped(sum(flight[0] for flight in flights[:3]) / 3 / 100),
            "two_leg_rate": clipped((profit + earns) / (hours + lasts) / 100), "demand_then": count(demand),
            "crowded": clipped(demand / (self.instance.aircraft.seats * (1 + there))),
        }  # fmt: skip

    def hold(self, here, port):
        terms = self.instance.terms
        if not terms.corridors or not terms.separation:
            return 0.0
        lanes = self.entries.get((here, port), [[] for _ in range(terms.corridors)])
        free = min(lane[-1] + terms.separation if lane else 0 for lane in lanes)
        return clipped(max(free - self.time - self.instance.aircraft.take_off, 0) / 900)

    def free_in(self, port, plane):
        """Hours until an aircraft may leave a stand of the kind to which others come; 10 if none is there."""
        kind = self.kind_at(port)
        if self.free(port, kind) > 0:
            return 0.0
        leave = [
            (self.ready(k) - self.time) / 3600
            for k in range(self.instance.num_aircraft)
            if k != plane and self.place[k] == port and self.stand[k] == kind
        ]
        return min([10.0, *leave])

    def blocked_rate(self):
        """Of waiting: the best flight that is possible but for a stand, after waiting for one."""
        here, plane, slot = self.place[self.plane], self.plane, self.time // self.instance.terms.slot
        best = 0.0
        for port in range(self.instance.num_vertiports):
            enough = int(self.instance.energy[here, port]) + self.reserve(port) <= self.battery[plane]
            blocked = port != here and enough and not self.instance.closed[slot, here, port]
            if blocked and self.free(port, self.kind_at(port)) == 0:
                waits = max(self.free_in(port, plane), self.instance.terms.wait / 3600)
                profit = clipped(self.earns(here, port, self.period(self.time)) / 100)
                best = max(best, profit / (clipped(self.hours(here, port)) + waits))
        return best

    def aircraft(self, plane, place):
        """Features of an aircraft, by name; ``place`` are those of the vertiports."""
        now, flies = self.time, self.landed[plane] > self.time
        east, north = place[self.place[plane]]
        return {
            "is_aircraft": 1, "plane_east": east, "plane_north": north,
            "battery": self.battery[plane] / self.instance.aircraft.battery_wh,
            "to_landing": clipped(max(self.landed[plane] - now, 0) / 3600),
            "to_decision": clipped((self.ready(plane) - now) / 3600),
            "failure": clipped(10 * float(self.instance.failure[plane])), "decides": plane == self.plane,
            "full": self.load[plane] / self.instance.aircraft.seats if flies else 0.0,
        }  # fmt: skip

    def whole(self):
        """Features of the state, by name."""
        instance, now, plane, h = self.instance, self.time, self.plane, self.period(self.time)
        fleet, last, day = range(instance.num_aircraft), len(self.left) - 1, instance.terms.day
        ports, seats = range(instance.num_vertiports), instance.num_aircraft * instance.aircraft.seats
        flying = [self.landed[k] > now for k in fleet]
        charging = [self.ready(k) > now and self.charged[k] > now and not flying[k] for k in fleet]
        total = [
            sum(self.expected_from(port, h + more) for port in ports) / seats if h + more <= last else 0.0
            for more in range(3)
        ]
        rates = [clipped(self.rate(port) / 100) for port in self.legal()]
        rivals = [k for k in fleet if k != plane and self.place[k] == self.place[plane] and self.ready(k) <= now + 900]
        chargers = sum(max(int(number), 0) for number in instance.chargers)
        return {
            "time": now / day, "period_left": (instance.period - now % instance.period) / instance.period,
            "day_left": (day - now) / 43200, "my_battery": self.battery[plane] / instance.aircraft.battery_wh,
            "my_failure": clipped(10 * float(instance.failure[plane])), "on_charger": self.stand[plane] == CHARGER,
            "flying": np.mean(flying), "charging": np.mean(charging),
            "idle": 1 - np.mean(flying) - np.mean(charging),
            "free_soon": np.mean([self.ready(k) <= now + 900 for k in fleet]),
            "demand_now": clipped(sum(sum(self.waiting_from(port).values()) for port in ports) / seats),
            "demand_next": clipped(total[1]), "demand_later": clipped(total[2]),
            "choices": len(rates) / len(ports), "best_rate": max(0.0, *rates), "mean_rate": sum(rates) / len(rates),
            "chargers_free": sum(self.free(port, CHARGER) for port in ports) / chargers, "rivals": count(len(rivals)),
            "full_here": self.option(self.place[plane])["full_now"],
        }  # fmt: skip
