"""The ViT beside timm's and Hugging Face's with the same random weights; a hub of its own; files that are not whole."""

import functools
import http.server
import json
import re
import threading

import peers  # noqa: F401 (before timm)
import pytest
import timm
import torch
import torch.nn.functional as F
import transformers
import vit_pretrained
from PIL import Image
from safetensors.torch import save_file
from timm.layers import resample_abs_pos_embed as timm_resample
from vit import VisionTransformer, resample_abs_pos_embed, vit
from vit_pretrained import CheckpointError, ScaledViT, from_state_dict, load_pretrained, preprocess

torch.set_num_threads(1)
TINY, DEIT3 = "vit_tiny_patch16_224", "deit3_small_patch16_224"
SIZES = [(224, 224), (384, 384), (160, 272)]
BOUND = 1e-5  # float32


def in_ascii(value):
    """A test's id of what can be read in a terminal, else none of its own."""
    return value if isinstance(value, str) and value.isascii() else ""


def scramble(model, seed=0):
    """Fill every parameter with random numbers as large as those of a trained model, so that no part is without effect."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "gamma" in name or "lambda" in name:  # LayerScale
                parameter.uniform_(0.1, 1)
            elif name.endswith("bias"):
                parameter.normal_(0, 0.1)
            elif parameter.ndim == 1:  # LayerNorm's weight
                parameter.normal_(1, 0.1)
            elif parameter.ndim == 3:  # class token and positions
                parameter.normal_(0, 0.5)
            else:
                parameter.normal_(0, parameter[0].numel() ** -0.5)
    return model.eval()


def timm_model(name, **options):
    """timm's model of that name with random weights, at any image size."""
    with torch.device("meta"):
        model = timm.create_model(name, dynamic_img_size=True, **options)
    return scramble(model.to_empty(device="cpu"))


@torch.inference_mode()
def timm_maps(model, x):
    """timm's logits and the attention of all layers, (B, depth, heads, 1 + N, 1 + N): what its dropout is given."""
    maps, hooks = [], []
    for block in model.blocks:
        block.attn.fused_attn = False
        hooks.append(block.attn.attn_drop.register_forward_pre_hook(lambda _, given: maps.append(given[0])))
    logits = model(x)
    for hook in hooks:
        hook.remove()
    return logits, torch.stack(maps, dim=1)


def assert_same(ours, x, logits, attn):
    """The model's logits and maps are those, and its logits are the same by the fast path."""
    with torch.inference_mode():
        our_logits, our_attn = ours(x, return_attn=True)
        assert our_attn.shape == attn.shape and attn.std() > 1e-3  # the maps are not flat
        assert logits.std() > 0.1
        assert (our_attn - attn).abs().max() < BOUND
        assert (our_logits - logits).abs().max() < BOUND
        assert (ours(x) - logits).abs().max() < BOUND


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", [TINY, "vit_small_patch16_224", "vit_base_patch16_224", DEIT3])
def test_timm(name, size):
    theirs = timm_model(name)
    ours = from_state_dict(theirs.state_dict())
    assert type(ours) is (ScaledViT if name == DEIT3 else VisionTransformer)
    x = torch.randn(1, 3, *size)
    assert_same(ours, x, *timm_maps(theirs, x))


def test_timm_large():
    theirs = timm_model("vit_large_patch16_224")
    ours = from_state_dict(theirs.state_dict())
    for size in SIZES:
        x = torch.randn(1, 3, *size)
        assert_same(ours, x, *timm_maps(theirs, x))


@pytest.mark.parametrize(
    "options",
    [
        {"init_values": 1.0},
        {"no_embed_class": True},
        {"qkv_bias": False},
        {"in_chans": 1},
        {"num_classes": 7},
        {"num_classes": 0},
        {"img_size": 96, "mlp_ratio": 2.5},
    ],
    ids=str,
)
def test_timm_with_one_thing_changed(options):
    theirs = timm_model(TINY, depth=2, **options)
    state = theirs.state_dict()
    ours = from_state_dict(state)
    ours.load_state_dict(state, strict=True)
    x = torch.randn(1, options.get("in_chans", 3), 96, 64)
    assert_same(ours, x, *timm_maps(theirs, x))


@pytest.mark.parametrize("size", [(14, 14), (24, 24), (10, 17), (7, 30), (1, 1)], ids=str)
@pytest.mark.parametrize("prefix", [0, 1])
def test_positions_are_resampled_as_timm_does(prefix, size):
    torch.manual_seed(0)
    pos_embed = torch.randn(1, prefix + 14 * 14, 192)
    theirs = timm_resample(pos_embed, size, num_prefix_tokens=prefix)
    assert (resample_abs_pos_embed(pos_embed, size, num_prefix_tokens=prefix) - theirs).abs().max() < 1e-6
    wide = {"old_size": (7, 28), "num_prefix_tokens": prefix}  # as many as 14 x 14
    theirs = timm_resample(pos_embed, size, **wide)
    assert (resample_abs_pos_embed(pos_embed, size, **wide) - theirs).abs().max() < 1e-6


def hugging_face_model(kind, size=(224, 224), **options):
    """Hugging Face's model of that class with random weights, for that image size."""
    sizes = {"hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768, **options}
    config = transformers.ViTConfig(image_size=size, attn_implementation="eager", num_labels=10, **sizes)
    return scramble(kind(config))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", [transformers.ViTModel, transformers.ViTForImageClassification])
def test_hugging_face(kind, size):
    trained = hugging_face_model(kind).state_dict()
    ours = from_state_dict(trained)
    (positions,) = (name for name in trained if name.endswith("position_embeddings"))
    theirs = hugging_face_model(kind, size)  # its own way of resizing positions has no antialias: give it timm's
    theirs.load_state_dict({**trained, positions: timm_resample(trained[positions], [side // 16 for side in size])})
    x = torch.randn(1, 3, *size)
    with torch.inference_mode():
        found = theirs(x, output_attentions=True)
    logits = found.logits if "logits" in found else found.last_hidden_state[:, 0]
    assert_same(ours, x, logits, torch.stack(found.attentions, dim=1))


def test_hugging_face_resizes_positions_in_another_way():
    theirs = hugging_face_model(transformers.ViTForImageClassification, num_hidden_layers=2)
    ours, x = from_state_dict(theirs.state_dict()), torch.randn(1, 3, 384, 384)
    with torch.inference_mode():
        gap = (theirs(x, interpolate_pos_encoding=True).logits - ours(x)).abs().max()
    assert 10 * BOUND < gap < 0.5


def test_hugging_face_base():
    theirs = hugging_face_model(
        transformers.ViTForImageClassification, hidden_size=768, num_attention_heads=12, intermediate_size=3072
    )
    x = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        found = theirs(x, output_attentions=True)
    assert_same(from_state_dict(theirs.state_dict()), x, found.logits, torch.stack(found.attentions, dim=1))


@pytest.mark.parametrize("kind", [transformers.ViTModel, transformers.ViTForImageClassification])
def test_hugging_face_file_has_the_names_of_the_map(kind, tmp_path):
    theirs = hugging_face_model(kind, num_hidden_layers=2)
    theirs.save_pretrained(tmp_path)  # under the names of transformers 4, as the hub's files
    in_file = vit_pretrained.read_tensors(tmp_path / "model.safetensors")
    assert in_file.keys() != theirs.state_dict().keys()
    from_file, from_model = from_state_dict(in_file).state_dict(), from_state_dict(theirs.state_dict()).state_dict()
    assert from_file.keys() == from_model.keys()
    assert all(torch.equal(from_file[name], from_model[name]) for name in from_file)
    if kind is transformers.ViTForImageClassification:
        assert vit_pretrained.to_huggingface(from_file).keys() == in_file.keys()


def test_eps_matters_where_tokens_are_small():
    torch.manual_seed(0)
    config = transformers.ViTConfig(hidden_size=192, num_attention_heads=3, intermediate_size=768)
    theirs = transformers.ViTForImageClassification(config).eval()  # its own initialisation: tokens of size 0.02
    x = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        logits = theirs(x).logits
        assert (from_state_dict(theirs.state_dict())(x) - logits).abs().max() < BOUND
        assert (from_state_dict(theirs.state_dict(), eps=1e-3)(x) - logits).abs().max() > 10 * BOUND


def test_layer_norm_has_the_eps_of_its_library():
    ours = scramble(vit("Ti/16")).state_dict()
    for state, eps in [(ours, 1e-6), (vit_pretrained.to_huggingface(ours), 1e-12)]:
        for given, expected in [(None, eps), (1e-5, 1e-5)]:
            model = from_state_dict(state, eps=given)
            assert {m.eps for m in model.modules() if isinstance(m, torch.nn.LayerNorm)} == {expected}


def test_weights_are_a_copy_in_float32_that_can_be_trained():
    state = {name: value.half() for name, value in scramble(vit("Ti/16")).state_dict().items()}
    model = from_state_dict(state)
    assert not model.training and all(p.dtype == torch.float32 and p.requires_grad for p in model.parameters())
    before = state["cls_token"].clone()
    model(torch.randn(1, 3, 32, 32)).sum().backward()
    torch.optim.SGD(model.parameters(), lr=1.0).step()
    assert torch.equal(state["cls_token"], before) and not torch.equal(model.cls_token, before.float())


def test_folded_deit3_is_a_plain_vit():
    theirs = timm_model(DEIT3)
    ours = from_state_dict(vit_pretrained.fold(theirs.state_dict()))
    assert type(ours) is VisionTransformer
    x = torch.randn(1, 3, 160, 272)
    assert_same(ours, x, *timm_maps(theirs, x))


# What must be refused


@pytest.mark.parametrize(
    "name, says",
    [
        ("deit_tiny_distilled_patch16_224", "증류 토큰"),
        ("vit_small_patch14_reg4_dinov2", "레지스터 토큰"),
        ("vit_base_patch16_clip_224", "CLIP"),
        ("vit_base_patch16_clip_quickgelu_224", "CLIP"),
        ("vit_medium_patch16_gap_256", "헤드 수"),
        ("vit_base_patch16_gap_224", "맞지 않아요"),
        ("vit_base_patch16_rpn_224", "평균"),
        ("vit_relpos_base_patch16_cls_224", "상대 위치"),
        ("vit_base_patch16_rope_224", "pos_embed"),
        ("vit_base_patch16_siglip_224", "맞지 않아요"),
        ("deit3_medium_patch16_224", "num_heads"),
    ],
    ids=in_ascii,
)
def test_other_models_of_timm_are_refused(name, says):
    with torch.device("meta"):
        state = timm.create_model(name).state_dict()
    with pytest.raises(CheckpointError, match=says):
        from_state_dict(state)


def test_distilled_deit_of_hugging_face_is_refused():
    with torch.device("meta"):
        model = transformers.DeiTForImageClassificationWithTeacher(transformers.DeiTConfig(num_hidden_layers=1))
    with pytest.raises(CheckpointError, match="증류 토큰"):
        from_state_dict(model.state_dict())


@pytest.fixture(scope="module")
def small():
    """timm's names with two blocks."""
    torch.manual_seed(0)
    return vit("Ti/16", depth=2, num_classes=10).state_dict()


def without(name):
    return lambda state: {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda state: {**state, "blocks.0.extra": torch.ones(1)}, "`blocks.0.extra`: 모델에 없는 이름"),
        (without("norm.bias"), "`norm.bias`: 가중치에 없어요"),
        (without("blocks.1.attn.qkv.weight"), "`blocks.1.attn.qkv.weight`: 가중치에 없어요"),
        (without("patch_embed.proj.weight"), "`patch_embed.proj.weight`이라는 텐서가 없어요"),
        (without("head.weight"), "`head.bias`: 모델에 없는 이름"),
        (lambda state: {**state, "head.bias": torch.zeros(9)}, r"`head.bias`: 모양이 \(10,\)여야 하는데 \(9,\)예요"),
        (lambda state: {**state, "pos_embed": torch.zeros(1, 200, 192)}, "200개예요. 정사각 격자도"),
        (lambda state: {**state, "pos_embed": torch.zeros(197)}, "축의 수"),
        (lambda state: {**state, "patch_embed.proj.weight": torch.zeros(192, 768)}, "축의 수"),
        (lambda state: {**state, "patch_embed.proj.weight": torch.zeros(192, 3, 16, 8)}, r"\(192, 3, 16, 16\)여야"),
        (lambda state: {**state, "blocks.0.mlp.fc1.weight": torch.tensor(1.0)}, "축의 수"),
        (lambda state: {}, "텐서가 없어요"),
        (
            lambda state: {name: value for name, value in state.items() if "blocks.0.attn" not in name},
            "blocks.0.attn.proj",
        ),
        (lambda state: {"model." + name: value for name, value in state.items()}, "텐서가 없어요"),
    ],
    ids=in_ascii,
)
def test_one_clear_error_for_weights_that_do_not_fit(small, tmp_path, change, says):
    save_file(change(small), tmp_path / "changed.safetensors")
    with pytest.raises(CheckpointError, match=says) as caught:
        from_state_dict(vit_pretrained.read_tensors(tmp_path / "changed.safetensors"))
    assert len(str(caught.value).splitlines()) <= 7
    from_state_dict(small)  # what was changed was all that is wrong


def test_many_differences_are_counted(small):
    state = {
        name.replace("mlp", "ffn") if name.startswith("blocks.1") else name: value for name, value in small.items()
    }
    with pytest.raises(CheckpointError, match="이 밖에 3개"):
        from_state_dict(state)


def test_a_missing_key_of_hugging_face_is_named(small):
    state = vit_pretrained.to_huggingface(small)
    del state["vit.encoder.layer.1.attention.attention.key.bias"]
    with pytest.raises(CheckpointError, match="`blocks.1.attn.qkv.bias`: 가중치에 없어요"):
        from_state_dict(state)


def test_num_heads_must_divide(small):
    with pytest.raises(CheckpointError, match="192차원을 나누는"):
        from_state_dict(small, num_heads=5)
    assert from_state_dict(small, num_heads=6).blocks[0].attn.num_heads == 6


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:100],
        lambda data: b"",
        lambda data: data + b"\0",
        lambda data: b"PK\3\4" + data,
        lambda data: b"<html>not found</html>",
        lambda data: data[:8] + b"x" + data[9:],
    ],
    ids=["tail", "header", "empty", "longer", "pickle", "page", "garbled"],
)
def test_files_that_are_not_whole(small, tmp_path, damage):
    path = tmp_path / "model.safetensors"
    save_file(small, path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CheckpointError, match="safetensors 파일이 아니거나"):
        vit_pretrained.read_tensors(path)


def test_no_file(tmp_path):
    with pytest.raises(CheckpointError, match="파일이 없어요"):
        vit_pretrained.read_tensors(tmp_path / "none.safetensors")


# load_pretrained, from a hub of the tests' own


class Hub(http.server.SimpleHTTPRequestHandler):
    """A folder served as the hub does: by a redirect to where the file lies. Answers `broken` to a path that it names."""

    def do_GET(self):
        self.server.asked.append(self.path)
        kind = next((kind for part, kind in self.server.broken.items() if part in self.path), None)
        if isinstance(kind, int):
            self.send_error(kind)
        elif kind == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(b"\0" * 1000)
        elif kind == "hangup":
            self.close_connection = True
        elif kind == "page":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>please log in</html>")
        elif "/resolve/main/" in self.path:
            self.send_response(302)
            self.send_header("Location", self.path.replace("/resolve/main/", "/"))
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A server of tmp_path / "hub": its address is hub.url, hub.broken says what it does wrong."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "hub").mkdir()
    handler = functools.partial(Hub, directory=tmp_path / "hub")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.asked, server.broken, server.url = [], {}, f"http://127.0.0.1:{server.server_port}"
        server.folder = tmp_path / "hub"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def publish(hub, name, **options):
    """Put timm's own files of a model with random weights on the hub -> the model."""
    model = timm_model(name.split(".")[0], **options)
    model.pretrained_cfg = timm.get_pretrained_cfg(name).to_dict()
    timm.models.save_for_hf(model, hub.folder / name, safe_serialization=True)
    return model


@pytest.mark.parametrize(
    "name, full",
    [
        (TINY, f"{TINY}.augreg_in21k_ft_in1k"),
        (f"{TINY}.augreg_in21k", f"{TINY}.augreg_in21k"),
        (DEIT3, f"{DEIT3}.fb_in1k"),
    ],
)
def test_load_pretrained(hub, tmp_path, monkeypatch, name, full):
    theirs = publish(hub, full, depth=2)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    ours = load_pretrained(name, hub=hub.url)
    x = torch.randn(1, 3, 224, 224)
    assert_same(ours, x, *timm_maps(theirs, x))
    folder = tmp_path / "cache" / "mundap" / full
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert hub.asked[0] == f"/{full}/resolve/main/config.json"
    hub.shutdown()  # from now on there is no network
    again = load_pretrained(name, hub="http://127.0.0.1:9")
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in ours.state_dict().items())
    expected = timm.data.resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(full).to_dict())
    for key in ("input_size", "interpolation", "mean", "std", "crop_pct"):
        given = ours.pretrained_cfg[key]
        assert (tuple(given) if isinstance(given, list) else given) == expected[key]


def test_short_names_mean_what_timm_means():
    for name, tag in vit_pretrained.TAGS.items():
        cfg = timm.get_pretrained_cfg(name)
        assert cfg.tag == tag and cfg.hf_hub_id in ("timm/", f"timm/{name}.{tag}")
        assert cfg.crop_mode == "center"


@pytest.mark.parametrize(
    "broken, says",
    [
        ({"config.json": 404}, "그런 이름의 가중치가 없어요"),
        ({"config.json": 401}, "그런 이름의 가중치가 없어요"),
        ({"model.safetensors": 503}, "HTTP 503"),
        ({"model.safetensors": "cut"}, "1,000,000바이트 가운데 1,000바이트만"),
        ({"model.safetensors": "hangup"}, "네트워크로 받지 못했어요"),
        ({"model.safetensors": "page"}, "온전하지 않아요"),
        ({"config.json": "page"}, "온전하지 않아요"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_did_not_come_whole_is_not_kept(hub, tmp_path, broken, says):
    publish(hub, f"{TINY}.augreg_in21k", depth=1)
    hub.broken = broken
    with pytest.raises(CheckpointError, match=says):
        load_pretrained(f"{TINY}.augreg_in21k", hub=hub.url, cache=tmp_path / "cache")
    left = [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert left == ([] if "config.json" in broken else ["config.json"])
    assert not [path for path in (tmp_path / "cache").rglob("tmp*")]
    hub.broken = {}
    load_pretrained(f"{TINY}.augreg_in21k", hub=hub.url, cache=tmp_path / "cache")  # and the next time it works


@pytest.mark.parametrize("hub", ["http://127.0.0.1:9", "http://mundap.invalid"])
def test_no_network(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(CheckpointError, match="네트워크로 받지 못했어요") as caught:
        load_pretrained(TINY, hub=hub, cache=tmp_path)
    assert str(tmp_path / f"{TINY}.augreg_in21k_ft_in1k") in str(caught.value)  # where the files may be put by hand
    assert f"{hub}/{TINY}.augreg_in21k_ft_in1k/resolve/main" in str(caught.value)


def test_no_place_to_keep_it(hub, tmp_path):
    publish(hub, f"{TINY}.augreg_in21k", depth=1)
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="저장하지 못했어요"):
        load_pretrained(f"{TINY}.augreg_in21k", hub=hub.url, cache=tmp_path / "file")


@pytest.mark.parametrize(
    "name", ["../vit", "a/b", "", "vit tiny", "vit.tag.more", "https://example.org", "..", "vit\n"]
)
def test_names_that_are_none(name, tmp_path):
    with pytest.raises(CheckpointError, match="이름이 아니에요"):
        load_pretrained(name, hub="http://127.0.0.1:9", cache=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", [{"global_pool": "avg"}, {"model_args": {"act_layer": "quick_gelu"}}])
def test_config_of_another_model_is_refused(hub, tmp_path, change):
    name = f"{TINY}.augreg_in21k"
    publish(hub, name, depth=1)
    path = hub.folder / name / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(CheckpointError, match="활성화 함수"):
        load_pretrained(name, hub=hub.url, cache=tmp_path / "cache")


@pytest.mark.parametrize("size", [(300, 400), (500, 333), (100, 100), (224, 224)])
def test_preprocess_is_that_of_timm(size):
    cfg = timm.get_pretrained_cfg(TINY).to_dict()
    torch.manual_seed(0)
    noise = F.interpolate(torch.rand(1, 3, 12, 12), size=size, mode="bicubic").clamp(0, 1)[0]
    picture = (noise * 255).round().byte()
    transform = timm.data.create_transform(**timm.data.resolve_data_config(pretrained_cfg=cfg))
    theirs = transform(Image.fromarray(picture.movedim(0, 2).numpy()))
    ours = preprocess(picture / 255, cfg)
    assert ours.shape == (1, 3, 224, 224)
    assert (ours[0] - theirs).abs().max() < 1.5 / 255 / 0.5  # PIL rounds to 256 levels, twice


def run_main(capsys, *arguments):
    status = vit_pretrained.main([*map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_command_line(hub, tmp_path, monkeypatch, capsys):
    publish(hub, f"{TINY}.augreg_in21k_ft_in1k", depth=2)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(vit_pretrained, "load_pretrained", functools.partial(load_pretrained, hub=hub.url))
    Image.new("RGB", (300, 200), "red").save(tmp_path / "red.png")
    status, out, _ = run_main(capsys, TINY, tmp_path / "red.png")
    assert status == 0 and "블록 2개, 헤드 3개" in out and len(re.findall(r"클래스 \d+번: [\d.]+%", out)) == 5
    (tmp_path / "red.png").write_text("no image")
    for arguments in [(TINY, tmp_path / "red.png"), (TINY, tmp_path / "none.png"), ("../x",), ("vit_unknown",)]:
        status, _, err = run_main(capsys, *arguments)
        assert status == 1 and "Traceback" not in err and re.search("[가-힣]", err)
