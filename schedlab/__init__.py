"""schedlab: reinforcement-learning environments and agents for scheduling, measured honestly.

Importing this package registers the environments with Gymnasium::

    import gymnasium as gym
    import schedlab

    env = gym.make("JobShop-v0")

Nothing here imports torch: the core needs numpy, numba, gymnasium and rich only.
"""

from .envs import register_envs, register_problem
from .version import __version__

register_envs()

__all__ = ["__version__", "register_problem"]
