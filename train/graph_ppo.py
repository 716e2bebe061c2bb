"""GraphPPO: proximal policy optimisation on episodes collected straight from a batched simulator."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback, Schedule
from stable_baselines3.common.vec_env import VecEnv
from torch import nn

from ..agents.core import Policy
from ..envs.core.errors import InputError
from ..envs.core.problem import Problem
from ..models.checkpoint import readable
from ..models.policy import GraphPolicy
from ..models.sb3 import GraphExtractor, MaskableGraphPolicy, network_config
from .arguments import check_arguments
from .batches import Batch, Part, shuffled
from .distributed import ONE_PROCESS, World
from .faults import check_finite
from .learner import Learner
from .losses import ImitationLoss, Loss, PPOLoss
from .progress import BudgetedProgress
from .rollouts import NothingToDecideError, Phases, Rollout, collect, from_the_beginning
from .segments import Streams, collect_segments
from .settings import TRAINING_STREAM, check_rules


class GraphPPO(BudgetedProgress, OnPolicyAlgorithm):
    """PPO for problems whose decisions are nodes of a graph, as a Stable-Baselines3 algorithm.

    What is different from SB3's PPO: an update plays whole episodes in a batched :class:`Simulator` instead of stepping
    the environment given (or, with ``segment``, the next decisions of episodes that are too long for that); steps with
    a single legal action are not decisions and cost nothing; every graph is encoded once per episode; several episodes
    of one instance share its encoding, and what they share can serve as baseline. ``learn``, ``predict``, callbacks,
    the logger, ``save`` and ``load`` and ``evaluate_policy`` are SB3's.

    Args:
        policy: ``"GraphPolicy"``, or a sub-class of :class:`~schedlab.models.sb3.MaskableGraphPolicy`.
        env: An environment of this package, or its Gymnasium id.
        learning_rate: A number, or SB3's function of the share of the training that remains; see
            :func:`~schedlab.train.schedules.schedule`.
        instances: Instances of an update, from each of ``environments``.
        repeats: Episodes of each instance.
        segment: 0 to play whole episodes; else the decisions of an update in each of ``instances`` episodes, which go
            on in the next update.
        minibatch_instances: Instances (or segments) of a gradient step, with all their episodes.
        n_epochs: Passes over an update's episodes.
        gamma: Discount from one decision to the next, for the value function.
        gae_lambda: Lambda of generalised advantage estimation.
        discount_per: Whether gamma and lambda count per ``"decision"``, or per unit of the simulator's ``"clock"``; see
            :func:`~schedlab.train.losses.decays`. Segments know decisions only.
        clip_range: PPO's clipping range.
        ent_coef: Weight of the entropy bonus.
        vf_coef: Weight of the value loss.
        max_grad_norm: Gradients are clipped to it.
        target_kl: An update ends when a gradient step finds the policy 1.5 times so far away, as SB3's PPO does;
            ``None`` for never.
        baseline: ``"group"``, ``"value"``, ``"both"``, ``"paired"`` or ``"returns"``; see
            :func:`~schedlab.train.losses.advantages`.
        environments: Configurations to train on: each changes values of ``env``'s own, but not the rules of play. Every
            update plays instances of all of them.
        teachers: Policies whose play is imitated at first, one for each of ``environments``; none for no imitation.
        imitation: Share of the training, from its beginning, in which they are.
        imitation_memory: Updates whose imitated play is learned from again.
        network: Sizes of the network, for example ``{"hidden": 64}``: what the observation does not decide of a
            :class:`~schedlab.models.policy.NetworkConfig`.
        precision: ``"float32"`` or ``"bfloat16"`` (automatic mixed precision).
        compile: Compile the decoder with ``torch.compile``.
        stats_window_size: Episodes over which SB3 averages what it logs; ``None`` for those of an update.
        tensorboard_log: Folder of TensorBoard's log.
        verbose: SB3's verbosity.
        seed: Of the network, instances and actions.
        device: ``"auto"`` takes a GPU when there is one.
        world: The processes that train this network together, each with its share of ``instances``; they need the same
            arguments, except for ``device``. See :func:`~schedlab.train.distributed.join_world`.

    Raises:
        ValueError: A value is out of range.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {"GraphPolicy": MaskableGraphPolicy}
    policy: MaskableGraphPolicy  # type: ignore[assignment]

    def __init__(
        self,
        policy: str | type[ActorCriticPolicy],
        env: GymEnv | str,
        learning_rate: float | Schedule = 1e-3,
        *,
        instances: int = 16,
        repeats: int = 16,
        segment: int = 0,
        minibatch_instances: int = 4,
        n_epochs: int = 1,
        gamma: float = 1.0,
        gae_lambda: float = 0.95,
        discount_per: str = "decision",
        clip_range: float = 0.2,
        ent_coef: float = 0.01,
        vf_coef: float = 0.5,
        max_grad_norm: float = 1.0,
        target_kl: float | None = None,
        baseline: str = "group",
        environments: Sequence[dict[str, Any]] = ({},),
        teachers: Sequence[Policy[Any, Any]] = (),
        imitation: float = 0.0,
        imitation_memory: int = 1,
        network: Mapping[str, Any] | None = None,
        precision: str = "float32",
        compile: bool = False,
        stats_window_size: int | None = None,
        tensorboard_log: str | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        world: World = ONE_PROCESS,
        _init_setup_model: bool = True,
    ) -> None:
        check_arguments(baseline, instances, repeats, minibatch_instances, segment, discount_per, precision)
        if teachers and len(teachers) != len(environments):
            raise ValueError(f"{len(teachers)} teachers for {len(environments)} environments: one for each")
        self.instances, self.repeats, self.minibatch_instances = instances, repeats, minibatch_instances
        self.segment, self.discount_per = segment, discount_per
        self.n_epochs, self.clip_range, self.target_kl, self.baseline = n_epochs, clip_range, target_kl, baseline
        self.environments = [dict(values) for values in environments]
        self.teachers, self.imitation = list(teachers), imitation if teachers else 0.0
        self.imitation_memory = imitation_memory
        self.network_sizes = dict(network or {})
        self.precision, self.compile = precision, compile
        self.phases, self.world = Phases(), world
        super().__init__(
            policy,
            env,
            learning_rate,
            n_steps=1,  # an update is counted in episodes
            gamma=gamma,
            gae_lambda=gae_lambda,
            ent_coef=ent_coef,
            vf_coef=vf_coef,
            max_grad_norm=max_grad_norm,
            use_sde=False,
            sde_sample_freq=-1,
            stats_window_size=stats_window_size or instances * repeats * len(self.environments),
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            seed=seed,
            device=device,
            _init_setup_model=_init_setup_model,
        )

    def _setup_model(self) -> None:
        self._setup_lr_schedule()
        self.set_random_seed(self.seed)
        if self.env is not None:
            spec = self.env.get_attr("graph_spec")[0]
            extractor = {"spec": spec, "config": readable(network_config(spec, **self.network_sizes))}
            known = {"features_extractor_class": GraphExtractor, "features_extractor_kwargs": extractor}
            # kept, so that a saved model can be loaded without an environment, for predicting
            self.policy_kwargs = {**known, **self.policy_kwargs}
            self._set_up_streams(self.env.get_attr("problem")[0], self.env.get_attr("config")[0])
        self.policy = self.policy_class(  # type: ignore[assignment]
            self.observation_space, self.action_space, self.lr_schedule, **self.policy_kwargs
        ).to(self.device)
        seed = self.world.from_first(lambda: secrets.randbits(63)) if self.seed is None else self.seed
        # on the CPU, so that a run goes on elsewhere with what it would have drawn here
        self.action_generator = torch.Generator().manual_seed(seed)
        # a stream of its own: a preset's instance of some seed is what that seed alone draws first
        self.instance_generator = np.random.default_rng([TRAINING_STREAM, seed])
        self._decode = torch.compile(self.network.decode, dynamic=True) if self.compile else self.network.decode
        self._learner: nn.Module = Learner(self.network, self._decode, self._precision, self.world)
        self._rollouts: list[Batch] = []
        self._imitated = False
        self._remembered: list[list[Batch]] = []
        self.rollout_buffer = None  # type: ignore[assignment]  # SB3 hands it to collect_rollouts, which needs none

    def _set_up_streams(self, problem: Problem[Any, Any, Any], base: Any) -> None:
        share, self.streams = self.world.share(self.instances), []
        rows = len(share.numbers) * self.repeats
        for values in self.environments:
            config = problem.configure({**asdict(base), **values})
            check_rules(problem, config, asdict(base), values)
            self.streams.append(Streams(problem.simulator_for_config(config, rows), problem.sampler(config), share))

    @property
    def network(self) -> GraphPolicy:
        """The network in training."""
        return self.policy.network

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int = 10,
        tb_log_name: str = "GraphPPO",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> GraphPPO:
        """Train until ``total_timesteps`` environment steps have been taken, in whole updates; see SB3's ``learn``."""
        # not before: wrapping talks to the others, and one of them may have refused its input while it was made
        self._learner = self.world.wrapped(self._learner)
        super().learn(total_timesteps, callback, log_interval, tb_log_name, reset_num_timesteps, progress_bar)
        return self

    def collect_rollouts(
        self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer, n_rollout_steps: int
    ) -> bool:
        """Play an update's episodes; False if the callback ends the training."""
        self.policy.set_training_mode(False)
        callback.on_rollout_start()
        # noted, because the progress moves on until the update
        start, self._rollouts, self._imitated = self.num_timesteps, [], self.imitating
        for number, stream in enumerate(self.streams):

            def proceed(steps: int, before: int = self.num_timesteps) -> bool:
                self.num_timesteps = before + steps
                return callback.on_step()

            before = self.num_timesteps
            with self._precision():
                batch = self._play(stream, proceed, self.teachers[number] if self._imitated else None)
            if batch is None:
                self.num_timesteps, self._rollouts = start, []
                return False
            if batch.decisions.any():  # else the luck of the draw; an error only if it is so everywhere
                self.num_timesteps = before + batch.steps
                self._rollouts.append(batch)
            else:  # what this process had counted until then, others had not
                self.num_timesteps = before
        if not self._rollouts:
            raise InputError(
                "nothing to decide: in these instances every step has one legal action; train on larger ones"
            )
        self._log_rollouts()
        if self._imitated:
            # what a teacher played stays worth learning from, whatever has been learned since
            self._remembered = [*self._remembered, self._rollouts][-self.imitation_memory :]
            self._rollouts = [rollout for update in self._remembered for rollout in update]
        else:
            self._remembered = []
        callback.on_rollout_end()
        return True

    @property
    def imitating(self) -> bool:
        """Whether the teachers play."""
        return bool(self.teachers) and 1.0 - self._current_progress_remaining < self.imitation

    def _play(self, stream: Streams, proceed: Callable[[int], bool], teacher: Policy[Any, Any] | None) -> Batch | None:
        """An update's episodes, or parts of episodes, of one environment; ``None`` if a process gave them up."""
        part, rollout = self._part(stream, proceed, teacher)
        parts = self.world.gather(part)
        if any(other.given_up for other in parts):
            stream.started = False
            return None
        if self.segment and any(other.empty for other in parts):
            stream.started = False  # as a process that is alone would begin anew, with all of its rows
            parts = [replace(other, decisions=0 * other.decisions, episodes=()) for other in parts]
        batch = Batch.of(rollout, parts, self.world, self.minibatch_instances)
        assert self.ep_info_buffer is not None
        self.ep_info_buffer.extend({"r": value, "l": float(length)} for value, length in batch.episodes)
        return batch

    def _part(
        self, stream: Streams, proceed: Callable[[int], bool], teacher: Policy[Any, Any] | None
    ) -> tuple[Part, Rollout | None]:
        """What this process plays, and what the others are to know of it."""
        graphs = from_the_beginning(stream.share)
        episodes: list[tuple[float, int]] | list[tuple[float, float]]
        try:
            rollout = self._segments(stream, proceed) if self.segment else self._episodes(stream, proceed, teacher)
        except NothingToDecideError:
            forced = int(stream.simulator.steps.sum())
            return Part(graphs, np.zeros(len(graphs), np.int64), forced, empty=True), None
        if rollout is None:
            return Part(graphs, np.zeros(len(graphs), np.int64), given_up=True), None
        if self.segment:
            episodes, stream.finished = stream.finished, []
        else:
            mean_length = rollout.steps / len(rollout.returns)
            episodes = [(value, mean_length) for value in rollout.returns.tolist()]
        return Part.of(rollout, episodes), rollout

    def _segments(self, stream: Streams, proceed: Callable[[int], bool]) -> Rollout | None:
        return collect_segments(
            self.network, stream, self.segment, self.gamma, self.instance_generator, self.action_generator,
            self.phases, decode=self._decode, proceed=proceed, bootstrap=self.baseline != "returns",
        )  # fmt: skip

    def _episodes(
        self, stream: Streams, proceed: Callable[[int], bool], teacher: Policy[Any, Any] | None
    ) -> Rollout | None:
        seed = int(self.instance_generator.integers(2**63))
        # a seed for each instance: no process needs to draw those of the others
        drawn = [stream.sample(np.random.default_rng([seed, number])) for number in stream.share.numbers.tolist()]
        return collect(
            self.network, stream.simulator, drawn, self.repeats, self.action_generator, self.phases,
            decode=self._decode, proceed=proceed, teacher=teacher, share=stream.share,
        )  # fmt: skip

    def _log_rollouts(self) -> None:
        decisions = sum(int(batch.decisions.sum()) for batch in self._rollouts)
        self.logger.record("rollout/real_decisions", decisions / sum(batch.steps for batch in self._rollouts))
        self.logger.record("rollout/episodes", sum(len(batch.episodes) for batch in self._rollouts))
        for name, share in self.phases.shares().items():
            self.logger.record(f"time/share_{name}", share)

    def _precision(self) -> AbstractContextManager[Any]:
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def train(self) -> None:
        """Update the policy on the collected episodes."""
        began = time.perf_counter()
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        loss: Loss = PPOLoss(self.clip_range, self.ent_coef, self.vf_coef)
        if self._imitated:
            loss = ImitationLoss(self.vf_coef)
        how = (self.baseline, self.repeats, self.gamma, self.gae_lambda, self.discount_per)
        batches = [(batch, *batch.advantages(*how, self.world, self.device)) for batch in self._rollouts]
        logged: dict[str, list[torch.Tensor]] = defaultdict(list)
        for _ in range(self.n_epochs):
            if not self._epoch(batches, loss, logged):
                break
        self._n_updates += self.n_epochs
        self._log_update(logged)
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self._rollouts = []
        self.phases.update += time.perf_counter() - began

    def _log_update(self, logged: dict[str, list[torch.Tensor]]) -> None:
        sums = {name: float(torch.stack(values).sum()) for name, values in logged.items()}
        told, steps = self.world.gather(sums), max(len(logged["loss"]), 1)
        for name in {name: None for other in told for name in other}:
            self.logger.record(f"train/{name}", sum(other.get(name, 0.0) for other in told) / steps)

    def _epoch(
        self,
        batches: Sequence[tuple[Batch, torch.Tensor, torch.Tensor]],
        loss: Loss,
        logged: dict[str, list[torch.Tensor]],
    ) -> bool:
        """One pass over the batches, their advantages and targets; False once the policy has moved far enough."""
        # not torch's own generator, which everybody uses
        for index, chosen in shuffled(self._rollouts, self.instance_generator, self.minibatch_instances):
            about = self._gradient_step(*batches[index], chosen, loss)
            for name, value in about.items():
                logged[name].append(value)
            # only if asked for: every look waits for the device
            if self.target_kl is not None and about and isinstance(loss, PPOLoss):
                moved = about.get("approx_kl", torch.zeros((), device=self.device)).clone()
                if float(self.world.total(moved)) > 1.5 * self.target_kl:
                    return False
        return True

    def _gradient_step(
        self, batch: Batch, advantage: torch.Tensor, target: torch.Tensor, chosen: NDArray[np.int64], loss: Loss
    ) -> dict[str, torch.Tensor]:
        """One step, the same in all processes; what to log of this one's part, in shares that sum up to the whole."""
        total = int(batch.decisions[chosen].sum())
        if total == 0:
            return {}  # nothing was ever to be decided in these instances
        value, about = self._learner(batch.minibatch(chosen, advantage, target), loss)
        self.policy.optimizer.zero_grad()
        value.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
        check_finite((value, norm), "the loss or its gradient", self._n_updates // self.n_epochs + 1)
        self.policy.optimizer.step()
        return {"loss": torch.zeros_like(norm), **about, "gradient_norm": norm / self.world.size}

    def _update_current_progress_remaining(self, num_timesteps: int, total_timesteps: int) -> None:
        super()._update_current_progress_remaining(num_timesteps, total_timesteps)
        # clocks differ; learning rate and imitation must not
        done = self._current_progress_remaining
        self._current_progress_remaining = self.world.from_first(lambda: done)

    def _excluded_save_params(self) -> list[str]:
        # made anew from the environment when a model is loaded
        mine = ["streams", "teachers", "action_generator", "instance_generator", "_rollouts", "_remembered", "_decode"]
        mine += ["_learner", "world"]
        return [*super()._excluded_save_params(), *mine]
