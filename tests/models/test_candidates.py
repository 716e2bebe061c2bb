"""Lists of candidates, and attention over them: equal to what padded tables would give."""

import pytest
import torch

from schedlab.models.attention import CandidateAttention, Front
from schedlab.models.candidates import Candidates


def padded(states=5, actions=6, features=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mask = (torch.rand(states, actions, generator=generator) < 0.5).to(torch.int8)
    mask[:, 1] = 1
    candidate = torch.randint(0, 9, (states, actions), generator=generator, dtype=torch.int32)
    candidate[0, 0] = candidate[2, 5] = -1
    mask[candidate < 0] = 0
    return {
        "candidate": candidate,
        "candidate_features": torch.randn(states, actions, features, generator=generator),
        "context": torch.randn(states, 2, generator=generator),
        "action_mask": mask,
    }


@pytest.mark.parametrize("only_legal", [True, False])
def test_every_shown_candidate_appears_once_in_the_order_of_states_and_actions(only_legal):
    observation = padded()
    candidates, action = Candidates.from_padded(observation, only_legal=only_legal)
    seen = []
    for state, count in enumerate(candidates.count.tolist()):
        for position in range(count):
            place = int(candidates.first[state]) + position
            seen.append((state, int(action[place])))
            assert int(candidates.state[place]) == state
            assert int(candidates.position[place]) == position
            torch.testing.assert_close(candidates.features[place], observation["candidate_features"][seen[-1]])
            assert candidates.node[place] == observation["candidate"][seen[-1]]
            assert bool(candidates.legal[place]) == bool(observation["action_mask"][seen[-1]])
    shown = observation["action_mask"] > 0 if only_legal else observation["candidate"] >= 0
    assert seen == [tuple(pair) for pair in shown.nonzero().tolist()]


def test_selecting_states_and_joining_them_again_loses_nothing():
    candidates, _ = Candidates.from_padded(padded())
    parts = [candidates.select(torch.tensor(states)) for states in ([3], [0, 4], [1, 2])]
    joined = Candidates.join(parts)
    back = joined.select(torch.tensor([1, 3, 4, 0, 2]))
    for name in ("graph", "count", "node", "legal", "features", "context"):
        torch.testing.assert_close(getattr(back, name), getattr(candidates, name))


def test_a_padded_table_holds_the_values_and_the_filling():
    candidates, _ = Candidates.from_padded(padded())
    table = candidates.padded(torch.arange(len(candidates.node)).float(), -1.0)
    assert table.shape == (5, int(candidates.count.max()))
    assert table[table >= 0].tolist() == list(range(len(candidates.node)))
    assert (table >= 0).sum(dim=1).tolist() == candidates.count.tolist()


@pytest.mark.parametrize("only_legal", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_grouped_attention_equals_torch_on_one_state_after_another(only_legal, seed):
    candidates, _ = Candidates.from_padded(padded(states=40, actions=12, seed=seed), only_legal=only_legal)
    torch.manual_seed(seed)
    attention = CandidateAttention(8, 2).double()
    shown = torch.randn(len(candidates.node), 8, dtype=torch.float64)
    front = Front.of(candidates)
    hidden = torch.randn(len(front.legal), 8, dtype=torch.float64)
    found = attention(hidden, shown, front)

    plain = torch.nn.MultiheadAttention(8, 2, batch_first=True).double()
    with torch.no_grad():
        plain.in_proj_weight.copy_(torch.cat([attention.query.weight, attention.keys_and_values.weight]))
        plain.in_proj_bias.copy_(torch.cat([attention.query.bias, attention.keys_and_values.bias]))
        plain.out_proj.load_state_dict(attention.out.state_dict())
    states = candidates.state[front.legal]
    for state in range(len(candidates)):
        asks = attention.norm(hidden[states == state])[None]
        sees = shown[candidates.state == state][None]
        expected = hidden[states == state] + plain(asks, sees, sees, need_weights=False)[0][0]
        torch.testing.assert_close(found[states == state], expected)
