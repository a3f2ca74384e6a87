import gelu
import pytest
import torch
from torch import nn
from vit import Mlp, vit


@pytest.mark.parametrize("ours, name", [(gelu.gelu, "none"), (gelu.gelu_tanh, "tanh")])
def test_formulas_are_torchs(ours, name):
    x = torch.linspace(-6, 6, 1001, dtype=torch.float64)
    assert torch.allclose(ours(x), nn.GELU(approximate=name)(x), atol=1e-12)


def test_slope_by_hand():
    x = torch.tensor([-1.0, 0.5, 2.0])
    assert torch.allclose(gelu.slope(lambda x: x**3, x), 3 * x**2)


def test_a_line_has_no_bend():
    x = torch.randn(1000)
    assert gelu.bend(lambda x: 3 * x - 1, x) == pytest.approx(0, abs=1e-5)
    assert gelu.bend(torch.abs, torch.cat([x, -x])) == pytest.approx(1, abs=1e-5)  # even: no line helps


def test_activation_mlp_with_gelu_is_vits_mlp():
    torch.manual_seed(0)
    mlp, x = Mlp(8, 16), torch.randn(2, 3, 8)
    assert torch.equal(gelu.ActivationMlp(mlp, gelu.ACTIVATIONS["GELU"])(x), mlp(x))


def test_without_activation_the_mlp_is_one_linear_map():
    torch.manual_seed(0)
    mlp = gelu.ActivationMlp(Mlp(8, 16), gelu.ACTIVATIONS["없음"])
    weight, bias = mlp.fc2.weight @ mlp.fc1.weight, mlp.fc2.weight @ mlp.fc1.bias + mlp.fc2.bias
    x = torch.randn(5, 8)
    assert torch.allclose(mlp(x), x @ weight.T + bias, atol=1e-6)


def test_with_activation_changes_every_block_and_no_weight():
    model = vit("Ti/16", depth=2, embed_dim=24, num_heads=2)
    before = [p.clone() for p in model.parameters()]
    assert all(block.mlp.activation is torch.relu for block in gelu.with_activation(model, torch.relu).blocks)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
