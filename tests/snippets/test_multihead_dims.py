import pytest
import torch
from multihead_dims import CutInput, MultiHeadAttention, cost, inputs_seen, outputs_reached, score_rank
from vit import Attention


@pytest.mark.parametrize("num_heads", [1, 2, 6])
def test_is_the_attention_of_the_vit(num_heads):
    torch.manual_seed(0)
    ours, theirs = MultiHeadAttention(12, num_heads), Attention(12, num_heads, qkv_bias=False)
    with torch.no_grad():
        theirs.qkv.weight.copy_(torch.cat([layer.weight for layer in (ours.to_q, ours.to_k, ours.to_v)]))
        theirs.proj.weight.copy_(ours.proj.weight)
        theirs.proj.bias.zero_()
    x = torch.randn(5, 12)
    torch.testing.assert_close(ours(x), theirs(x[None])[0][0])


def test_inputs_seen_counts_columns():
    assert inputs_seen(torch.tensor([[0.0, 1, 0], [0, 2, 3]])) == 2
    assert inputs_seen(torch.zeros(2, 3)) == 0


def test_cut_input_is_block_diagonal():
    cut, x = CutInput(6, 3), torch.randn(4, 6)
    blocks = torch.block_diag(*(f.weight for f in cut.maps))
    torch.testing.assert_close(cut(x), x @ blocks.T)


@pytest.mark.parametrize("num_heads, head_dim", [(1, 12), (3, 4), (3, 12), (5, 2)])
def test_cost_by_formula(num_heads, head_dim):
    N, D, inner = 7, 12, num_heads * head_dim
    parameters, flops, maps = cost(MultiHeadAttention(D, num_heads, head_dim), N, D)
    assert parameters == 4 * D * inner
    assert flops == 2 * (4 * N * D * inner + 2 * N * N * inner)
    assert maps == num_heads


@pytest.mark.parametrize("num_heads", [1, 3, 12])
def test_rank_is_the_size_of_a_head(num_heads):
    torch.manual_seed(0)
    assert score_rank(MultiHeadAttention(12, num_heads)) == 12 // num_heads


def test_outputs_reached_without_a_mixing_output_map():
    torch.manual_seed(0)
    model = MultiHeadAttention(12, 3)
    assert outputs_reached(model, torch.randn(5, 12)) == (4, 12)
    model.proj.weight.data = torch.eye(12)  # heads side by side, unmixed
    assert outputs_reached(model, torch.randn(5, 12)) == (4, 4)
