"""The graph of the 실험실 against torch."""

import export_lab
import numpy as np
import pytest
import scenes
import torch
from labpage import torch_run
from train_vit import PATCH, SIZE, load_trained


@pytest.fixture(scope="module")
def trained():
    return load_trained()


def onnx_run(model, image, keep=(1, 1), order=None, mix=None):
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    rows, columns = image.shape[2] // PATCH, image.shape[3] // PATCH
    order = np.arange(rows * columns) if order is None else np.asarray(order)
    mix = np.zeros((rows, columns, export_lab.GRID**2)) if mix is None else mix
    return session.run(
        None,
        {
            "image": image.numpy(),
            "keep": np.array(keep, np.float32),
            "order": order.reshape(rows, columns),
            "mix": mix.astype(np.float32),
        },
    )


@pytest.fixture(scope="module")
def committed():
    import onnx

    return onnx.load(export_lab.TARGET)


def test_committed_graph_is_of_the_committed_weights(committed):
    assert {entry.key: entry.value for entry in committed.metadata_props}[
        "weights_sha256"
    ] == export_lab.weights_digest()


def test_exported_anew_it_is_the_committed_graph(committed):
    import onnx

    new = export_lab.export()
    onnx.checker.check_model(new)
    weights = {tensor.name: tensor.raw_data for tensor in committed.graph.initializer}
    assert weights and weights == {tensor.name: tensor.raw_data for tensor in new.graph.initializer}
    assert [node.op_type for node in new.graph.node] == [node.op_type for node in committed.graph.node]
    image = scenes.draw(1, 80, seed=50)[0]
    for one, other in zip(onnx_run(new, image), onnx_run(committed, image), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("height, width", [(16, 16), (64, 64), (72, 72), (128, 128), (64, 128), (200, 40)])
def test_graph_agrees_with_torch_at_any_size(committed, trained, height, width):
    image = scenes.draw(1, 200, seed=51)[0][:, :, :height, :width].contiguous()
    for ours, theirs in zip(onnx_run(committed, image), torch_run(trained, image), strict=True):
        assert np.abs(ours[0] - theirs).max() < 1e-4


def test_positions_that_move_with_their_patches_change_no_logit(committed):
    image, order = scenes.draw(1, SIZE, seed=52)[0], torch.randperm(64, generator=torch.Generator().manual_seed(0))
    columns = torch.nn.functional.unfold(image, PATCH, stride=PATCH)[:, :, order]
    moved = torch.nn.functional.fold(columns, (SIZE, SIZE), PATCH, stride=PATCH)
    before, attn, _ = onnx_run(committed, image)
    together, attn_together, _ = onnx_run(committed, moved, order=order)
    assert np.abs(together - before).max() < 1e-4
    place = np.concatenate([[0], 1 + order.numpy()])
    assert np.abs(attn_together - attn[..., place, :][..., place]).max() < 1e-4
    assert np.abs(onnx_run(committed, moved)[0] - before).max() > 0.1, "the positions did stay behind"
