import pytest
import torch
from bench import peers
from vit import vit


@pytest.mark.parametrize("library", ["timm", "transformers", "torchvision"])
def test_peers_compute_the_same_function_with_our_weights(library):
    torch.manual_seed(0)
    ours = vit("Ti/16").eval()
    for value in ours.parameters():  # no zeros and ones, that any order of biases and norms would forgive
        torch.nn.init.normal_(value, std=0.05)
    model, same = peers.build(library, "Ti/16", ours.state_dict())
    image = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        expected, found = ours(image), model.eval()(image)
    assert same and (found - expected).abs().max() < 1e-4 * expected.abs().max()


def test_vit_pytorch_is_another_network_of_the_same_size():
    model, same = peers.build("vit-pytorch", "Ti/16", vit("Ti/16").state_dict())
    ours, theirs = (sum(value.numel() for value in each.parameters()) for each in (vit("Ti/16"), model))
    assert not same and theirs == pytest.approx(ours, rel=0.02)


def test_what_is_not_installed_is_not_measured(monkeypatch):
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    assert peers.installed_libraries() == ["mundap"]
