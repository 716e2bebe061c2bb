"""Training that begins with imitating an agent."""

import gymnasium as gym
import numpy as np
import pytest
import torch

from schedlab.agents.core import AgentOptions, Policy
from schedlab.agents.registry import teacher
from schedlab.envs.core import InputError
from schedlab.envs.core.problem import load_problem
from schedlab.envs.job_shop import PROBLEM, JobShopConfig
from schedlab.models.candidates import Candidates
from schedlab.models.policy import GraphPolicy
from schedlab.models.sb3 import network_config
from schedlab.train.graph_ppo import GraphPPO
from schedlab.train.losses import ImitationLoss
from schedlab.train.models import make_model
from schedlab.train.rollouts import Phases, collect
from schedlab.train.settings import TrainSettings

CONFIG = JobShopConfig(num_jobs=4, num_machines=3)
OPTIONS = AgentOptions()


def test_a_rollout_of_a_teacher_holds_the_teachers_actions():
    simulator = PROBLEM.simulator_for_config(CONFIG, 4)
    torch.manual_seed(0)
    network = GraphPolicy(network_config(simulator.spec, hidden=16, layers=1, heads=2))
    sample, rng = PROBLEM.sampler(CONFIG), np.random.default_rng(0)
    rule = teacher("mwkr", PROBLEM, CONFIG, OPTIONS)
    instances = [sample(rng) for _ in range(2)]
    rollout = collect(network, simulator, instances, 2, torch.Generator().manual_seed(0), Phases(), teacher=rule)
    returns = rollout.returns.reshape(2, 2)
    assert torch.equal(returns[:, 0], returns[:, 1]), "a rule plays one instance alike"
    logits, _ = network.decode(network.encode(rollout.static), rollout.candidates)
    log_prob = torch.log_softmax(rollout.candidates.padded(logits, -torch.inf), dim=1)
    log_prob = log_prob.gather(1, rollout.chosen[:, None]).squeeze(1)
    torch.testing.assert_close(log_prob, rollout.log_prob)


def test_a_network_that_only_imitates_comes_to_do_what_its_teacher_does():
    settings = TrainSettings(
        steps=6000, imitate="mwkr", imitation_share=1.0, instances=4, repeats=2, minibatch_instances=2, hidden=16,
        layers=1, heads=2, learning_rate=5e-3, environment={"num_jobs": 4, "num_machines": 3},
    )  # fmt: skip
    model = make_model(PROBLEM, settings)
    agreements = []
    model.learn(settings.steps, callback=lambda values, _: bool(agreements.append(model.imitating)) or True)
    assert all(agreements)
    simulator = PROBLEM.simulator_for_config(CONFIG, 16)
    sample, rng = PROBLEM.sampler(CONFIG), np.random.default_rng(7)
    instances = [sample(rng) for _ in range(16)]
    rule = teacher("mwkr", PROBLEM, CONFIG, OPTIONS)
    rollout = collect(model.network, simulator, instances, 1, torch.Generator(), Phases(), teacher=rule)
    logits, values = model.network.decode(model.network.encode(rollout.static), rollout.candidates)
    _, about = ImitationLoss()(rollout.candidates, logits, values, rollout.chosen, *[rollout.log_prob] * 3)
    assert about["agreement"] > 0.8


class Undecided(Policy):
    """Takes the last legal action, and likes every other one half as much."""

    def act(self, simulator):
        legal = simulator.action_mask
        last = legal.shape[1] - 1 - legal[:, ::-1].argmax(axis=1)
        liked = legal * 1.0
        liked[np.arange(len(legal)), last] = 2.0
        self.weights = liked / liked.sum(axis=1, keepdims=True)
        return last


def test_what_a_teacher_likes_second_best_is_kept_by_the_position_of_the_candidate():
    simulator = PROBLEM.simulator_for_config(CONFIG, 4)
    torch.manual_seed(0)
    network = GraphPolicy(network_config(simulator.spec, hidden=16, layers=1, heads=2))
    sample, rng = PROBLEM.sampler(CONFIG), np.random.default_rng(0)
    instances = [sample(rng) for _ in range(4)]
    rollout = collect(network, simulator, instances, 1, torch.Generator(), Phases(), teacher=Undecided())
    assert rollout.wanted is not None
    count = rollout.candidates.count
    torch.testing.assert_close(rollout.wanted.sum(dim=1), torch.ones(len(count)))
    for wanted, candidates, chosen in zip(rollout.wanted, count.tolist(), rollout.chosen.tolist(), strict=True):
        assert chosen == candidates - 1 == int(wanted.argmax())
        assert (wanted[:candidates] > 0).all()
        assert (wanted[candidates:] == 0).all()


def test_the_loss_is_least_for_a_policy_that_likes_what_its_teacher_likes():
    count, wanted = torch.tensor([2, 3]), torch.tensor([[0.25, 0.75, 0.0], [0.2, 0.3, 0.5]])
    nothing = torch.zeros(5)
    candidates = Candidates(torch.arange(2), count, nothing.long(), nothing == 0, nothing[:, None], torch.zeros(2, 1))
    rest = (torch.zeros(2), torch.tensor([1, 2]), *[torch.zeros(2)] * 3)
    right = torch.tensor([0.25, 0.75, 0.2, 0.3, 0.5]).log()
    least, _ = ImitationLoss()(candidates, right, *rest, wanted)
    for other in (torch.zeros(5), right + torch.tensor([0.1, 0, 0, 0, 0.2])):
        loss, _ = ImitationLoss()(candidates, other, *rest, wanted)
        assert loss > least


@pytest.mark.parametrize(("memory", "kept"), [(1, 1), (2, 2), (50, 3)])
def test_what_was_imitated_is_learned_from_as_often_as_it_is_remembered(memory, kept):
    model = GraphPPO(
        "GraphPolicy", gym.make("JobShop-v0", num_jobs=3, num_machines=3), teachers=[Undecided()], imitation=1.0,
        seed=0, instances=2, repeats=4, minibatch_instances=2, imitation_memory=memory,
        network={"hidden": 16, "layers": 1, "heads": 2},
    )  # fmt: skip
    learned = []
    step = model._gradient_step
    model._gradient_step = lambda rollout, *rest: learned.append(id(rollout)) or step(rollout, *rest)
    updates = []
    train = model.train
    model.train = lambda: (learned.clear(), train(), updates.append(len(set(learned))))
    model.learn(3 * 72)
    assert updates[2] == kept


def test_the_teacher_leaves_after_its_share_of_the_training():
    played = []

    class Watched(Policy):
        def begin(self, simulator, seed):
            played.append(model.num_timesteps)

        def act(self, simulator):
            return simulator.action_mask.argmax(axis=1)

    model = GraphPPO(
        "GraphPolicy", gym.make("JobShop-v0", num_jobs=3, num_machines=3), teachers=[Watched()], imitation=0.5, seed=0,
        instances=2, repeats=4, minibatch_instances=1, network={"hidden": 16, "layers": 1, "heads": 2},
    )  # fmt: skip
    model.learn(1000)
    assert played, "the teacher played at first"
    assert max(played) < 600, "and no longer in the second half"


def test_a_teacher_that_chooses_what_is_no_candidate_is_refused():
    class Wrong:
        def begin(self, simulator, seed):
            pass

        def act(self, simulator):
            return np.full(simulator.batch_size, 99_999)

    simulator = PROBLEM.simulator_for_config(CONFIG, 2)
    network = GraphPolicy(network_config(simulator.spec, hidden=16, layers=1, heads=2))
    instance = PROBLEM.sampler(CONFIG)(np.random.default_rng(0))
    with pytest.raises(ValueError, match="not among the candidates"):
        collect(network, simulator, [instance], 2, torch.Generator(), Phases(), teacher=Wrong())


def test_a_saved_imitation_goes_on_without_its_teachers(tmp_path):
    env = gym.make("JobShop-v0", num_jobs=3, num_machines=3)
    sizes = {"instances": 2, "repeats": 2, "minibatch_instances": 1, "network": {"hidden": 16, "layers": 1, "heads": 2}}
    rule = teacher("mwkr", PROBLEM, JobShopConfig(num_jobs=3, num_machines=3), OPTIONS)
    with pytest.raises(ValueError, match="2 teachers for 1 environments"):
        GraphPPO("GraphPolicy", env, teachers=[rule, rule], imitation=1.0, **sizes)
    GraphPPO("GraphPolicy", env, teachers=[rule], imitation=1.0, seed=0, **sizes).learn(50).save(tmp_path / "model")
    loaded = GraphPPO.load(tmp_path / "model", env=env)
    assert not loaded.imitating
    loaded.learn(50)


@pytest.mark.parametrize("solver", ["mip-fragmented", "local-search"])
def test_what_a_solver_plans_is_played_move_by_move(solver):
    vm = load_problem("vm")
    config = vm.configure({"num_pms": 8, "mnl": 3, "offer": "once", "affinity": 2, "affinity_share": 0.5})
    instances = [vm.sampler(config)(np.random.default_rng(seed)) for seed in range(2)]
    simulator = vm.simulator_for_config(config, 6)
    network = GraphPolicy(network_config(simulator.spec, hidden=16, layers=1, heads=2))
    follower = teacher(solver, vm, config, AgentOptions(time_limit=0.2))
    assert follower.stochastic
    collect(network, simulator, instances, 3, torch.Generator().manual_seed(0), Phases(), teacher=follower)
    for row, instance in enumerate(instances):
        start = instance.fragment_rate()
        assert (simulator.objective()[3 * row : 3 * row + 3] <= start).all(), (
            "the plans are no worse than doing nothing"
        )
        assert vm.check(instance, simulator.solution(3 * row), config).feasible


def test_solvers_can_be_imitated_where_their_solutions_can_be_played():
    with pytest.raises(InputError, match="cannot be imitated"):
        teacher("cp-sat", PROBLEM, CONFIG, OPTIONS)
    with pytest.raises(ValueError, match="segment 0"):
        TrainSettings(imitate="mwkr", segment=8, baseline="value", repeats=1)
    with pytest.raises(ValueError, match="imitation_share"):
        TrainSettings(imitation_share=1.5)
