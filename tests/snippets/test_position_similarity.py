import math

import pytest
import torch
from position_similarity import DISTANCE, G, Inpainter, distance_correlation, draw, measure, scores, similarity


@pytest.mark.parametrize("kind", ["smooth", "mirror", "noise"])
def test_draw_has_mean_0_and_variance_1(kind):
    x = draw(kind, 5000, torch.Generator().manual_seed(0)).flatten(1)
    assert x.shape == (5000, G * G)
    assert x.mean(0).abs().max() < 0.1
    torch.testing.assert_close(x.var(0), torch.ones(G * G), atol=0.1, rtol=0)
    assert torch.equal(x, x.flip(1)) == (kind == "mirror")


def test_draw_correlations():
    generator = torch.Generator().manual_seed(0)
    smooth, mirror, noise = (
        torch.corrcoef(draw(kind, 5000, generator).flatten(1).T) for kind in ("smooth", "mirror", "noise")
    )
    torch.testing.assert_close(smooth, torch.exp(-(DISTANCE**2) / 8), atol=0.06, rtol=0)
    assert smooth[0, 1].item() == pytest.approx(math.exp(-1 / 8), abs=0.02)
    facing = torch.eye(G * G).flip(1)
    torch.testing.assert_close(mirror, torch.maximum(torch.eye(G * G), facing), atol=0.06, rtol=0)
    torch.testing.assert_close(noise, torch.eye(G * G), atol=0.06, rtol=0)


def test_hidden_values_are_not_seen():
    torch.manual_seed(0)
    model, x = Inpainter(), torch.randn(2, 1, G, G)
    hidden = torch.zeros(2, G * G, dtype=torch.bool)
    hidden[:, 7] = True
    other = x.clone()
    other.flatten(2)[..., 7] += 5
    assert torch.equal(model(x, hidden)[0], model(other, hidden)[0])
    assert not torch.allclose(model(x, ~hidden)[0], model(other, ~hidden)[0])
    values, attn = model(x, hidden, return_attn=True)
    assert values.shape == (2, G * G) and attn.shape == (2, 4, G * G, G * G)


def test_distance_correlation_of_known_vectors():
    place = torch.cartesian_prod(torch.arange(4), torch.arange(4)).float()
    bumps = torch.exp(-(torch.cdist(place, place) ** 2) / 8)  # neighbours overlap most
    assert distance_correlation(bumps) < -0.9
    assert abs(distance_correlation(torch.randn(16, 4096, generator=torch.Generator().manual_seed(0)))) < 0.3
    assert torch.allclose(similarity(bumps).diagonal(), torch.ones(16))


def test_measure_of_a_model_that_knows_nothing():
    torch.manual_seed(0)
    model = Inpainter()
    torch.nn.init.zeros_(model.head.weight)
    torch.nn.init.zeros_(model.blocks[0].attn.qkv.weight)  # attends to all alike
    with torch.no_grad():
        mse, mean_mse, attn = measure(model, "noise")
    assert mse == pytest.approx(1, abs=0.1) and mean_mse > mse
    torch.testing.assert_close(attn, torch.full((G * G, G * G), 1 / G**2))


def test_scores_of_a_model_that_looks_everywhere_and_has_bumps_for_places():
    torch.manual_seed(0)
    model = Inpainter()
    torch.nn.init.zeros_(model.blocks[0].attn.qkv.weight)
    bumps = torch.exp(-(DISTANCE**2) / 8)  # (N, N): neighbours overlap most
    model.pos_embed.data[0, 1:] = torch.nn.functional.pad(bumps, (0, 32 - G * G))
    found, maps = scores(model, "noise")
    assert found["corr"] < -0.9 and found["facing"] == pytest.approx(1 / G**2)
    assert found["attention_distance"] == pytest.approx(DISTANCE.mean().item(), rel=1e-5)
    assert maps.shape == (2, G * G, G * G)
