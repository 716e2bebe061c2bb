"""Seeded random blocking job shops."""

from __future__ import annotations

import numpy as np

from ..core.config import drawn_number
from ..job_shop.config import JobShopConfig
from ..job_shop.generate import random_instance as random_shop
from .config import BlockingConfig
from .instance import MAX_LUCK, BlockingInstance


def random_instance(config: BlockingConfig, rng: np.random.Generator) -> BlockingInstance:
    """A random job shop, and then its failures: shops of a seed are the same at every probability."""
    shop = random_shop(
        JobShopConfig(
            num_jobs=config.num_jobs,
            num_machines=config.num_machines,
            min_duration=config.min_duration,
            max_duration=config.max_duration,
        ),
        rng,
    )
    luck = int(rng.integers(MAX_LUCK))
    return BlockingInstance(shop, config.terms(drawn_number(config, "breakdown_probability", rng)), luck)
