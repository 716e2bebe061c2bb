"""A cluster in plain Python: where VMs are, where they can go, and what that is worth."""

from collections import defaultdict


class Plain:
    """Follows moves by the definitions, without anything of the simulator."""

    def __init__(self, instance):
        self.instance = instance
        self.host, self.node = instance.host.tolist(), instance.node.tolist()
        self.moved = set()

    def move(self, vm, pm, node):
        self.host[vm], self.node[vm] = pm, node
        self.moved.add(vm)

    def spans(self, vm, node=None):
        """The NUMA nodes that a VM takes."""
        if self.instance.nodes[vm] == 2:
            return (0, 1)
        return (self.node[vm] if node is None else node,)

    def left(self, demand, capacity):
        left = capacity.tolist()
        for vm, pm in enumerate(self.host):
            for node in self.spans(vm):
                left[pm][node] -= int(demand[vm])
        return left

    def free(self):
        return self.left(self.instance.cpu, self.instance.capacity)

    def places(self, vm):
        """Every (PM, node) to which a VM may move."""
        instance = self.instance
        if not instance.movable[vm]:
            return []
        cores, memory = self.free(), self.left(instance.memory, instance.memory_capacity)
        found = []
        for pm in range(instance.num_pms):
            for node in (0,) if instance.nodes[vm] == 2 else (0, 1):
                here = pm == self.host[vm] and node == self.node[vm]
                room = all(
                    cores[pm][k] >= instance.cpu[vm] and memory[pm][k] >= instance.memory[vm]
                    for k in self.spans(vm, node)
                )
                if not here and room and not self.enemies(vm, pm):
                    found.append((pm, node))
        return found

    def enemies(self, vm, pm):
        group = self.instance.group
        return [
            other
            for other, host in enumerate(self.host)
            if other != vm and host == pm and group[vm] >= 0 and group[other] == group[vm]
        ]

    def can_move(self):
        return [vm for vm in range(self.instance.num_vms) if self.places(vm)]

    def alike(self):
        """Sets of interchangeable VMs: movable, in no group, of one demand and NUMA node, all or none moved before."""
        sets = defaultdict(list)
        for vm in range(self.instance.num_vms):
            demand = [int(array[vm]) for array in (self.instance.cpu, self.instance.memory, self.instance.nodes)]
            plain = self.instance.movable[vm] and self.instance.group[vm] < 0
            sets[(*demand, self.host[vm], self.node[vm], vm in self.moved, -1 if plain else vm)].append(vm)
        return list(sets.values())

    def worth(self, free):
        """Weighted cores that VMs of the fragment sizes can use on one PM."""
        return sum(
            item.weight * item.size * slots_of(item, *free) for item in self.instance.terms.fragments
        )  # fmt: skip

    def loose(self, pm):
        """Whether a PM has cores that one of the sizes cannot use."""
        free = self.free()[pm]
        return any(sum(free) > item.size * slots_of(item, *free) for item in self.instance.terms.fragments)

    def usable(self):
        return sum(map(self.worth, self.free()))

    def rate(self):
        total = sum(map(sum, self.free()))
        weights = sum(item.weight for item in self.instance.terms.fragments)
        return weights - self.usable() / total if total else 0.0

    def gain(self, vm, pm, node):
        """Usable cores that a move gains."""
        before, place = self.usable(), (self.host[vm], self.node[vm])
        self.host[vm], self.node[vm] = pm, node
        after = self.usable()
        self.host[vm], self.node[vm] = place
        return after - before

    def gain_of_leaving(self, vm):
        """Usable cores that its PM gains when a VM leaves."""
        free = self.free()[self.host[vm]]
        after = list(free)
        for node in self.spans(vm):
            after[node] += int(self.instance.cpu[vm])
        return self.worth(after) - self.worth(free)


def slots_of(item, one, two):
    """How many more VMs of a fragment's size fit."""
    if item.nodes == 1:
        return one // item.size + two // item.size
    return min(one, two) // (item.size // 2)
