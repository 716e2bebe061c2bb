"""GraphPPO: proximal policy optimisation on episodes collected straight from a batched simulator."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback, Schedule
from stable_baselines3.common.vec_env import VecEnv

from ..agents.core import Policy
from ..envs.core.errors import InputError
from ..envs.core.problem import Problem
from ..models.policy import GraphPolicy
from ..models.sb3 import GraphExtractor, MaskableGraphPolicy, network_config
from .losses import ALONE, BASELINES, DISCOUNT_PER, ImitationLoss, Loss, PPOLoss, advantages
from .rollouts import NothingToDecideError, Phases, Rollout, collect
from .segments import Streams, collect_segments
from .settings import TRAINING_STREAM, check_rules


class BudgetedProgress(BaseAlgorithm):
    """An algorithm whose learning-rate schedule can follow another budget than the count of steps.

    Attributes:
        progress: The share of the training that is done; ``None`` for SB3's count of steps.
    """

    progress: Callable[[], float] | None = None

    def _update_current_progress_remaining(self, num_timesteps: int, total_timesteps: int) -> None:
        if self.progress is not None:
            self._current_progress_remaining = 1.0 - min(self.progress(), 1.0)
        else:
            super()._update_current_progress_remaining(num_timesteps, total_timesteps)

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "progress"]


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
        _init_setup_model: bool = True,
    ) -> None:
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
        if teachers and len(teachers) != len(environments):
            raise ValueError(f"{len(teachers)} teachers for {len(environments)} environments: one for each")
        if precision not in ("float32", "bfloat16"):
            raise ValueError(f"precision {precision!r} not understood; use float32 or bfloat16")
        self.instances, self.repeats, self.minibatch_instances = instances, repeats, minibatch_instances
        self.segment, self.discount_per = segment, discount_per
        self.n_epochs, self.clip_range, self.target_kl, self.baseline = n_epochs, clip_range, target_kl, baseline
        self.environments = [dict(values) for values in environments]
        self.teachers, self.imitation = list(teachers), imitation if teachers else 0.0
        self.imitation_memory = imitation_memory
        self.network_sizes = dict(network or {})
        self.precision, self.compile = precision, compile
        self.phases = Phases()
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
            extractor = {"spec": spec, "config": network_config(spec, **self.network_sizes)}
            known = {"features_extractor_class": GraphExtractor, "features_extractor_kwargs": extractor}
            # kept, so that a saved model can be loaded without an environment, for predicting
            self.policy_kwargs = {**known, **self.policy_kwargs}
            self._set_up_streams(self.env.get_attr("problem")[0], self.env.get_attr("config")[0])
        self.policy = self.policy_class(  # type: ignore[assignment]
            self.observation_space, self.action_space, self.lr_schedule, **self.policy_kwargs
        ).to(self.device)
        self.action_generator = torch.Generator(device=self.device)
        if self.seed is None:
            self.action_generator.seed()
        else:
            self.action_generator.manual_seed(self.seed)
        # a stream of its own: a preset's instance of some seed is what that seed alone draws first
        self.instance_generator = np.random.default_rng(None if self.seed is None else [TRAINING_STREAM, self.seed])
        self._decode = torch.compile(self.network.decode, dynamic=True) if self.compile else self.network.decode
        self._rollouts: list[Rollout] = []
        self._imitated = False
        self._remembered: list[list[Rollout]] = []
        self.rollout_buffer = None  # type: ignore[assignment]  # SB3 hands it to collect_rollouts, which needs none

    def _set_up_streams(self, problem: Problem[Any, Any, Any], base: Any) -> None:
        rows = self.instances * self.repeats
        self.streams = []
        for values in self.environments:
            config = problem.configure({**asdict(base), **values})
            check_rules(problem, config, asdict(base), values)
            self.streams.append(Streams(problem.simulator_for_config(config, rows), problem.sampler(config)))

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

            try:
                with self._precision():
                    rollout = self._play(stream, proceed, self.teachers[number] if self._imitated else None)
            except NothingToDecideError:
                continue  # the luck of the draw; an error only if it is so everywhere
            if rollout is None:
                self.num_timesteps, self._rollouts = start, []
                return False
            self._rollouts.append(rollout)
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

    def _play(
        self, stream: Streams, proceed: Callable[[int], bool], teacher: Policy[Any, Any] | None
    ) -> Rollout | None:
        """An update's episodes, or parts of episodes, of one environment; notes the returns of those that ended."""
        assert self.ep_info_buffer is not None
        if self.segment:
            rollout = collect_segments(
                self.network, stream, self.segment, self.gamma, self.instance_generator, self.action_generator,
                self.phases, decode=self._decode, proceed=proceed, bootstrap=self.baseline != "returns",
            )  # fmt: skip
            self.ep_info_buffer.extend({"r": value, "l": float(length)} for value, length in stream.finished)
            stream.finished.clear()
            return rollout
        drawn = [stream.sample(self.instance_generator) for _ in range(self.instances)]
        rollout = collect(
            self.network, stream.simulator, drawn, self.repeats, self.action_generator, self.phases,
            decode=self._decode, proceed=proceed, teacher=teacher,
        )  # fmt: skip
        if rollout is not None:
            mean_length = float(rollout.steps) / len(rollout.returns)
            self.ep_info_buffer.extend({"r": value, "l": mean_length} for value in rollout.returns.tolist())
        return rollout

    def _log_rollouts(self) -> None:
        steps, decisions = (
            sum(counts) for counts in zip(*((r.steps, len(r.episode)) for r in self._rollouts), strict=True)
        )
        self.logger.record("rollout/real_decisions", decisions / steps)
        self.logger.record("rollout/episodes", sum(len(r.returns) for r in self._rollouts))
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
        batches = [
            (rollout, *advantages(rollout, self.baseline, self.repeats, self.gamma, self.gae_lambda, self.discount_per))
            for rollout in self._rollouts
        ]
        logged: dict[str, list[torch.Tensor]] = defaultdict(list)
        for _ in range(self.n_epochs):
            if not self._epoch(batches, loss, logged):
                break
        self._n_updates += self.n_epochs
        for name, values in logged.items():
            self.logger.record(f"train/{name}", float(torch.stack(values).mean()))
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self._rollouts = []
        self.phases.update += time.perf_counter() - began

    def _epoch(
        self,
        batches: Sequence[tuple[Rollout, torch.Tensor, torch.Tensor]],
        loss: Loss,
        logged: dict[str, list[torch.Tensor]],
    ) -> bool:
        """One pass over the roll-outs, their advantages and targets; False once the policy has moved far enough."""
        for index, chosen in self._minibatches():
            for name, value in self._gradient_step(*batches[index], chosen, loss).items():
                logged[name].append(value)
            # only if asked for: every look waits for the device
            moved = logged.get("approx_kl", [])
            if self.target_kl is not None and moved and float(moved[-1]) > 1.5 * self.target_kl:
                return False
        return True

    def _minibatches(self) -> list[tuple[int, torch.Tensor]]:
        """(roll-out, some of its instances), all of them in random order."""
        shuffle = self.instance_generator  # not torch's own generator, which everybody uses
        counts = [len(rollout.static["node_mask"]) for rollout in self._rollouts]
        parts = [
            (index, chunk)
            for index, count in enumerate(counts)
            for chunk in torch.from_numpy(shuffle.permutation(count)).split(self.minibatch_instances)  # type: ignore[no-untyped-call]
        ]
        return [parts[place] for place in shuffle.permutation(len(parts))]

    def _gradient_step(
        self, rollout: Rollout, advantage: torch.Tensor, target: torch.Tensor, chosen: torch.Tensor, loss: Loss
    ) -> dict[str, torch.Tensor]:
        decisions, candidates, static = rollout.of_instances(chosen.to(self.device))
        if len(decisions) == 0:
            return {}  # nothing was ever to be decided in these instances
        with self._precision():
            logits, values = self._decode(self.network.encode(static), candidates)
        value, about = loss(
            candidates, logits, values, rollout.chosen[decisions], rollout.log_prob[decisions],
            advantage[decisions], target[decisions], None if rollout.wanted is None else rollout.wanted[decisions],
        )  # fmt: skip
        self.policy.optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
        self.policy.optimizer.step()
        return {**about, "loss": value.detach(), "gradient_norm": norm}

    def _excluded_save_params(self) -> list[str]:
        # made anew from the environment when a model is loaded
        mine = ["streams", "teachers", "action_generator", "instance_generator", "_rollouts", "_remembered", "_decode"]
        return [*super()._excluded_save_params(), *mine]
