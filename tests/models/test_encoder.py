"""Graph encoders: edges, equivariance, padding, and the comparison encoder against its definition."""

import pytest
import torch

from schedlab.models.encoder import ENCODERS, DisjunctiveEncoder, join_graphs

EDGES = {
    "precedes": torch.tensor([[[0, 1, -1], [1, 2, -1]], [[0, -1, -1], [1, -1, -1]]]),
    "uses": torch.tensor([[[0, 1, 2], [3, 4, 3]], [[0, 1, -1], [3, 3, -1]]]),
}

ALL = torch.ones(2, 5, dtype=torch.int8)


def test_joined_graphs_keep_every_edge_once_and_drop_the_padding():
    joined = join_graphs(EDGES, 5)
    assert joined["precedes"].T.tolist() == [[0, 1], [1, 2], [5, 6]]
    assert joined["uses"].T.tolist() == [[0, 3], [1, 4], [2, 3], [5, 8], [6, 8]]


@pytest.mark.parametrize("name", ENCODERS)
def test_every_encoder_gives_finite_embeddings_and_gradients(name):
    torch.manual_seed(0)
    encoder = ENCODERS[name](4, ("precedes", "uses"), 8, 2)
    nodes = torch.randn(2, 5, 4)
    embedding = encoder(nodes, EDGES, ALL)
    assert embedding.shape == (2, 5, 8)
    embedding.square().sum().backward()
    for parameter in encoder.parameters():
        assert parameter.grad is None or torch.isfinite(parameter.grad).all()
    assert torch.isfinite(embedding).all()


@pytest.mark.parametrize("name", ENCODERS)
def test_graphs_of_a_batch_do_not_hear_of_one_another(name):
    torch.manual_seed(0)
    encoder = ENCODERS[name](4, ("precedes", "uses"), 8, 2)
    nodes = torch.randn(2, 5, 4)
    before = encoder(nodes, EDGES, ALL)[0]
    nodes[1] += 1
    torch.testing.assert_close(encoder(nodes, EDGES, ALL)[0], before)


@pytest.mark.parametrize("name", ENCODERS)
def test_renumbering_the_nodes_renumbers_the_embeddings(name):
    torch.manual_seed(0)
    encoder = ENCODERS[name](4, ("precedes", "uses"), 8, 2)
    nodes = torch.randn(1, 5, 4)
    edges = {key: value[:1] for key, value in EDGES.items()}
    order = torch.tensor([3, 0, 4, 1, 2])  # node n becomes order[n]
    moved = torch.empty_like(nodes)
    moved[:, order] = nodes
    renamed = {key: torch.where(value >= 0, order[value.clamp(min=0)], -1) for key, value in edges.items()}
    torch.testing.assert_close(encoder(moved, renamed, ALL[:1])[:, order], encoder(nodes, edges, ALL[:1]))


def test_park2021_sums_over_rivals_as_if_each_pair_were_linked():
    torch.manual_seed(0)
    encoder = DisjunctiveEncoder(3, ("precedes", "uses"), 4, 1)
    nodes = torch.randn(1, 5, 3)
    edges = {key: value[:1] for key, value in EDGES.items()}
    hidden = encoder.embed(nodes[0])
    before, after, rivals = encoder.before[0], encoder.after[0], encoder.rivals[0]
    machine = {0: 3, 1: 4, 2: 3}
    rows = []
    for node in range(5):
        zero = torch.zeros(4)
        own = hidden[node]
        from_before = sum((before(hidden[[s]])[0] for s, t in ((0, 1), (1, 2)) if t == node), zero)
        from_after = sum((after(hidden[[t]])[0] for s, t in ((0, 1), (1, 2)) if s == node), zero)
        shared = sum(
            (rivals(hidden[[other]])[0] for other in machine if other != node and machine[other] == machine.get(node)),
            zero,
        )
        rows.append(torch.cat([own, from_before, from_after, shared, hidden.mean(dim=0)]))
    expected = encoder.update[0](torch.stack(rows))
    torch.testing.assert_close(encoder(nodes, edges, ALL[:1])[0, :3], expected[:3])


def test_park2021_says_what_it_needs():
    with pytest.raises(ValueError, match="two relations"):
        DisjunctiveEncoder(3, ("precedes",), 4, 1)
