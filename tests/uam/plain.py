"""A day of air taxis in plain Python: one aircraft decides after another, everything is counted anew each time."""

import math

PARKED, CHARGER = "parked", "charger"


class PlainDay:
    """Plays a day by the rules, without anything of the simulator.

    Attributes:
        place: Where each aircraft stands, or will stand when it has landed.
        stand: Whether that is a parking stand or a charger.
        battery: Wh; those of an aircraft under way are what it will decide with.
        next: When each decides again.
        flights: How many flights each has begun.
        left: Passengers not served, ``[H][V][V]``.
        rows: Decisions so far, as in a solution.
        profit: Dollars so far.
    """

    def __init__(self, instance):
        self.instance = instance
        self.place = instance.start.tolist()
        self.stand = []
        for plane, port in enumerate(self.place):
            before = self.place[:plane].count(port)
            self.stand.append(PARKED if before < instance.parking[port] else CHARGER)
        planes = range(instance.num_aircraft)
        self.battery = [instance.aircraft.battery_wh for _ in planes]
        self.next = [0 for _ in planes]
        self.flights = [0 for _ in planes]
        self.left = instance.demand.tolist()
        self.entries = {}  # when aircraft entered the lanes of a pair
        self.rows = []
        self.profit = 0.0

    @property
    def plane(self):
        """The aircraft whose turn it is."""
        return min(range(len(self.next)), key=lambda plane: (self.next[plane], plane))

    @property
    def time(self):
        """When it decides."""
        return self.next[self.plane]

    @property
    def done(self):
        """Whether nobody decides any more."""
        return self.time >= self.instance.terms.day

    def free(self, port, kind):
        """Free stands of a kind."""
        stands = self.instance.parking if kind == PARKED else self.instance.chargers
        taken = sum(place == port and stand == kind for place, stand in zip(self.place, self.stand, strict=True))
        return int(stands[port]) - taken

    def kind_at(self, port):
        """The stand to which aircraft come that fly to a vertiport."""
        return CHARGER if self.instance.chargers[port] > 0 else PARKED

    def reserve(self, port):
        """Wh to the nearest charger."""
        with_charger = [other for other, count in enumerate(self.instance.chargers) if count > 0]
        return min(int(self.instance.energy[port, other]) for other in with_charger)

    def can_fly(self, port):
        """Whether the aircraft whose turn it is may fly there."""
        plane, instance = self.plane, self.instance
        here = self.place[plane]
        slot = self.time // instance.terms.slot
        return (
            port != here
            and instance.energy[here, port] + self.reserve(port) <= self.battery[plane]
            and not instance.closed[slot, here, port]
            and self.free(port, self.kind_at(port)) > 0
        )

    def charges(self):
        """Whether the aircraft whose turn it is would be charged if it waited."""
        plane, instance = self.plane, self.instance
        below = self.battery[plane] < instance.aircraft.battery_wh
        return instance.terms.charging == "waiting" and self.stand[plane] == CHARGER and below

    def legal(self):
        """Destinations that are allowed, in order."""
        ports = [port for port in range(self.instance.num_vertiports) if self.can_fly(port)]
        here = self.place[self.plane]
        full_on_charger = self.stand[self.plane] == CHARGER and not self.charges()
        if not full_on_charger or self.free(here, PARKED) > 0 or not ports:
            ports.append(here)
        return sorted(ports)

    def step(self, destination):
        """Let the aircraft whose turn it is fly, or wait where it is; its profit in dollars."""
        assert not self.done
        assert destination in self.legal()
        profit = self.wait() if destination == self.place[self.plane] else self.fly(destination)
        self.profit += profit
        return profit

    def wait(self):
        plane, terms = self.plane, self.instance.terms
        here, now = self.place[plane], self.time
        if self.charges():
            more = math.floor(self.instance.aircraft.charger * terms.wait / 3.6)
            self.battery[plane] = min(self.battery[plane] + more, self.instance.aircraft.battery_wh)
        elif self.stand[plane] == CHARGER and self.free(here, PARKED) > 0:
            self.stand[plane] = PARKED
        self.next[plane] = now + terms.wait
        self.rows.append([plane, here, here, now, now, now, now + terms.wait, 0])
        return 0.0

    def fly(self, there):
        plane, instance, now = self.plane, self.instance, self.time
        aircraft, here, leg = instance.aircraft, self.place[plane], self.flights[plane]
        period = now // (instance.terms.day // len(instance.demand))
        passengers = min(aircraft.seats, self.left[period][here][there])
        self.left[period][here][there] -= passengers

        entered = self.enter(here, there, now + instance.take_off_delay(plane, leg, here) + aircraft.take_off)
        landed = entered + int(instance.flight[here, there]) + aircraft.landing
        self.battery[plane] -= int(instance.energy[here, there])
        charging = 0
        if instance.terms.charging == "full" and instance.chargers[there] > 0:
            charging = math.ceil(3.6 * (aircraft.battery_wh - self.battery[plane]) / aircraft.charger)
            self.battery[plane] = aircraft.battery_wh
        ready = landed + charging + instance.repair_time(plane, leg)

        self.place[plane], self.stand[plane] = there, self.kind_at(there)
        self.next[plane] = ready
        self.flights[plane] += 1
        self.rows.append([plane, here, there, now, entered, landed, ready, passengers])
        return passengers * float(instance.margin[period, here, there]) - float(instance.leg_cost[here, there])

    def enter(self, here, there, wanted):
        """When an aircraft that would like to enter the corridor at a time can do so."""
        terms = self.instance.terms
        if terms.corridors == 0 or terms.separation == 0:
            return wanted
        lanes = self.entries.setdefault((here, there), [[] for _ in range(terms.corridors)])
        free = [lane[-1] + terms.separation if lane else 0 for lane in lanes]
        lane = free.index(min(free))
        lanes[lane].append(max(wanted, free[lane]))
        return lanes[lane][-1]
