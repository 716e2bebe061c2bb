"""What a VM-rescheduling environment or benchmark is told: plain JSON values, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..core.config import (
    RANDOM,
    Range,
    check_choices,
    check_instance_field,
    check_number,
    is_a,
    value_range,
)
from .instance import Fragment, Terms

OBJECTIVES = ("fragment-rate", "moves")
OFFERS = ("every", "distinct", "once", "fragmented")
MIXES = ("medium", "large")
TIGHT = ("pm", "node")
LARGEST_SINGLE = 16  # cores; larger flavours are nominally double-NUMA (table A of the released data)


@dataclass(frozen=True)
class VmConfig:
    """Clusters, terms and rules of play.

    A pair ``[low, high]`` means: drawn anew for every random cluster, both ends included.

    Attributes:
        instance: File of the cluster to play (the released JSON format, ``.json`` or ``.json.gz``), or a list of them
            to draw from; ``None`` for random clusters of the sizes below.
        mix: Of random clusters: which real cluster's flavours they have, one of ``MIXES``.
        num_pms: Of random clusters: PMs, each with two NUMA nodes of 44 cores.
        utilisation: Of random clusters: share of the cores in use that VMs coming and going is steered to.
        churn: Of random clusters: VMs that come or go, in units of the VMs that there are at first.
        tight: Of random clusters: where a new VM goes if it goes where it is tightest: the ``"pm"`` or the ``"node"``
            with the least free cores.
        tight_share: Of random clusters: how many go there; the others go anywhere they fit.
        affinity: Of random clusters: other VMs that each VM of an anti-affinity group must not share a PM with.
        affinity_share: Of random clusters: share of the VMs that are in such groups.
        immovable: Of random clusters: share of the VMs that may not be moved.
        arrivals_per_minute: VMs that come while a plan is computed; about as many leave. They matter to what is left of
            a late plan. 9 is a night's rate of the Medium cluster of 279 PMs.
        mnl: Migration number limit; of a pair a file gets the larger.
        fragment: Size X of FR_X, cores; several for a mixture.
        fragment_weight: Their weights; all 1 where ``None``.
        fragment_nodes: NUMA nodes of each; where ``None`` 1 for sizes up to 16, else 2.
        objective: ``"fragment-rate"``, or ``"moves"``: as few as possible until ``goal`` is reached; where it is not,
            the limit and the slots still missing.
        goal: Fragment rate; with the objective ``"moves"`` only.
        delay: Seconds after which a plan is applied; moves that are no longer legal then are lost.
        offer: Which VMs can be picked: ``"every"`` one that can move; one of each ``"distinct"`` kind on a NUMA node;
            of these those not moved yet (``"once"``); or of those only the ones on PMs that are ``"fragmented"``.
        show: ``"legal"`` choices only, or ``"all"`` VMs and NUMA nodes at every step.

    Raises:
        ValueError: A value is out of range.
    """

    instance: str | Sequence[str] | None = None
    mix: str = field(default="medium", metadata={**RANDOM, "choices": MIXES})
    num_pms: Range = field(default=20, metadata=RANDOM)
    utilisation: Range = field(default=0.9067, metadata=RANDOM)
    churn: Range = field(default=1.4, metadata=RANDOM)
    tight: str = field(default="pm", metadata={**RANDOM, "choices": TIGHT})
    tight_share: float = field(default=0.65, metadata=RANDOM)
    affinity: int = field(default=0, metadata=RANDOM)
    affinity_share: float = field(default=1.0, metadata=RANDOM)
    immovable: float = field(default=0.0, metadata=RANDOM)
    arrivals_per_minute: float = 9.0
    mnl: Range = 50
    fragment: Sequence[int] = (16,)
    fragment_weight: Sequence[float] | None = None
    fragment_nodes: Sequence[int] | None = None
    objective: str = field(default="fragment-rate", metadata={"choices": OBJECTIVES})
    goal: float | None = None
    delay: float = 0.0
    offer: str = field(default="every", metadata={"choices": OFFERS})
    show: str = field(default="legal", metadata={"choices": ("legal", "all")})

    def __post_init__(self) -> None:
        check_choices(self)
        check_instance_field(self)
        if value_range(self, "num_pms", 1)[1] > 100_000:
            raise ValueError(f"num_pms must be at most 100000, got {self.num_pms!r}")
        low, high = value_range(self, "utilisation")
        if not 0 <= low <= high <= 1:
            raise ValueError(f"utilisation must lie in 0..1, got {self.utilisation!r}")
        for name in ("tight_share", "affinity_share", "immovable"):
            check_number(self, name, 0, 1)
        low, high = value_range(self, "churn")
        if not 0 <= low <= high <= 100:
            raise ValueError(f"churn must lie in 0..100, got {self.churn!r}")
        check_number(self, "affinity", 0, 1000, integer=True)
        check_number(self, "arrivals_per_minute", 0, 10_000)
        check_number(self, "delay", 0, 86_400)
        value_range(self, "mnl", 1)
        self._check_fragments()
        if self.goal is not None:
            check_number(self, "goal", 0, 1e9)
        self.terms(int(value_range(self, "mnl", 1)[1]))
        if (self.objective == "moves") != (self.goal is not None):
            raise ValueError("a goal is a fragment rate to reach: give it together with objective 'moves', and only so")
        if self.goal is not None and self.delay:
            raise ValueError("a delay counts with the objective 'fragment-rate' only")

    def _check_fragments(self) -> None:
        for name, kind in (("fragment", int), ("fragment_weight", (int, float)), ("fragment_nodes", int)):
            value = getattr(self, name)
            items = [value] if is_a(value, (int, float)) else value
            if value is None and name != "fragment":
                continue
            if not isinstance(items, Sequence) or isinstance(items, str) or not all(is_a(v, kind) for v in items):
                raise ValueError(f"{name} must be a number or a list of them, got {value!r}")
            if len(items) != len(self.sizes):
                raise ValueError(f"{name} has {len(items)} entries for {len(self.sizes)} fragment sizes")

    @property
    def sizes(self) -> list[int]:
        """Fragment sizes as a list; a single number is understood as well."""
        return [int(size) for size in _as_list(self.fragment)]

    @property
    def fragments(self) -> tuple[Fragment, ...]:
        """What the fragment rate counts."""
        weights = _as_list(self.fragment_weight) or [1.0] * len(self.sizes)
        nodes = _as_list(self.fragment_nodes) or [1 if size <= LARGEST_SINGLE else 2 for size in self.sizes]
        return tuple(
            Fragment(size, int(count), float(weight))
            for size, count, weight in zip(self.sizes, nodes, weights, strict=True)
        )

    def terms(self, mnl: int) -> Terms:
        """What is asked of a plan of at most ``mnl`` moves."""
        return Terms(mnl, self.fragments, self.goal, self.delay)


def _as_list(value: float | Sequence[float] | None) -> list[float]:
    return [] if value is None else list(value) if isinstance(value, Sequence) else [value]
