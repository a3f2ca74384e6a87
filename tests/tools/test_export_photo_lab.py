"""The graph of the page of the real model against torch."""

import json

import export_photo_lab
import numpy as np
import pytest
import torch
from lib.photos import FOLDER, photos, table_of_photos
from real_vit import SHA256, load_real

PHOTOS = [0, 9]  # an astronaut and a flower


@pytest.fixture(scope="module")
def committed():
    return export_photo_lab.unpacked()


def session_of(graph):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # as the page has it
    return onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])


def test_committed_graph_is_the_published_model_exported(committed):
    assert {entry.key: entry.value for entry in committed.metadata_props} == {"published_sha256": SHA256}
    new = export_photo_lab.export()
    assert [node.op_type for node in new.graph.node] == [node.op_type for node in committed.graph.node]
    weights = {tensor.name: tensor.raw_data for tensor in committed.graph.initializer}
    assert weights and weights == {tensor.name: tensor.raw_data for tensor in new.graph.initializer}
    kinds = [node.op_type for node in new.graph.node]
    assert kinds.count("DequantizeLinear") == 1 + 1 + 4 * 12, "patches, positions, and four matrices a block"


@pytest.mark.parametrize("size", [168, 224])
def test_graph_agrees_with_torch(committed, size):
    session, model, grid = session_of(committed), load_real(size), size // export_photo_lab.PATCH
    mix = export_photo_lab.resized(grid, grid).numpy()
    for image in photos(size)[0][PHOTOS]:
        tokens, attn = session.run(None, {"image": image[None].numpy(), "mix": mix})
        expected_tokens, expected_attn = export_photo_lab.reference(model, image)
        cosine = torch.cosine_similarity(torch.from_numpy(tokens[0]), expected_tokens, dim=-1)
        assert cosine.mean() >= 0.999 and cosine.min() >= 0.995
        variation = np.abs(attn[0] - expected_attn.numpy()).sum(-1).mean() / 2
        assert 0 < variation <= 0.02


def test_a_weight_is_given_back_to_half_a_step():
    weight = np.array([[1.0, -2.0, 0.004], [0.5, 0.25, -0.127]], np.float32)
    for axis in (0, 1):
        numbers, scale = export_photo_lab.quantised(weight, axis)
        assert numbers.dtype == np.int8 and np.abs(numbers).max(axis=1 - axis).tolist() == [127] * len(scale)
        scales = np.expand_dims(scale, 1 - axis)
        assert (np.abs(numbers * scales - weight) <= scales / 2 + 1e-7).all()


def test_what_is_shown_first_is_what_torch_gives():
    assert json.loads(export_photo_lab.FIRST.read_text(encoding="utf-8")) == {
        "photo": "flower",
        "heat": pytest.approx(export_photo_lab.first()["heat"], abs=2e-5),
    }


def test_photographs_are_those_of_the_snippets():
    shipped = {path.name: path.read_bytes() for path in export_photo_lab.PHOTOS.iterdir()}
    assert shipped == {photo["file"]: (FOLDER / photo["file"]).read_bytes() for photo in table_of_photos()}
