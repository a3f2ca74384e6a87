# %% [markdown]
# # 어텐션의 비용을 재 보기
#
# 토큰 N개를 서로 견주니 어텐션의 계산은 N²에 비례해요. 그런데 **메모리**까지 N²인지는 구현에 달렸고,
# 모델 전체에서 어텐션이 차지하는 **몫**은 N이 작으면 얼마 안 돼요. 셋을 따로 재 볼게요.
# GPU(CUDA)가 있으면 GPU에서, 없으면 CPU 스레드 하나에서 더 작은 크기로 재요.

# %%
import time

import torch
import torch.nn.functional as F
from lib.cost import (
    Contender,
    Failed,
    attempt,
    fit_exponent,
    interleave,
    peak_memory,
    spread,
)
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from vit import SIZES, vit

# %% [markdown]
# ## 실습과 벤치마크
#
# 이 파일(`python snippets/attention_cost.py`)은 짧은 실습이에요. **장치 전체를 재는 벤치마크**는 다른 명령이에요.
#
# ```
# python snippets/gpu_benchmark.py --out 결과.json          # 이 컴퓨터에서 가장 빠른 장치를 통째로
# python snippets/gpu_benchmark.py --models Ti --minutes 5  # 몇 분짜리
# python snippets/gpu_benchmark.py --compare A.json B.json  # 두 기록이 흔들림을 넘어 다른 곳
# ```

# %% [markdown]
# ## 두 가지 구현
#
# 식을 그대로 옮기면(naive) N×N 맵이 메모리에 통째로 놓여요. 합친 커널(fused)은 FlashAttention(2205.14135)처럼
# 맵을 조각내어 만들자마자 쓰고 버려요. 결과는 같아요.


# %%
def naive_attention(q, k, v):
    """AIAYN (1706.03762) Eq. 1 as written: (B, h, N, d) x 3 -> (B, h, N, d), the
    map in memory."""
    attn = (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).softmax(
        dim=-1
    )  # (B, h, N, N)
    return attn @ v


class Reused:
    """naive_attention into memory that it keeps from call to call, so that no call
    asks for a map's worth of new memory: (B, h, N, d) x 3 -> (B, h, N, d)."""

    def __init__(self):
        self.scores = self.attn = self.z = None

    def __call__(self, q, k, v):
        if self.z is None or self.z.shape != v.shape:
            B, h, N, _ = q.shape
            self.scores, self.attn = q.new_empty(2, B, h, N, N).unbind(0)
            self.z = torch.empty_like(v)
        torch.matmul(q, k.transpose(-2, -1), out=self.scores)
        self.scores *= q.shape[-1] ** -0.5
        torch.softmax(self.scores, dim=-1, out=self.attn)
        return torch.matmul(self.attn, v, out=self.z)


def fused_attention(q, k, v):
    """The same by one kernel that keeps no map. RuntimeError if this device has
    none, rather than a silent naive."""
    with sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION]):
        return F.scaled_dot_product_attention(q, k, v)


# %% [markdown]
# ## 재는 방법
#
# - **시간**: 먼저 돌려 데우고(warm-up), 견줄 것들을 **번갈아** 여러 번 재서 중앙값과 사분위를 봐요. 도중에 칩이 뜨거워지거나 다른 프로그램이 끼어들어도 모두가 똑같이 겪어요.
#   GPU는 일을 시켜 놓고 곧바로 돌아오니, 일감 사이에 시각 표시(CUDA event)를 끼워 넣고 끝나기를 기다려야 해요. 이 실습은 CPU에서는 이 프로그램이 쓴 CPU 시간을 재서 다른 프로그램의 방해를 덜어요.
# - **메모리**: PyTorch 할당자가 내어 준 바이트의 합이 부르는 동안 가장 컸을 때를 봐요. GPU는 할당자가 스스로 세고,
#   CPU는 프로파일러가 적은 할당과 해제를 차례로 더해요. 입력 Q·K·V는 미리 있던 것이라 빠져요.
# - **메모리가 모자라면** 그렇게 적고 넘어가요. 그것도 결과니까요.
#
# 재는 함수들은 `lib/cost.py`에 있어요.


# %%
def median_time(run, device, repeats=7, least=0.02):
    """Quartiles of the seconds that run() takes, by CPU time on the CPU: (low,
    median, high).

    Raises RuntimeError where run() fails.
    """
    seconds = interleave(
        [Contender("run", run)], device, repeats, least, cpu_clock=time.process_time
    )["run"]
    if isinstance(seconds, Failed):
        raise RuntimeError(seconds.error)
    found = spread(seconds)
    return found["low"], found["median"], found["high"]


# %%
if __name__ == "__main__":
    import numpy as np
    from lib.figure import BLUE, ORANGE, plt, show, table

    evidence, null = {}, {}
    torch.set_num_threads(1)
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda":
        device_name, dtype = torch.cuda.get_device_name(), torch.float16
        lengths, num_heads = [1024, 2048, 4096, 8192, 16384, 32768], 12
    else:
        device_name, dtype = "CPU 스레드 1개", torch.float32
        lengths, num_heads = [256, 512, 1024, 2048, 4096], 3
    evidence["device"] = device_name
    print(
        f"{device_name}, {dtype}, 이미지 1장, 헤드 {num_heads}개, 헤드 차원 64, PyTorch {torch.__version__}"
    )

# %% [markdown]
# ## 길이에 따른 시간과 메모리
#
# 로그-로그 그림에서 직선의 기울기가 지수예요. 기울기가 2면 길이가 두 배일 때 네 배, 1이면 두 배가 돼요.
# 식 그대로 계산하는 시간에는 맵을 놓을 메모리를 새로 받는 시간도 들어 있어서, 지수가 2를 조금 넘기도 해요.
# 토큰을 하나씩 다루는 선형층도 똑같이 재요. 재는 방법이 옳다면 지수가 1이어야 해요.

# %%
if __name__ == "__main__":
    linear = torch.nn.Linear(
        64, 64, device=device, dtype=dtype
    )  # no token looks at another
    kinds = {
        "naive": naive_attention,
        "fused": fused_attention,
        "reused": Reused(),
        "linear": lambda q, k, v: linear(q),
    }
    labels = {
        "naive": "식 그대로",
        "fused": "합친 커널",
        "reused": "식 그대로, 메모리 다시 씀",
        "linear": "선형층",
    }
    looks = {"naive": (ORANGE, "o"), "fused": (BLUE, "s")}
    times, memory = {kind: {} for kind in kinds}, {kind: {} for kind in kinds}
    rows = []
    with torch.inference_mode():
        for N in lengths:
            q, k, v = torch.randn(
                3, 1, num_heads, N, 64, device=device, dtype=dtype
            )  # (B, h, N, d) each
            turns = [
                Contender(kind, lambda attention=attention: attention(q, k, v))
                for kind, attention in kinds.items()
                if kind != "reused" or N <= 8192  # two maps stay in memory
            ]
            seconds = interleave(
                turns, device, rounds=7, least=0.02, cpu_clock=time.process_time
            )
            row = [f"{N:,}"]
            for turn in turns:
                held = attempt(lambda: peak_memory(turn.run, device), device)
                if isinstance(seconds[turn.name], Failed) or isinstance(
                    held, Failed
                ):
                    cells = ["메모리 부족", "메모리 부족"]
                else:
                    found = spread(seconds[turn.name])
                    low, median, high = times[turn.name][N] = (
                        found["low"],
                        found["median"],
                        found["high"],
                    )
                    memory[turn.name][N] = held
                    cells = [
                        f"{1e3 * median:.3g} ({1e3 * low:.3g}~{1e3 * high:.3g})",
                        f"{held / 2**20:,.1f}",
                    ]
                row += cells if turn.name in looks else []
            rows.append(row)
            if N == lengths[0]:
                q, k, v = q.float(), k.float(), v.float()
                difference = (
                    (naive_attention(q, k, v) - fused_attention(q, k, v))
                    .abs()
                    .max()
                    .item()
                )
    evidence["fused_difference"] = difference
    header = ["N", "식 그대로 ms (사분위)", "MiB", "합친 커널 ms (사분위)", "MiB"]
    table(
        "attention_cost",
        f"어텐션 한 번의 시간과 최대 메모리 ({device_name})",
        header,
        rows,
    )
    longest = max(
        set(times["naive"]) & set(times["fused"])
    )  # that both had the memory for
    evidence["longest"] = longest
    evidence["memory_ratio"] = memory["naive"][longest] / memory["fused"][longest]
    evidence["time_ratio"] = times["naive"][longest][1] / times["fused"][longest][1]
    print(
        f"두 구현의 최대 차이 (N = {lengths[0]}): {evidence['fused_difference']:.1e}"
    )

# %%
if __name__ == "__main__":
    exponents, rows = {}, []
    for kind in kinds:
        medians = [median for _, median, _ in times[kind].values()]
        exponents[kind, "time"] = fit_exponent(list(times[kind]), medians)
        exponents[kind, "memory"] = fit_exponent(
            list(memory[kind]), list(memory[kind].values())
        )
        fits = exponents[kind, "time"], exponents[kind, "memory"]
        rows.append(
            [
                labels[kind],
                *(f"{exponent:.2f} ± {error:.2f}" for exponent, error in fits),
            ]
        )
    for kind in (*looks, "reused"):
        for what in ("time", "memory"):
            if (kind, what) == ("reused", "memory"):
                continue  # what it keeps was there before the call
            name = f"{kind}_{what}_exponent"
            evidence[name], evidence[f"{name}_error"] = exponents[kind, what]
    straight = {
        f"{kind}_time_exponent": exponents["linear", "time"][0] for kind in looks
    }
    null["토큰을 하나씩 다루는 선형층"] = straight
    null["맵을 통째로 두는 커널"] = {
        "fused_memory_exponent": exponents["naive", "memory"][0]
    }
    caption = "N에 대한 지수와 표준오차 (로그-로그 최소제곱)"
    table("exponents", caption, ["구현", "시간", "메모리"], rows)

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots()
    for kind, (color, marker) in looks.items():
        a, error = exponents[kind, "memory"]
        mebibytes = [size / 2**20 for size in memory[kind].values()]
        axis.loglog(
            list(memory[kind]),
            mebibytes,
            marker=marker,
            color=color,
            label=f"{labels[kind]}: N의 {a:.2f}제곱",
        )
    axis.set(
        xlabel="토큰 수 N",
        title="최대 메모리 (MiB)",
        xticks=lengths,
        xticklabels=lengths,
    )
    axis.yaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    axis.legend()
    alt = (
        f"식 그대로 계산하면 메모리가 N의 {exponents['naive', 'memory'][0]:.2f}제곱으로, "
        f"합친 커널은 {exponents['fused', 'memory'][0]:.2f}제곱으로 늘어요. ({device_name})"
    )
    show(figure, "attention_memory", alt)

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots()
    for kind, (color, marker) in looks.items():
        low, median, high = 1e3 * np.array(list(times[kind].values())).T
        axis.errorbar(
            list(times[kind]),
            median,
            yerr=[median - low, high - median],
            marker=marker,
            color=color,
            capsize=3,
            label=f"{labels[kind]}: N의 {exponents[kind, 'time'][0]:.2f}제곱",
        )
    axis.set(
        xscale="log",
        yscale="log",
        xlabel="토큰 수 N",
        title="시간 (ms)",
        xticks=lengths,
        xticklabels=lengths,
    )
    axis.yaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    axis.legend()
    alt = (
        f"시간은 식 그대로 계산할 때 N의 {exponents['naive', 'time'][0]:.2f}제곱, "
        f"합친 커널에서 {exponents['fused', 'time'][0]:.2f}제곱으로 늘어요. ({device_name})"
    )
    show(figure, "attention_time", alt)

# %% [markdown]
# ## ViT-B에서 쌍 계산의 몫
#
# 두 행렬곱 $QK^\top$과 맵 × V를 **쌍 계산**, 거기에 Q·K·V와 출력 투영을 더한 것을 **어텐션 층**이라고 부를게요.
#
# 층 하나에서 Q·K·V와 출력 투영이 $8ND^2$, MLP가 $16ND^2$, 쌍 계산이 $4N^2D$ FLOPs예요. (곱셈과 덧셈을 하나씩 세요.)
# 그래서 블록에서 쌍 계산의 몫은 $\frac{4N^2D}{24ND^2 + 4N^2D} = \frac{N}{6D + N}$이고, $N = 6D$(ViT-B는 4,608)일 때 반이 돼요.
# 어텐션 층($8ND^2 + 4N^2D$)이 MLP($16ND^2$)를 따라잡는 곳은 훨씬 앞인 $N = 2D$(ViT-B는 1,536)예요.
# 실제 모델을 `meta` 장치에 올려 FLOPs를 세면(값은 계산하지 않아요) 식과 맞는지 볼 수 있어요.


# %%
def attention_share(N, D):
    """Share of the two N x N matrix products in the FLOPs of an encoder block with
    a 4 D MLP."""
    return N / (6 * D + N)


def count_flops(name, img_size):
    """FLOPs of that ViT for one image, as counted op by op: (in the N x N products,
    in everything)."""
    with torch.device("meta"):  # shapes alone, no numbers
        model, image = (
            vit(name, img_size=img_size),
            torch.empty(1, 3, img_size, img_size),
        )
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(image)
    return counter.get_flop_counts()["Global"][
        torch.ops.aten.bmm
    ], counter.get_total_flops()


def layer_over_mlp(name, img_size):
    """FLOPs of the first attention layer, projections and all, over those of the MLP
    beside it, as counted: float."""
    with torch.device("meta"):
        model = vit(name, img_size=img_size)
        image = torch.empty(1, 3, img_size, img_size)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(image)
    found = {
        name: sum(of.values()) for name, of in counter.get_flop_counts().items()
    }
    block = f"{type(model).__name__}.blocks.0"
    return found[f"{block}.attn"] / found[f"{block}.mlp"]


def predict_flops(name, img_size):
    """The same by formula: blocks, patch embedding and head."""
    size, P = name.split("/")[0], int(name.split("/")[1])
    D, depth, _ = SIZES[size]
    N = (img_size // P) ** 2 + 1
    products, linears = 4 * N**2 * D, 24 * N * D**2  # of one block
    embedding, head = 2 * (N - 1) * P**2 * 3 * D, 2 * D * 1000
    return depth * products, depth * (products + linears) + embedding + head


# %%
if __name__ == "__main__":
    count_errors, rows = [], []
    for img_size in (224, 448, 896, 1088):
        N = (img_size // 16) ** 2 + 1
        counted, predicted = (
            count_flops("B/16", img_size),
            predict_flops("B/16", img_size),
        )
        count_errors += [abs(a / b - 1) for a, b in zip(counted, predicted)]
        share, counted_share = attention_share(N, 768), counted[0] / counted[1]
        evidence[f"share_{N}"], evidence[f"counted_share_{N}"] = (
            share,
            counted_share,
        )
        rows.append(
            [
                img_size,
                f"{N:,}",
                f"{counted[1] / 1e9:,.0f}",
                f"{share:.1%}",
                f"{counted_share:.1%}",
            ]
        )
    caption = "ViT-B/16 연산량에서 N×N 행렬곱의 몫: 블록의 식 N/(6D+N)과, 모델 전체를 센 값"
    table("flop_share", caption, ["px", "N", "GFLOPs", "식", "센 값"], rows)
    evidence["count_error"] = max(count_errors)
    evidence["share_large_197"] = attention_share(197, SIZES["L"][0])
    small, large = count_flops("B/16", 224), count_flops("B/16", 448)
    evidence["attention_flops_growth"] = large[0] / small[0]
    evidence["other_flops_growth"] = (large[1] - large[0]) / (small[1] - small[0])
    print(f"센 값과 식의 가장 큰 상대 오차: {evidence['count_error']:.1e}")
    for img_size in (224, 624, 640):  # N = 2 D = 1,536 lies between the last two
        N = (img_size // 16) ** 2 + 1
        ratio = evidence[f"layer_over_mlp_{N}"] = layer_over_mlp("B/16", img_size)
        print(f"N = {N:,}: 어텐션 층의 연산량은 MLP의 {ratio:.3f}배")

# %%
if __name__ == "__main__":
    varying = "device", "longest", "_ratio", "_exponent"
    tolerance = {
        name: float("inf")
        for name in evidence
        if any(part in name for part in varying)
    }
    tolerance |= {"naive_memory_exponent": 0.1, "fused_memory_exponent": 0.3}
    evidence
