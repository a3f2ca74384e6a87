# %% [markdown]
# # 벤치마크 기록 읽기
#
# `python snippets/gpu_benchmark.py --out 결과.json` 명령으로 장치마다 한 번씩 재어 `snippets/data/benchmarks/`에 모은 기록을 읽어요.
# 여기서는 아무것도 재지 않아요. 기록을 견주고 그릴 뿐이라, 같은 기록이면 누가 어디서 돌려도 같은 수가 나와요.

# %%
import math

from bench.records import drift, read_folder
from lib.figure import BLUE, GREEN, ORANGE, PINK, VIOLET, plt, show, table
from lib.paths import data_path
from matplotlib.ticker import FuncFormatter, LogLocator

METHODS = {
    "naive": "식 그대로",
    "math": "math",
    "efficient": "efficient",
    "flash": "flash",
    "cudnn": "cuDNN",
}
MODES = {"inference": "추론", "training": "학습"}
REASONS = {
    "oom": "메모리 부족",
    "unsupported": "없음",
    "error": "오류",
    "skipped": "안 잼",
}


def name_of(record):
    """What to call a record's device: str."""
    device = record["device"]
    threads = f", 스레드 {device['threads']}개" if device["kind"] == "cpu" else ""
    return device["name"] + threads


def title_of(cell):
    """A cell of the model section in a few words: str."""
    compiled = " compile" if cell["compile"] else ""
    return f"{cell['model']} {MODES[cell['mode']]} {cell['precision']}{compiled}"


def select(record, section, status="ok", **fields):
    """The cells of a record that agree with all fields: list. status None: any."""
    fields |= {"section": section} | ({"status": status} if status else {})
    return [
        cell
        for cell in record["cells"]
        if all(cell.get(key) == value for key, value in fields.items())
    ]


def rate(cell, quantity="flops", quartile="median"):
    """How many FLOPs, bytes or images (its batch) a cell did in a second: float."""
    return cell[quantity] / cell["seconds"][quartile]


def peak_of(record, precision):
    """TFLOP/s of the fastest matrix product of a record, None without one."""
    products = select(record, "matmul", precision=precision)
    return max((rate(cell) / 1e12 for cell in products), default=None)


def bandwidth_of(record):
    """GB a second that a copy read and wrote, None without one."""
    return max(
        (rate(cell, "bytes") / 1e9 for cell in select(record, "copy")), default=None
    )


def short(value):
    """A positive number with three digits and no exponent, "-" for none: str."""
    return (
        "-"
        if value is None
        else f"{value:,.0f}"
        if value >= 100
        else f"{value:.3g}"
    )


# %%
if __name__ == "__main__":
    records = read_folder(data_path("benchmarks"))
    if not records:
        raise SystemExit("snippets/data/benchmarks/에 기록이 없어요.")
    gpus = [record for record in records if record["device"]["kind"] != "cpu"]
    lead = records[0]
    lead_name, lead_precision = name_of(lead), lead["settings"]["precisions"][0]
    lead_words = f"({lead_name}, {lead_precision})"
    hows = [
        how
        for how in ("bf16", "fp16", "tf32", "float32")
        if any(peak_of(record, how) for record in records)
    ]
    rows = []
    for record in records:
        speeds = [*(peak_of(record, how) for how in hows), bandwidth_of(record)]
        moved, minutes = math.expm1(drift(record)), record["seconds"] / 60
        about = [
            f"{moved:.1%}",
            record["versions"]["torch"],
            record["when"][:10],
            f"{minutes:.0f}분",
        ]
        rows.append([name_of(record), *map(short, speeds), *about])
    header = ["장치", *hows, "복사 GB/s", "흔들림", "PyTorch", "날짜", "걸린 시간"]
    caption = "기록한 장치: 행렬곱의 최고 속도(TFLOP/s)와 메모리를 읽고 쓰는 속도, 처음과 끝의 차이"
    table("devices", caption, header, rows)
    if not gpus:
        print("GPU에서 잰 기록은 아직 없어요.")

# %% [markdown]
# ## 다른 구현보다 빠른가
#
# 한 칸에서는 모든 구현을 같은 배치, 같은 정밀도로 **번갈아** 재었어요. 그래서 같은 차례끼리 나눈 시간의 비가 가장 믿을 만해요.
# 비의 가운데 반(사분위 사이)이 모두 1 아래이고 중앙값도 0.97보다 작으면 **느리다**고 쳐요.


# %%
def race(record):
    """Every model cell against its fastest peer -> [dict]. ratio: how many times as
    fast."""
    races = []
    for ours in select(record, "model", library="mundap"):
        same = {key: ours[key] for key in ("model", "mode", "precision", "compile")}
        cells = [
            cell for cell in select(record, "model", **same) if "times_ours" in cell
        ]
        if cells:
            peers = {cell["library"]: cell["times_ours"] for cell in cells}
            fastest = min(peers, key=lambda name: peers[name]["median"])
            ratio = peers[fastest]
            slower = ratio["median"] < 0.97 and ratio["high"] < 1
            races.append(
                {
                    **same,
                    "peers": peers,
                    "fastest": fastest,
                    "ratio": ratio,
                    "slower": slower,
                }
            )
    return races


if __name__ == "__main__":
    races = {name_of(record): race(record) for record in records}
    compared = races[lead_name]
    libraries = [name for name in lead["settings"]["libraries"] if name != "mundap"]
    rows = []
    for item in compared:
        ratio = "{median:.2f} ({low:.2f}~{high:.2f})".format(**item["ratio"])
        medians = [
            f"{item['peers'][name]['median']:.2f}" if name in item["peers"] else "-"
            for name in libraries
        ]
        rows.append(
            [
                title_of(item),
                ratio,
                "느려요" if item["slower"] else "괜찮아요",
                *medians,
            ]
        )
    header = ["칸", "가장 빠른 것보다 (사분위)", "판정", *libraries]
    table(
        "ratios",
        f"이 저장소의 ViT가 다른 구현보다 몇 배 빠른가 ({lead_name})",
        header,
        rows,
    )
    slower = [item for item in compared if item["slower"]]
    print(f"{len(compared)}칸 가운데 {len(slower)}칸에서 느려요.")

# %% [markdown]
# ## 모델: 초당 이미지 수와 MFU
#
# **MFU**(model FLOPs utilization)는 모델에 꼭 필요한 연산을 실제로 걸린 시간으로 나눈 뒤, 같은 기록에서 가장 빨랐던 행렬곱의 속도로 나눈 값이에요.
# 배치는 더 키워도 빨라지지 않을 때까지 키워서 골랐어요.

# %%
if __name__ == "__main__":
    rows = []
    for cell in select(lead, "model", status=None, library="mundap"):
        row = [REASONS.get(cell["status"]), "-", "-"]
        if cell["status"] == "ok":
            median, high, low = (
                short(rate(cell, "batch", end)) for end in ("median", "high", "low")
            )
            mfu = f"{cell['mfu']:.0%}" if cell["mfu"] else "-"
            memory = (
                "-"
                if cell["memory_bytes"] is None
                else f"{cell['memory_bytes'] / 2**20:,.0f}"
            )
            row = [f"{median} ({high}~{low})", mfu, memory]
        rows.append([title_of(cell), cell["batch"] or "-", *row])
    header = ["칸", "배치", "장/초 (사분위)", "MFU", "MiB"]
    table(
        "models",
        f"이 저장소의 ViT: 224px 이미지의 처리량과 MFU ({lead_name})",
        header,
        rows,
    )

# %%
if __name__ == "__main__":
    rows = []
    for mode, goal in (("inference", 0.65), ("training", 0.50)):
        title = f"ViT-L/16 {MODES[mode]} bf16 compile: MFU {goal:.0%} 이상"
        largest = {
            "library": "mundap",
            "model": "L/16",
            "mode": mode,
            "precision": "bf16",
            "compile": True,
        }
        for record in gpus:
            mfu = max(
                (cell["mfu"] or 0 for cell in select(record, "model", **largest)),
                default=0,
            )
            verdict = (
                "안 잼" if not mfu else "이뤘어요" if mfu >= goal else "모자라요"
            )
            rows.append(
                [title, name_of(record), f"{mfu:.0%}" if mfu else "-", verdict]
            )
        rows += [] if gpus else [[title, "GPU", "-", "기록이 없어요"]]
    for name, items in races.items():
        count = sum(item["slower"] for item in items)
        verdict = "안 잼" if not items else "모자라요" if count else "이뤘어요"
        rows.append(
            [
                "어느 칸에서도 느리지 않음",
                name,
                f"{len(items)}칸 중 {count}칸 느림",
                verdict,
            ]
        )
    table("targets", "목표와 잰 값", ["목표", "장치", "잰 값", "판정"], rows)


# %%
def log_axes(axis, xlabel, xticks=None, yscale="log", **settings):
    """Axes in powers, their numbers without exponents."""
    axis.set(xscale="log", yscale=yscale, xlabel=xlabel, **settings)
    if xticks:
        axis.set_xticks(xticks)
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    axis.minorticks_off()


if __name__ == "__main__":
    figure, axes = plt.subplots(1, 2, figsize=(7, 3.6), sharey=True)
    gains = []  # how many times as fast as batch 1 the fastest batch is
    for axis, mode in zip(axes, MODES):
        batches = set()
        for size, color, marker in zip(
            ("Ti", "S", "B", "L"), (BLUE, ORANGE, GREEN, PINK), "os^D"
        ):
            same = {
                "model": f"{size}/16",
                "mode": mode,
                "precision": lead_precision,
            }
            rates = {
                cell["batch"]: rate(cell, "batch")
                for cell in select(lead, "sweep", **same)
            }
            if rates:
                gains.append(
                    (
                        max(rates.values()) / next(iter(rates.values())),
                        f"{size}/16",
                        mode,
                    )
                )
                axis.plot(
                    *zip(*rates.items()),
                    color=color,
                    marker=marker,
                    label=f"ViT-{size}/16",
                )
            batches |= rates.keys()
        log_axes(axis, "배치", sorted(batches), title=MODES[mode])
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes[0].set_ylabel("장/초")
    axes[0].legend(fontsize=9)
    gain, name, mode = max(gains)
    alt = f"배치를 키워서 가장 많이 빨라진 것은 ViT-{name} {MODES[mode]}으로, 배치 1의 {gain:.1f}배예요. "
    show(figure, "sweep", f"{alt}({lead_name}, {lead_precision}, 컴파일하지 않음)")

# %% [markdown]
# ## 어텐션: 시간과 메모리
#
# 헤드 12개에 헤드 차원 64(ViT-B)인 어텐션을 224px부터 2048px까지의 토큰 수로 쟀어요. 짧은 시퀀스는 장치를 채울 만큼 묶어서 재고 하나의 값으로 나눴어요.


# %%
def curve(record, method, precision, which="forward", quantity="seconds"):
    """Seconds or bytes ("memory") of one sequence against N -> {N: value}, in
    order."""
    cells = select(
        record, "attention", method=method, precision=precision, **{"pass": which}
    )
    values = {}
    for cell in sorted(cells, key=lambda cell: cell["tokens"]):
        value = (
            cell["seconds"]["median"]
            if quantity == "seconds"
            else cell["memory_bytes"]
        )
        if value:
            values[cell["tokens"]] = value / cell["batch"]
    return values


def fused_methods(record, precision):
    """The fused kernels of a device, the fastest at the longest N first: list."""
    curves = {
        method: curve(record, method, precision)
        for method in ("flash", "cudnn", "efficient")
    }
    longest = {
        method: max(seconds.items())
        for method, seconds in curves.items()
        if seconds
    }
    return sorted(
        longest, key=lambda method: (-longest[method][0], longest[method][1])
    )


def at_longest(record, one, other, quantity="seconds"):
    """One (method, precision) over another at the longest N of both -> (N,
    ratio)."""
    ones, others = (curve(record, *way, quantity=quantity) for way in (one, other))
    longest = max(ones.keys() & others.keys())
    return longest, ones[longest] / others[longest]


if __name__ == "__main__":
    # Two devices side by side, or two precisions of the only one.
    panels = [
        (record, record["settings"]["precisions"][0]) for record in records[:2]
    ]
    if len(panels) == 1:
        panels = [(lead, how) for how in dict.fromkeys([lead_precision, "float32"])]
    panels = [
        (record, how) for record, how in panels if curve(record, "naive", how)
    ]
    best_fused = fused_methods(lead, lead_precision)[0]
    ways, ratios = (
        [(method, lead_precision) for method in ("naive", best_fused)],
        {},
    )
    looks = dict(zip(METHODS, zip((ORANGE, PINK, GREEN, BLUE, VIOLET), "ov^sD")))
    for quantity, what, scale, label, name in (
        ("seconds", "시간이", 1e3, "시간 (ms)", "attention_time"),
        ("memory", "메모리가", 2**-20, "최대 메모리 (MiB)", "attention_memory"),
    ):
        figure, axes = plt.subplots(
            1, len(panels), figsize=(7, 3.8), sharey=True, squeeze=False
        )
        for axis, (record, how) in zip(axes[0], panels):
            for method, (color, marker) in looks.items():
                values = curve(record, method, how, quantity=quantity)
                values = {N: scale * value for N, value in values.items()}
                if values:
                    axis.plot(
                        *zip(*values.items()),
                        color=color,
                        marker=marker,
                        label=METHODS[method],
                    )
                same = {"method": method, "precision": how, "pass": "forward"}
                if values and select(record, "attention", "oom", **same):
                    place = {"xytext": (4, 4), "textcoords": "offset points"}
                    axis.annotate(
                        "메모리 부족",
                        max(values.items()),
                        fontsize=8,
                        color=color,
                        **place,
                    )
            last = max(curve(record, "flash", how))
            log_axes(
                axis,
                "토큰 수 N",
                [N for N in (197, 1025, 4097, 16385) if N <= last],
            )
            axis.set_title(f"{name_of(record)}, {how}", fontsize=9)
        axes[0][0].set_ylabel(f"시퀀스 하나의 {label}")
        axes[0][0].legend(fontsize=9)
        longest, ratios[quantity] = at_longest(lead, *ways, quantity)
        alt = f"N = {longest:,}에서 식 그대로 계산하면 {best_fused} 커널보다 {what} {ratios[quantity]:.1f}배 들어요. "
        show(figure, name, alt + lead_words)

# %%
if __name__ == "__main__":
    rows = []
    for px in lead["settings"]["grid"]["pixels"]:
        N = (px // 16) ** 2 + 1
        same = {"tokens": N, "precision": lead_precision, "pass": "forward"}
        found = {
            cell["method"]: cell
            for cell in select(lead, "attention", status=None, **same)
        }
        row = [px, f"{N:,}"]
        for method in METHODS:
            cell = found.get(method, {"status": None})
            if cell["status"] == "ok":
                row.append(
                    f"{short(1e3 / rate(cell, 'batch'))} / {short(rate(cell) / 1e12)}"
                )
            else:
                row.append(REASONS.get(cell["status"], "-"))
        rows.append(row)
    caption = f"어텐션 순전파 한 번: 시퀀스 하나의 ms / TFLOP/s {lead_words}"
    table("attention", caption, ["px", "N", *METHODS.values()], rows)

    fits = {
        (fit["method"], fit["pass"], fit["precision"], fit["quantity"]): fit
        for fit in lead["fits"]
    }
    rows = []
    for method, which, how in dict.fromkeys(key[:3] for key in fits):
        both = [
            fits.get((method, which, how, quantity))
            for quantity in ("time", "memory")
        ]
        exponents = [
            f"{fit['exponent']:.2f} ± {fit['error']:.2f}" if fit else "-"
            for fit in both
        ]
        rows.append(
            [
                METHODS[method],
                "순전파" if which == "forward" else "순전파+역전파",
                how,
                *exponents,
            ]
        )
    table(
        "exponents",
        f"N에 대한 지수와 표준오차 ({lead_name})",
        ["구현", "일", "정밀도", "시간", "메모리"],
        rows,
    )

# %% [markdown]
# ## 모델의 시간에서 어텐션이 차지하는 몫
#
# 모델 전체와, 그 안의 어텐션만 떼어 낸 것을 번갈아 재서 나눴어요. 식 $N/(6D+N)$은 연산량의 몫이에요. 둘이 다르다면 어텐션의 연산 하나가 선형층의 연산 하나보다 비싸거나 싼 거예요.


# %%
if __name__ == "__main__":
    figure, axis = plt.subplots(figsize=(6, 3.8))
    lines = [
        (record, how)
        for record in records
        for how in record["settings"]["precisions"]
        if how != "tf32"
    ][:4]
    shares = {}  # of a device and a precision -> {N: the cell}
    for (record, how), color, marker in zip(
        lines, (BLUE, GREEN, PINK, VIOLET), "os^D"
    ):
        cells = sorted(
            select(record, "share", precision=how), key=lambda cell: cell["tokens"]
        )
        found = {cell["tokens"]: cell for cell in cells if "time_share" in cell}
        shares[name_of(record), how] = found
        times = [cell["time_share"] for cell in found.values()]
        if times:
            median = [time["median"] for time in times]
            bars = [
                [abs(time[end] - time["median"]) for time in times]
                for end in ("low", "high")
            ]
            look = {
                "color": color,
                "marker": marker,
                "label": f"시간: {record['device']['name']}, {how}",
            }
            axis.errorbar(list(found), median, yerr=bars, capsize=3, **look)
    lengths = sorted({N for share in shares.values() for N in share})
    grid = [
        197 * 1.1**step for step in range(50) if 197 * 1.1**step <= max(lengths)
    ]
    axis.plot(
        grid,
        [N / (6 * 768 + N) for N in grid],
        color=ORANGE,
        linestyle="--",
        label="연산량: N/(6D+N)",
    )
    log_axes(
        axis,
        "토큰 수 N",
        lengths,
        yscale="linear",
        ylabel="어텐션의 몫",
        ylim=(0, None),
    )
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axis.legend(fontsize=9)
    short_one = shares[lead_name, lead_precision][197]
    time_share, flop_share = (
        short_one["time_share"]["median"],
        short_one["flop_share"],
    )
    alt = f"ViT-B/16의 N = 197에서 어텐션은 연산량의 {flop_share:.1%}인데 시간은 {time_share:.1%}예요. "
    show(figure, "attention_share", alt + lead_words)

# %% [markdown]
# ## 루프라인: 계산에 묶였나, 메모리에 묶였나
#
# 가로는 메모리에서 1바이트를 읽고 쓸 때마다 하는 연산의 수(연산 강도), 세로는 실제로 낸 속도예요. 비스듬한 선은 메모리가, 평평한 선은 계산이 정하는 한계예요.
# 바이트는 연산자마다 입력을 한 번 읽고 결과를 한 번 쓴다고 세었어요. 캐시에 남아 있던 것을 다시 쓰면 점이 비스듬한 선 위로 올라갈 수 있어요.


# %%
if __name__ == "__main__":
    figure, axes = plt.subplots(1, len(panels), figsize=(7, 4), squeeze=False)
    ridges = []  # FLOPs a byte at which memory and matrix products keep each other busy
    for axis, (record, how) in zip(axes[0], panels):
        peak = peak_of(record, how)
        ridges.append(peak * 1e3 / bandwidth_of(record))
        bends = [ridges[-1] / 30, ridges[-1], 100 * ridges[-1]]
        axis.plot(bends, [peak / 30, peak, peak], color="0.5", linewidth=1.2)
        best = (fused_methods(record, how) or ["flash"])[0]
        attention = {"section": "attention", "precision": how, "pass": "forward"}
        models = {
            "section": "model",
            "library": "mundap",
            "mode": "inference",
            "compile": False,
        }
        for fields, marker, color, label in (
            (
                attention | {"method": "naive"},
                "o",
                ORANGE,
                f"어텐션, {METHODS['naive']}",
            ),
            (attention | {"method": best}, "s", BLUE, f"어텐션, {METHODS[best]}"),
            (models | {"precision": how}, "^", GREEN, "ViT 추론"),
        ):
            cells = [cell for cell in select(record, **fields) if cell.get("bytes")]
            intensities = [cell["flops"] / cell["bytes"] for cell in cells]
            axis.plot(
                intensities,
                [rate(cell) / 1e12 for cell in cells],
                marker,
                color=color,
                label=label,
            )
        log_axes(axis, "연산 강도 (FLOP/바이트)")
        axis.set_title(f"{name_of(record)}, {how}", fontsize=9)
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes[0][0].set_ylabel("TFLOP/s")
    axes[0][-1].legend(fontsize=9, loc="lower right")
    alt = f"연산 강도가 {ridges[0]:.0f} FLOP/바이트보다 낮으면 메모리가, 높으면 계산이 속도를 정해요. "
    show(figure, "roofline", alt + lead_words)

# %% [markdown]
# ## 패치 크기와 시간
#
# 같은 224px 이미지를 P = 32, 16, 8로 자른 ViT-B의 추론이에요. 패치를 반으로 줄이면 토큰이 네 배예요.

# %%
if __name__ == "__main__":
    rows, patch_ratios, patch_flops = [], {}, {}
    for record in records:
        for how in dict.fromkeys(
            cell["precision"] for cell in select(record, "patch")
        ):
            cells = {
                int(cell["model"].split("/")[1]): cell
                for cell in select(record, "patch", precision=how)
            }
            seconds = {
                P: cell["seconds"]["median"] / cell["batch"]
                for P, cell in cells.items()
            }
            flops = {P: cell["flops"] / cell["batch"] for P, cell in cells.items()}
            for P in (16, 8):
                patch_ratios[name_of(record), how, P] = seconds[P] / seconds[2 * P]
                patch_flops[P] = flops[P] / flops[2 * P]
            growth = [
                f"{patch_ratios[name_of(record), how, P]:.1f}" for P in (16, 8)
            ]
            times = [short(1e3 * seconds[P]) for P in (32, 16, 8)]
            rows.append([name_of(record), how, *times, *growth])
    header = ["장치", "정밀도", "B/32 ms", "B/16 ms", "B/8 ms", "32→16", "16→8"]
    caption = f"이미지 한 장의 시간과 그 비 (연산량의 비는 {patch_flops[16]:.1f}, {patch_flops[8]:.1f})"
    table("patch", caption, header, rows)

# %% [markdown]
# ## 시간은 어디에 쓰이나
#
# 가장 큰 모델을 PyTorch 프로파일러로 본 결과예요. 목표에 모자라는 곳이 있으면 여기서 까닭을 찾아요.

# %%
if __name__ == "__main__":
    rows = []
    for cell in select(lead, "profile"):
        for item in cell["operators"][:5]:
            rows.append(
                [
                    title_of(cell),
                    f"{item['share']:.1%}",
                    item["name"].removeprefix("aten::"),
                ]
            )
    table(
        "profile",
        f"시간을 가장 많이 쓰는 연산자 다섯 ({lead_name})",
        ["칸", "몫", "연산자"],
        rows,
    )

# %%
if __name__ == "__main__":
    cpu = records[-1]
    if cpu["device"]["kind"] != "cpu":
        raise SystemExit("CPU 기록이 없어요.")
    cpu_name, half = name_of(cpu), cpu["settings"]["precisions"][0]
    floats = [
        item["slower"] for item in races[cpu_name] if item["precision"] == "float32"
    ]
    halves = [
        item["slower"] for item in races[cpu_name] if item["precision"] != "float32"
    ]
    over_naive = {}  # times of the flash kernel over the plain formula's at N = 197
    for which in ("forward", "forward+backward"):
        flash, naive = (
            curve(cpu, method, half, which)[197] for method in ("flash", "naive")
        )
        over_naive[which] = flash / naive
    statuses = [cell["status"] for record in records for cell in record["cells"]]
    differences = [
        cell.get("difference")
        for record in records
        for cell in select(record, "model")
    ]
    worst = min(compared, key=lambda item: item["ratio"]["median"])
    shorts = [share[197] for share in shares.values() if 197 in share]
    share_ratios = [
        cell["time_share"]["median"] / cell["flop_share"] for cell in shorts
    ]
    smallest = [ratio for (_, _, P), ratio in patch_ratios.items() if P == 8]
    evidence = {
        "records": len(records),
        "gpu_records": len(gpus),
        "device": lead_name,
        "precision": lead_precision,
        "compared": len(compared),
        "slower": len(slower),
        "worst_ratio": worst["ratio"]["median"],
        "worst_cell": f"{worst['model']} {MODES[worst['mode']]} {worst['precision']}",
        "largest_difference": max(filter(None, differences), default=0.0),
        "failed_cells": statuses.count("error"),
        "out_of_memory_cells": statuses.count("oom"),
        "longest": longest,
        "time_ratio": ratios["seconds"],
        "memory_ratio": ratios["memory"],
        "naive_time_exponent": fits["naive", "forward", lead_precision, "time"][
            "exponent"
        ],
        "fused_time_exponent": fits[best_fused, "forward", lead_precision, "time"][
            "exponent"
        ],
        "cpu_device": cpu_name,
        "cpu_precision": half,
        "cpu_float32_cells": len(floats),
        "cpu_float32_slower": sum(floats),
        "cpu_half_slower": sum(halves),
        "cpu_fused_over_naive_197": over_naive["forward"],
        "cpu_fused_over_naive_training_197": over_naive["forward+backward"],
        "cpu_half_naive_over_fused_longest": at_longest(
            cpu, ("naive", half), ("flash", half)
        )[1],
        "cpu_float32_naive_over_fused_longest": at_longest(
            cpu, ("naive", "float32"), ("flash", "float32")
        )[1],
        "cpu_flash_half_over_float32": at_longest(
            cpu, ("flash", half), ("flash", "float32")
        )[1],
        "cpu_matmul_half_over_float32": peak_of(cpu, half)
        / peak_of(cpu, "float32"),
        "time_share_197": time_share,
        "flop_share_197": flop_share,
        "least_share_ratio_197": min(share_ratios),
        "patch_time_ratio_8": patch_ratios[lead_name, lead_precision, 8],
        "patch_flops_ratio_8": patch_flops[8],
        "least_patch_time_ratio_8": min(smallest),
        "most_patch_time_ratio_8": max(smallest),
    }
    null = {
        "시간이 연산량대로 드는 장치": {"least_share_ratio_197": 1.0},
        "정밀도가 상관없는 장치": {
            "cpu_half_naive_over_fused_longest": evidence[
                "cpu_float32_naive_over_fused_longest"
            ]
        },
    }
    tolerance = {}
    evidence
