"""Which arguments of GraphPPO fit together."""

from __future__ import annotations

from .losses import ALONE, BASELINES, DISCOUNT_PER


def check_arguments(
    baseline: str, instances: int, repeats: int, minibatch_instances: int, segment: int, discount_per: str,
    precision: str,
) -> None:  # fmt: skip
    """Refuse values of :class:`~schedlab.train.graph_ppo.GraphPPO` that are out of range or exclude one another.

    Raises:
        ValueError: What is wrong, in one line.
    """
    if baseline not in BASELINES:
        raise ValueError(f"baseline {baseline!r} not understood; use one of {', '.join(BASELINES)}")
    if baseline not in ALONE and repeats < 2:
        raise ValueError(f"baseline {baseline!r} compares episodes of an instance: repeats must be at least 2")
    if not 1 <= minibatch_instances <= instances:
        raise ValueError(f"minibatch_instances must lie in 1..{instances} (instances), got {minibatch_instances}")
    if discount_per not in DISCOUNT_PER or (segment and discount_per == "clock"):
        raise ValueError(f"discount_per {discount_per!r}: use decision, or clock where whole episodes are played")
    if segment < 0:
        raise ValueError(f"segment must not be negative, got {segment}")
    if segment and (baseline not in ALONE or repeats != 1):
        raise ValueError(
            "segments of episodes have no group to compare with: use baseline 'value' or 'returns', and repeats 1"
        )
    if precision not in ("float32", "bfloat16"):
        raise ValueError(f"precision {precision!r} not understood; use float32 or bfloat16")
