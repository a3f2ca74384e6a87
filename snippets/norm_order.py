# %% [markdown]
# # LayerNorm의 자리만 다른 두 Transformer
#
# 논문의 식은 $\mathrm{LN}(x + f(x))$인데(post-LN), 널리 읽히는 튜토리얼의 코드는 $x + f(\mathrm{LN}(x))$예요(pre-LN).
# 층의 가중치는 이름과 모양이 **똑같아요**. 그래서 층을 섞어 써도 오류가 나지 않는데, 같은 함수일까요?

# %%
from statistics import mean

import torch
from lib.figure import BLUE, ORANGE, plt, show, table
from seq2seq import (
    DecoderLayer,
    EncoderLayer,
    Transformer,
    exact_match,
    greedy,
    load_trained,
    loss_of,
    sources,
    split,
    targets,
    texts,
    translations,
)
from torch import nn

# %% [markdown]
# ## 날짜를 옮기는 Transformer를 pre-LN으로
#
# 부품은 그대로 두고 계산하는 순서만 바꿔요. pre-LN은 갈래를 더하기만 하니까 인코더와 디코더의 끝에 LayerNorm을 하나씩 더 둬요.


# %%
class PreEncoderLayer(EncoderLayer):
    """The layer with each LayerNorm before its branch: (B, S, D) -> (B, S, D)."""

    def forward(self, x, mask):
        z = self.norm1(x)
        x = x + self.self_attn(z, self.self_attn.keys_values(z), mask)[0]
        return x + self.mlp(self.norm2(x))


class PreDecoderLayer(DecoderLayer):
    """The same of the decoder: (B, T, D) -> (B, T, D) and its cross-attention."""

    def forward(self, y, own, other, mask, source_mask):
        z = self.norm1(y)  # own, made of y, is not what this layer needs
        own = self.self_attn.keys_values(z)
        y = y + self.self_attn(z, own, mask)[0]
        z, cross = self.cross_attn(self.norm2(y), other, source_mask)
        y = y + z
        return y + self.mlp(self.norm3(y)), cross


def to_pre(model):
    """A Transformer whose layers work in the other order, with the same weights; the
    two LayerNorms at the ends are new."""
    for layer in model.encoder:
        layer.__class__ = PreEncoderLayer
    for layer in model.decoder:
        layer.__class__ = PreDecoderLayer
    model.__class__ = PreTransformer
    model.encoder_norm, model.decoder_norm = (
        nn.LayerNorm(model.dim) for _ in range(2)
    )
    return model


class PreTransformer(Transformer):
    """What to_pre makes of a Transformer."""

    def encode(self, source, mask=None):
        x, mask = super().encode(source, mask)
        return self.encoder_norm(x), mask

    def decode(self, target, memory, source_mask):
        last = self.decoder[-1].register_forward_hook(
            lambda layer, inputs, out: (self.decoder_norm(out[0]), out[1])
        )
        found = super().decode(target, memory, source_mask)
        last.remove()
        return found


# %% [markdown]
# ## 같은 가중치, 다른 함수
#
# 먼저 PyTorch의 층에서 봐요. `norm_first`만 다른 두 층은 가중치의 이름도 모양도 같아서 `strict=True`로도 그대로 들어가요.


# %%
def torch_layers(seed, dim=48):
    """Two of PyTorch's layers with the same weights, post-LN (its default) and
    pre-LN, and whether those went in."""
    torch.manual_seed(seed)
    options = {"dropout": 0.0, "batch_first": True}
    post = nn.TransformerEncoderLayer(dim, 4, 2 * dim, **options)
    pre = nn.TransformerEncoderLayer(dim, 4, 2 * dim, norm_first=True, **options)
    found = pre.load_state_dict(post.state_dict(), strict=True)
    return post, pre, not (found.missing_keys or found.unexpected_keys)


# %%
if __name__ == "__main__":
    evidence, null = {}, {}
    torch.set_num_threads(1)
    x = torch.randn(4, 7, 48, generator=torch.Generator().manual_seed(0))
    evidence |= {"torch_default_first": nn.TransformerEncoderLayer(8, 2).norm_first}
    evidence |= {"torch_change": [], "loads": True}
    with torch.no_grad():
        for seed in range(5):
            post, pre, went_in = torch_layers(seed)
            change = (post(x) - pre(x)).norm() / post(x).norm()
            evidence["torch_change"].append(change.item())
            evidence["loads"] &= went_in
    print(f"strict=True로 들어갔나요? {'네' if evidence['loads'] else '아니요'}")
    print(
        f"같은 가중치의 출력이 다른 정도 {min(evidence['torch_change']):.0%} 이상"
    )

# %% [markdown]
# ## 배운 가중치를 옮기면
#
# post-LN으로 1,500단계를 배운 모델의 가중치를 pre-LN의 코드에 넣고, 처음 보는 날짜를 옮겨 봐요.
# 끝의 LayerNorm 둘은 체크포인트에 없으니 처음 값(배율 1, 이동 0)으로 둬요.

# %%
if __name__ == "__main__":
    tests = [split(seed)[1][:500] for seed in range(3)]
    evidence |= {"post_match": [], "moved_match": []}
    for seed, dates in enumerate(tests):
        for key, model in (
            ("post_match", load_trained(seed)),
            ("moved_match", to_pre(load_trained(seed))),
        ):
            found = texts(greedy(model, sources(dates)))
            evidence[key].append(exact_match(found, dates))
    null["순서를 바꾸지 않은 모델"] = {"moved_match": evidence["post_match"]}
    print(f"배운 대로 {mean(evidence['post_match']):.1%}")
    print(f"pre-LN의 코드에 넣으면 {mean(evidence['moved_match']):.1%}")

# %% [markdown]
# ## 끝의 LayerNorm
#
# pre-LN에서 끝의 LayerNorm을 빠뜨리면 층이 쌓일수록 출력이 커져요. post-LN은 층마다 LayerNorm으로 끝나서 하나 더 두어도 처음에는 달라지지 않아요.
# `nn.TransformerEncoder`는 `norm=`을 주지 않으면 끝의 LayerNorm이 **없어요**. `nn.Transformer`는 `norm_first`가 무엇이든 하나씩 둬요.


# %%
@torch.no_grad()
def output_size(norm_first, last, depth, x, seed=0):
    """Standard deviation of what PyTorch's encoder of that depth makes of x
    (B, N, D). last: with a LayerNorm at its end."""
    torch.manual_seed(seed)
    dim = x.shape[-1]
    options = {"dropout": 0.0, "batch_first": True, "norm_first": norm_first}
    layer = nn.TransformerEncoderLayer(dim, 4, 2 * dim, **options)
    norm = nn.LayerNorm(dim) if last else None
    encoder = nn.TransformerEncoder(layer, depth, norm, enable_nested_tensor=False)
    for weight in encoder.parameters():
        if weight.ndim == 2:  # the layers begin as copies of one
            nn.init.xavier_uniform_(weight)
    return encoder(x).std().item()


# %%
if __name__ == "__main__":
    depths, rows = (1, 6, 24), []
    for norm_first, kind in ((False, "post"), (True, "pre")):
        for last, title in ((False, "없음"), (True, "있음")):
            sizes = [output_size(norm_first, last, depth, x) for depth in depths]
            evidence[f"{kind}_{'with' if last else 'without'}"] = sizes[-1]
            rows.append([f"{kind}-LN", title, *(f"{size:.2f}" for size in sizes)])
    table(
        "last_norm",
        "출력의 표준편차 (배우기 전, 입력은 1)",
        ["순서", "끝의 LayerNorm", *(f"{depth}층" for depth in depths)],
        rows,
    )
    layer = nn.TransformerEncoderLayer(8, 2, batch_first=True)
    plain, whole = (
        nn.TransformerEncoder(layer, 1),
        nn.Transformer(8, 2, 1, 1, 8, batch_first=True),
    )
    evidence["encoder_has_last"] = plain.norm is not None
    evidence["transformer_has_last"] = (
        whole.encoder.norm is not None and whole.decoder.norm is not None
    )

# %% [markdown]
# ## 배우기 전, 층마다의 기울기
#
# 논문처럼 인코더와 디코더를 6층씩 쌓고, 디코더의 층마다 MLP의 둘째 가중치가 처음 받는 기울기를 재요. 시드마다 초기값도 날짜도 새로 뽑아요.


# %%
def first_gradients(order, seed, depth=6):
    """Norms of the first gradient of each decoder layer's second MLP weight,
    (depth,)."""
    torch.manual_seed(seed)
    model = Transformer(depth=depth)
    model = to_pre(model) if order == "pre" else model
    dates = split(seed)[0][:48]
    chosen = [translations(date)[i % 3] for i, date in enumerate(dates)]
    loss_of(model, sources(dates), targets(chosen)).backward()
    return torch.stack([layer.mlp[2].weight.grad.norm() for layer in model.decoder])


# %%
if __name__ == "__main__":
    norms = {
        order: torch.stack([first_gradients(order, seed) for seed in range(5)])
        for order in ("post", "pre")
    }  # (seeds, depth) each
    for order, found in norms.items():
        evidence[f"{order}_slope"] = found[:, -1] / found[:, 0]
        print(f"{order}-LN: " + ", ".join(f"{n:.1f}" for n in found.mean(dim=0)))
    null["둘 다 뒤에 둔 모델"] = {"pre_slope": evidence["post_slope"]}
    null["둘 다 앞에 둔 모델"] = {"post_slope": evidence["pre_slope"]}

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots()
    layers = range(1, 7)
    for order, colour, style in ("post", ORANGE, "s--"), ("pre", BLUE, "o-"):
        axis.plot(layers, norms[order].T, color=colour, alpha=0.25, linewidth=1)
        axis.plot(
            layers,
            norms[order].mean(dim=0),
            style,
            color=colour,
            label=f"{order}-LN",
        )
    axis.set(
        yscale="log",
        xlabel="디코더의 층 (6이 출력에 가까움)",
        title="처음 기울기의 크기",
    )
    axis.set_yticks([1, 3, 10], ["1", "3", "10"])
    axis.minorticks_off()
    axis.legend()
    alt = (
        f"첫 층에서 끝 층으로 가면 처음 기울기가 post-LN에서는 {evidence['post_slope'].mean():.1f}배로 커지고 "
        f"pre-LN에서는 {evidence['pre_slope'].mean():.2f}배로 줄어요."
    )
    show(figure, "slopes", alt)

# %%
if __name__ == "__main__":
    tolerance = {
        "post_match": 0.01,
        "moved_match": 0.1,
        "torch_change": 0.01,
        "post_slope": 0.5,
        "pre_slope": 0.05,
        "pre_without": 0.05,
    }
    evidence
