"""Training with several processes ends like training with one; run as a script, this file is one of those processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from schedlab.envs.core import InputError
from schedlab.envs.core.problem import load_problem
from schedlab.eval.cli import main
from schedlab.models.candidates import Candidates
from schedlab.train import distributed
from schedlab.train.batches import Batch, Part
from schedlab.train.distributed import ONE_PROCESS, LostError, World, join_world
from schedlab.train.models import make_model
from schedlab.train.rollouts import Luck, draw
from schedlab.train.settings import TrainSettings
from schedlab.train.state import record_of

SHOP = {"builder": "hybrid", "num_jobs": 6, "num_machines": 6}
SMALL = TrainSettings(
    steps=2500, instances=4, repeats=4, minibatch_instances=2, hidden=16, layers=1, heads=2, validation_instances=2,
    validation_updates=3, schedule="constant", learning_rate=3e-3, device="cpu", environment=SHOP,
)  # fmt: skip
DYNAMIC = {"num_machines": 3, "warm_up_jobs": 0, "recorded_jobs": 6, "cool_down_jobs": 0, "utilisation": 0.95}
RUNS = {
    "group": ("job-shop", SMALL),
    "value, several epochs": ("job-shop", SMALL.changed(baseline="value", epochs=2)),
    "both, uneven shares of two environments": (
        "job-shop",
        SMALL.changed(baseline="both", instances=3, minibatch_instances=1, environments=[{}, {"num_jobs": 4}]),
    ),
    "an update that ends early": ("job-shop", SMALL.changed(epochs=3, target_kl=1e-3)),
    "processes without decisions": (
        "job-shop",
        SMALL.changed(
            baseline="both",
            instances=2,
            minibatch_instances=1,
            steps=1500,
            environment={**SHOP, "builder": "append", "num_jobs": [1, 2]},
            environments=[{}, {"num_jobs": 3}],
        ),
    ),
    "imitation": ("job-shop", SMALL.changed(imitate="mwkr", imitation_share=0.6, imitation_memory=2)),
    "segments": (
        "dynamic-job-shop",
        SMALL.changed(baseline="value", repeats=1, segment=12, environment=DYNAMIC, steps=400),
    ),
}
ROOT = Path(__file__).parents[2]
TWO = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}


def trained(name, world=ONE_PROCESS):
    problem, settings = RUNS[name]
    model = make_model(load_problem(problem), settings, world=world)
    model.learn(settings.steps)
    counts = torch.tensor([model.num_timesteps, model._n_updates])
    return {"counts": counts, **{key: value.clone() for key, value in model.network.state_dict().items()}}


def refused(make):
    try:
        make()
    except InputError as error:
        return str(error)
    return "accepted"


class Unlike(World):
    """Of these processes only the first one finds a GPU."""

    def device(self, name):
        return torch.device("cpu" if self.rank else "cuda")


def work(folder):
    """What each of two processes does for the tests below."""
    world = join_world()
    for place, name in enumerate(RUNS):
        weights = trained(name, world)
        if world.leads:
            save_file(weights, folder / f"{place}.safetensors")

    def only_here(rank):
        if world.rank == rank:
            raise InputError(f"no good in {rank}")

    shop = load_problem("job-shop")
    told = [
        refused(lambda: world.from_first(lambda: only_here(0))),
        refused(lambda: world.together(lambda: only_here(1))),
        refused(lambda: world.check_alike("the same")),
        refused(lambda: world.check_alike(str(world.rank))),
        # beside the refusal, the other process has made its model
        refused(lambda: world.together(lambda: only_here(1) or make_model(shop, SMALL, world=world))),
        refused(lambda: Unlike(world.rank, world.size, store=world.store).check_devices("auto")),
        str(world.gather(world.speaks_first()).count(True)),
        str(world.from_first(lambda: 7 + world.rank)),
    ]
    (folder / f"told{world.rank}.txt").write_text("\n".join(told))
    world.leave()


def check_close(one, two):
    for key, value in one.items():
        # moving all logits alike changes no probability: the gradient of this bias is nothing but rounding
        tolerance = 1e-3 if key.endswith("score.3.bias") else 1e-5
        torch.testing.assert_close(two[key], value, atol=tolerance, rtol=0, msg=lambda text, key=key: f"{key}: {text}")


def torchrun(*arguments):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *arguments]
    return {"args": command, "cwd": ROOT, "env": {**os.environ, "OMP_NUM_THREADS": "1"}, "text": True}


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    done = subprocess.run(**torchrun(__file__, str(folder)), capture_output=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


@pytest.mark.parametrize("name", RUNS)
def test_two_processes_train_the_network_that_one_trains(name, two_processes):
    alone = trained(name)
    together = load_file(two_processes / f"{list(RUNS).index(name)}.safetensors")
    assert alone["counts"].tolist() == together["counts"].tolist()
    assert alone["counts"][1] > 2
    check_close(alone, together)


def test_what_one_process_refuses_all_refuse_and_one_of_them_says_so(two_processes):
    told = [(two_processes / f"told{rank}.txt").read_text().splitlines() for rank in range(2)]
    assert told[0] == told[1]
    assert told[0][:3] == ["no good in 0", "no good in 1", "accepted"]
    assert "do not begin alike" in told[0][3]
    assert told[0][4] == "no good in 1"
    assert told[0][5] == "device 'auto': a GPU for some processes, but none for 1; use cpu for all"
    assert told[0][6:] == ["1", "7"]


def settings_file(folder, **changes):
    settings = SMALL.changed(**changes)
    names = ("instances", "repeats", "minibatch_instances", "hidden", "layers", "heads", "validation_instances",
             "validation_updates", "learning_rate", "schedule", "device")  # fmt: skip
    lines = [f"{name} = {getattr(settings, name)!r}".replace("'", '"') for name in names]
    lines += ["[environment]", *(f"{key} = {value!r}".replace("'", '"') for key, value in SHOP.items())]
    path = folder / "small.toml"
    path.write_text("\n".join(lines))
    return str(path)


def network(folder):
    return {key: value for key, value in load_file(folder / "last.safetensors").items() if key.startswith("network.")}


def test_a_run_goes_on_with_another_number_of_processes(tmp_path):
    config, whole, parts = settings_file(tmp_path), tmp_path / "whole", tmp_path / "parts"
    train = ["train", "job-shop", "--quiet"]
    assert main([*train, "--config", config, "--out", str(whole), "--steps", "3400"]) == 0
    assert main([*train, "--config", config, "--out", str(parts), "--steps", "1100"]) == 0
    resume = [*train, "--resume", str(parts), "--steps", "2300"]
    done = subprocess.run(**torchrun("-m", "schedlab", *resume), capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("checkpoint:") == 1
    assert main([*train, "--resume", str(parts), "--steps", "3400"]) == 0
    check_close(network(whole), network(parts))
    curves = [[(p["steps"], round(p["validation"], 6)) for p in record_of(f)["curve"]] for f in (whole, parts)]
    assert set(curves[0]) <= set(curves[1]), "the end of each part is measured too"
    assert record_of(parts)["about"]["resumed"][0].endswith("--steps 2300")


def workers(launcher, count=2):
    """Processes of a launcher by rank, once all have begun to train."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    found = {}
    for child in children:
        variables = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        ranks = [int(text[5:]) for text in variables if text.startswith(b"RANK=")]
        found |= {rank: int(child) for rank in ranks}
    return found if len(found) == count else {}


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes in /proc")
@pytest.mark.parametrize("victim", [0, 1])
def test_when_one_process_is_killed_the_other_ends_with_a_message_and_the_run_can_go_on(victim, tmp_path):
    config, folder = settings_file(tmp_path), tmp_path / "run"
    train = ["train", "job-shop", "--quiet", "--config", config, "--out", str(folder), "--steps", "100000000"]
    run = subprocess.Popen(**torchrun("-m", "schedlab", *train), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 90
        while not (folder / "weights.safetensors").exists():
            assert time.monotonic() < deadline, "nothing validated in time"
            assert run.poll() is None, run.stderr.read()[-2000:]
            time.sleep(0.05)
        os.kill(workers(run.pid)[victim], signal.SIGKILL)
        _, errors = run.communicate(timeout=60)
    finally:
        run.kill()
    assert run.returncode != 0
    said = [line for line in errors.splitlines() if line.startswith("schedlab:")]
    assert len(said) == 1, errors[-3000:]
    assert f"--resume {folder}" in said[0]
    assert not list(folder.glob("*.tmp*")) or victim == 0, "only a process that was killed leaves something behind"
    before = record_of(folder)["curve"]
    assert main(["train", "job-shop", "--quiet", "--resume", str(folder), "--steps", "1"]) == 0
    after = record_of(folder)["curve"]
    assert after[: len(before)] == before
    assert victim == 0 or load_file(folder / "last.safetensors")["counter.steps"] > 576


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
def test_minibatches_do_not_depend_on_the_number_of_processes_and_are_shared_evenly(processes):
    rng = np.random.default_rng(0)
    rows = np.arange(12)
    graphs = np.stack([np.zeros(12, np.int64), rows], axis=1)
    began_later = np.array([[3, 4], [3, 5], [9, 4]])
    everything = np.concatenate([graphs, began_later])
    decisions = rng.integers(0, 9, len(everything))
    parts = []
    for rank in range(processes):
        mine = everything[:, 1] % processes == rank
        parts.append(Part(everything[mine], decisions[mine]))
    batches = [Batch.of(None, parts, World(rank, processes), 6) for rank in range(processes)]
    for batch in batches:
        np.testing.assert_array_equal(batch.decisions, decisions)
        chunks = batch.minibatches(np.random.default_rng(1), 6)
        assert [len(chunk) for chunk in chunks] == [6, 6, 3]
        assert sorted(np.concatenate(chunks)) == list(range(15))
        for chunk, first in zip(chunks, batches[0].minibatches(np.random.default_rng(1), 6), strict=True):
            np.testing.assert_array_equal(chunk, first)
    owners = np.stack([batch.place >= 0 for batch in batches])
    assert (owners.sum(axis=0) == 1).all()
    if 6 % processes == 0:
        whole = [Batch.of(None, [Part(graphs[rows % processes == r], decisions[:12][rows % processes == r])
                                 for r in range(processes)], World(rank, processes), 6)
                 for rank in range(processes)]  # fmt: skip
        for chunk in whole[0].minibatches(np.random.default_rng(2), 6):
            assert {int((batch.place[chunk] >= 0).sum()) for batch in whole} == {6 // processes}


def test_a_process_without_torchrun_is_alone():
    assert join_world({}) is ONE_PROCESS
    assert join_world({"RANK": "0", "WORLD_SIZE": "1"}) is ONE_PROCESS
    assert ONE_PROCESS.gather(3) == [3]
    assert ONE_PROCESS.leads
    assert ONE_PROCESS.speaks_first()
    assert not ONE_PROCESS.lost(RuntimeError("gloo"))
    assert ONE_PROCESS.lost(LostError())


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"RANK": "1", "WORLD_SIZE": "2"}, "MASTER_ADDR and MASTER_PORT not set"),
        ({"RANK": "2", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}, "RANK 2 of WORLD_SIZE 2"),
        ({"RANK": "one", "WORLD_SIZE": "2"}, "not numbers"),
        ({**TWO, "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "0"}, "LOCAL_RANK 0 of LOCAL_WORLD_SIZE 0"),
        ({**TWO, "LOCAL_RANK": "4", "LOCAL_WORLD_SIZE": "4"}, "LOCAL_RANK 4 of LOCAL_WORLD_SIZE 4"),
    ],
)
def test_variables_that_do_not_fit_together_are_refused(variables, words):
    with pytest.raises(InputError, match=words):
        join_world(variables)


@pytest.mark.parametrize(
    ("local", "wanted"),
    [({}, (0, 1)), ({"LOCAL_RANK": "3"}, (3, 4)), ({"LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "8"}, (1, 8))],
)
def test_a_process_that_is_told_nothing_of_its_machine_is_alone_there(local, wanted, monkeypatch):
    monkeypatch.setattr(distributed, "rendezvous", lambda *_, **__: iter([(object(), 1, 2)]))
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda *_, **__: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    world = join_world({**TWO, **local})
    assert (world.local_rank, world.local_size) == wanted


@pytest.mark.parametrize("status", [0, 1])
def test_a_helping_process_ends_with_the_status_of_the_run(status, monkeypatch):
    ended = []
    monkeypatch.setattr(torch.distributed, "destroy_process_group", lambda: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(os, "_exit", ended.append)
    World(0, 2, store=object()).leave(status)
    assert ended == []
    World(1, 2, store=object()).leave(status)
    assert ended == [status]


def test_of_two_signals_of_ctrl_c_the_second_one_interrupts_nothing():
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, distributed._interrupted)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_several_processes_cannot_do_is_refused_in_one_line(monkeypatch):
    shop, two = load_problem("job-shop"), World(0, 2, 0, 2, store=object())
    with pytest.raises(InputError, match="maskable-ppo trains in one process"):
        make_model(shop, SMALL.changed(algorithm="maskable-ppo"), world=two)
    with pytest.raises(InputError, match=r"instances \(1\) must be at least as many as processes \(2\)"):
        make_model(shop, SMALL.changed(instances=1, minibatch_instances=1), world=two)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    for device in ("cuda", "auto"):
        with pytest.raises(InputError, match="2 processes on this machine, but torch sees 1 GPU"):
            make_model(shop, SMALL.changed(device=device), world=two)
    with pytest.raises(InputError, match="every process takes a GPU of its own"):
        make_model(shop, SMALL.changed(device="cuda:0"), world=two)


def test_what_training_draws_is_no_instance_of_a_benchmark_preset():
    shop = load_problem("job-shop")
    model = make_model(shop, SMALL.changed(seed=7))
    sample, drawn = model.streams[0].sample, []
    model.streams[0].sample = lambda rng: drawn.append(sample(rng)) or drawn[-1]
    model.learn(1)
    assert len({instance.duration.tobytes() for instance in drawn}) == SMALL.instances
    presets = {sample(np.random.default_rng(seed)).duration.tobytes() for seed in range(100)}
    assert not presets & {instance.duration.tobytes() for instance in drawn}


def test_a_draw_takes_candidates_as_often_as_it_should_and_never_an_illegal_one():
    count = torch.tensor([3, 2])
    nothing = torch.zeros(5)
    states = Candidates(torch.arange(2), count, nothing.long(), nothing == 0, nothing[:, None], torch.zeros(2, 1))
    logits = torch.tensor([0.25, 0.75, 0.0, 0.0, 1.0]).log()  # the third and the fourth are illegal
    for luck, wanted in ((0.0, [0, 1]), (0.2499, [0, 1]), (0.2501, [1, 1]), (1 - 2**-24, [1, 1])):
        chosen, log_prob = draw(states, logits, torch.full((2,), luck))
        assert chosen.tolist() == wanted
        torch.testing.assert_close(log_prob, logits[torch.tensor([0, 3]) + chosen])


def test_luck_belongs_to_the_episode_and_not_to_the_process_that_plays_it():
    def numbers(world):
        luck = Luck(torch.Generator().manual_seed(3), world.share(5), repeats=2)
        return [luck.next().reshape(-1, 2) for _ in range(3)]

    whole, parts = numbers(World()), [numbers(World(rank, 2)) for rank in range(2)]
    for decision in range(3):
        np.testing.assert_array_equal(parts[0][decision], whole[decision][0::2])
        np.testing.assert_array_equal(parts[1][decision], whole[decision][1::2])


if __name__ == "__main__":
    work(Path(sys.argv[1]))
