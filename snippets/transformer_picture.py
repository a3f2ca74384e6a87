# %% [markdown]
# # 화살표가 어디에서 어디로 가는지 모델에게 물어 그려요
#
# 인코더와 디코더의 그림은 외워서 그리면 틀리기 쉬워요. 여기서는 모델을 한 번 실행하면서, 부품마다 **누구의 출력을 읽는지** 적어 두고 그대로 그려요.
# 손으로 정한 것은 상자의 자리와 이름뿐이에요. 잔차 연결과 정규화는 바로 앞 부품의 상자에 넣어 그려요.

# %%
import torch
from lib.figure import BLUE, INK, ORANGE, plt, show
from seq2seq import Transformer, sources, targets

# %% [markdown]
# ## 누가 누구의 출력을 읽나요
#
# 텐서가 나올 때마다 어느 부품의 것인지 적어 둬요. 그러고는 Q, K, V를 만드는 선형 층과 MLP가 받은 텐서가 누구의 것인지 찾아요.


# %%
@torch.no_grad()
def readers(model, source, target):
    """Whose output each part reads: {"decoder.0.cross_attn": {"Q": part, "K": part,
    "V": part}, "decoder.0.mlp": {"": part}, …}; of the embeddings, "encoder.input"
    or "decoder.input"."""
    read, made, hooks = {}, [], []
    working = [""]  # the part that computes now

    def watch(module, name, letter):
        def note(_, inputs):
            owner = [part for part, y in made if y is inputs[0]]
            working[0] = name
            side = name.split(".")[0]
            read.setdefault(name, {})[letter] = (owner or [f"{side}.input"])[0]

        hooks.append(module.register_forward_pre_hook(note))

    for name, module in model.named_modules():
        if name.endswith("_attn"):
            for letter in "QKV":
                watch(getattr(module, letter.lower()), name, letter)
        elif name.endswith(".mlp"):
            watch(module, name, "")
        elif "norm" in name:  # ends each part: its sum and its norm
            hooks.append(
                module.register_forward_hook(
                    lambda _, inputs, y: made.append((working[0], y))
                )
            )
    model(source, target)
    for hook in hooks:
        hook.remove()
    return read


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence = {"layers": 6}  # as in AIAYN
    sentence = sources([(23, 6, 5)]), targets(["5/6/23"])
    read = readers(Transformer(depth=evidence["layers"]), *sentence)
    cross = {
        name: found for name, found in read.items() if name.endswith("cross_attn")
    }
    top = f"encoder.{evidence['layers'] - 1}.mlp"
    for letter, key in (("K", "keys"), ("V", "values")):
        evidence[f"{key}_from_top"] = sum(
            found[letter] == top for found in cross.values()
        )
    evidence["queries_from_own_layer"] = sum(
        found["Q"] == name.replace("cross", "self") for name, found in cross.items()
    )
    for name, found in cross.items():
        print(name, found)

# %% [markdown]
# ## 그려요
#
# 여섯 층은 길어서 두 층짜리 모델로 그려요.

# %%
LEFT, RIGHT = 1.75, 6.95  # the middle of each stack
NAMES = {"self_attn": "셀프 어텐션", "cross_attn": "교차 어텐션", "mlp": "MLP"}
PLACES = {
    "encoder.input": (LEFT, 0.5),
    "encoder.0.self_attn": (LEFT, 2.1),
    "encoder.0.mlp": (LEFT, 3.3),
    "encoder.1.self_attn": (LEFT, 5.2),
    "encoder.1.mlp": (LEFT, 6.4),
    "decoder.input": (RIGHT, 0.5),
    "decoder.0.self_attn": (RIGHT, 2.1),
    "decoder.0.cross_attn": (RIGHT, 3.5),
    "decoder.0.mlp": (RIGHT, 4.7),
    "decoder.1.self_attn": (RIGHT, 6.6),
    "decoder.1.cross_attn": (RIGHT, 8.0),
    "decoder.1.mlp": (RIGHT, 9.2),
}
LAYERS = {  # where the frame of a layer begins and ends
    "인코더 1층": (LEFT, 1.3, 3.8),
    "인코더 2층": (LEFT, 4.4, 6.9),
    "디코더 1층": (RIGHT, 1.3, 5.2),
    "디코더 2층": (RIGHT, 5.8, 9.7),
}


def box(axis, x, low, high, width, **style):
    """An empty box about x."""
    corner = (x - width / 2, low)
    axis.add_patch(plt.Rectangle(corner, width, high - low, fill=False, **style))


def arrow(axis, a, b, letters):
    """From the box about a to the box about b: up, or round the corner into the
    other stack."""
    (x, y), (u, v) = a, b
    colour = {"K, V": ORANGE, "Q": BLUE}.get(letters, INK)
    start, end, at = (x, y + 0.35), (u, v - 0.35), (x + 0.15, v - 0.65)
    if x != u:
        axis.plot([x + 1.45, 4.3, 4.3], [y, y, v], color=colour, linewidth=1.5)
        start, end, at = (4.25, v), (u - 1.45, v), (4.4, v + 0.15)
    style = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "linewidth": 1.5}
    axis.annotate("", end, start, arrowprops=style | {"color": colour})
    axis.text(*at, letters, color=colour)


# %%
if __name__ == "__main__":
    figure, axis = plt.subplots(figsize=(4.5, 5.7))
    axis.set(xlim=(0, 8.8), ylim=(-0.4, 10.8))
    axis.axis("off")
    for part, (x, y) in PLACES.items():
        box(axis, x, y - 0.35, y + 0.35, 2.9, edgecolor=INK)
        name = NAMES.get(part.split(".")[-1], "임베딩")
        axis.text(x, y, name, ha="center", va="center")
    for name, (x, low, high) in LAYERS.items():
        box(axis, x, low, high, 3.4, edgecolor=INK, linestyle="--", alpha=0.35)
        axis.text(x - 1.65, high + 0.08, name)
    axis.text(LEFT, -0.25, "입력 글자", ha="center")
    axis.text(RIGHT, -0.25, "지금까지 쓴 글자", ha="center")
    axis.text(RIGHT, 10.4, "다음 글자의 점수", ha="center")
    for part, found in readers(Transformer(), *sentence).items():
        for owner in dict.fromkeys(found.values()):
            letters = [one for one in ("Q", "K", "V") if found.get(one) == owner]
            arrow(axis, PLACES[owner], PLACES[part], ", ".join(letters))
    alt = (
        "왼쪽에 인코더 두 층, 오른쪽에 디코더 두 층. 인코더의 맨 위층에서 나온 화살표가 두 디코더 층의 교차 어텐션으로 "
        "똑같이 가서 K와 V가 되고, Q는 그 디코더 층의 셀프 어텐션에서 올라와요. 인코더의 아래층에서 디코더로 가는 화살표는 없어요."
    )
    show(figure, "architecture", alt)

# %%
if __name__ == "__main__":
    tolerance = {}
    evidence
