"""Facts about the two real clusters that ByteDance released: their PMs, and how many VMs of each kind they hold.

See ``data/SOURCES.md``. The mappings themselves are not part of this package; :mod:`.formats` reads them.
"""

from __future__ import annotations

from dataclasses import dataclass

NODE_CORES = 44
NODE_MEMORY = 184_388  # MB


@dataclass(frozen=True)
class Kind:
    """VMs of one flavour and NUMA mode in a real cluster.

    Attributes:
        flavour: Its name.
        cores: Of the whole VM.
        memory: Of the whole VM, MB.
        nodes: 1 or 2 NUMA nodes.
        count: VMs of the kind.
    """

    flavour: str
    cores: int
    memory: int
    nodes: int
    count: int


@dataclass(frozen=True)
class Mix:
    """What a real cluster holds.

    Attributes:
        pms: Its PMs.
        utilisation: Share of its cores in use.
        kinds: Its VMs.
        free: How many PMs have so many free cores on one node and on the other: all the common pairs.
    """

    pms: int
    utilisation: float
    kinds: tuple[Kind, ...]
    free: tuple[tuple[int, int, int], ...]


# free cores on one NUMA node and on the other, and how many PMs have them
MEDIUM_FREE = (
    (0, 0, 160), (12, 12, 27), (0, 2, 23), (0, 8, 17), (0, 4, 11), (4, 4, 8), (4, 8, 6), (8, 12, 6), (0, 6, 6),
    (2, 4, 4), (8, 8, 3), (0, 12, 2), (8, 10, 2), (6, 8, 1), (4, 12, 1), (0, 10, 1), (28, 28, 1),
)  # fmt: skip
LARGE_FREE = (
    (0, 0, 604), (12, 12, 162), (44, 44, 56), (28, 28, 45), (12, 28, 45), (8, 8, 42), (4, 12, 27), (8, 12, 22),
    (4, 4, 21), (12, 44, 16), (28, 44, 12), (4, 8, 12), (10, 12, 11), (8, 10, 11), (0, 8, 10), (2, 4, 7), (0, 2, 7),
    (0, 4, 7), (4, 10, 5), (0, 12, 5), (2, 8, 4), (2, 10, 3), (2, 12, 3), (10, 10, 3), (6, 8, 3), (2, 2, 2),
    (6, 10, 2), (0, 10, 2),
)  # fmt: skip

MIXES = {
    "medium": Mix(
        279,
        0.9432,
        (
            Kind("large", 2, 4096, 1, 337),
            Kind("xlarge", 4, 8192, 1, 906),
            Kind("xlarge", 4, 8192, 2, 3),
            Kind("2xlarge", 8, 16_384, 1, 311),
            Kind("2xlarge", 8, 16_384, 2, 57),
            Kind("4xlarge", 16, 32_768, 1, 184),
            Kind("4xlarge", 16, 32_768, 2, 46),
            Kind("8xlarge", 32, 65_536, 1, 61),
            Kind("8xlarge", 32, 65_536, 2, 50),
            Kind("16xlarge", 64, 131_072, 2, 130),
            Kind("22xlarge", 88, 180_224, 2, 4),
        ),
        MEDIUM_FREE,
    ),
    "large": Mix(
        1176,
        0.8186,
        (
            Kind("large", 2, 8192, 1, 1030),
            Kind("xlarge", 4, 16_384, 1, 670),
            Kind("xlarge", 4, 16_384, 2, 10),
            Kind("2xlarge", 8, 32_768, 1, 617),
            Kind("2xlarge", 8, 32_768, 2, 84),
            Kind("4xlarge", 16, 65_536, 1, 767),
            Kind("4xlarge", 16, 65_536, 2, 152),
            Kind("8xlarge", 32, 131_072, 1, 253),
            Kind("8xlarge", 32, 131_072, 2, 479),
            Kind("16xlarge", 64, 262_144, 2, 266),
            Kind("21xlarge", 84, 350_208, 2, 2),
            Kind("22xlarge", 88, 360_448, 2, 216),
        ),
        LARGE_FREE,
    ),
}
