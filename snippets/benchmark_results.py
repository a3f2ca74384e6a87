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

METHODS = {"naive": "식 그대로", "math": "math", "efficient": "efficient", "flash": "flash", "cudnn": "cuDNN"}
MODES = {"inference": "추론", "training": "학습"}
REASONS = {"oom": "메모리 부족", "unsupported": "없음", "error": "오류", "skipped": "안 잼"}


def name_of(record):
    """What to call a record's device: str."""
    device = record["device"]
    return f"{device['name']}, 스레드 {device['threads']}개" if device["kind"] == "cpu" else device["name"]


def select(record, section, status="ok", **fields):
    """The cells of a record that agree with all fields: list. status None: whatever came of them."""
    fields = {"section": section, **fields, **({"status": status} if status else {})}
    return [cell for cell in record["cells"] if all(cell.get(key) == value for key, value in fields.items())]


def title_of(cell):
    """A cell of the model section in a few words: str."""
    return f"{cell['model']} {MODES[cell['mode']]} {cell['precision']}{' compile' if cell['compile'] else ''}"


def short(value):
    """A positive number with three significant digits and no exponent, "-" for none: str."""
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def rate(cell, quantity="flops", quartile="median"):
    """How many FLOPs, bytes or images (its batch) a cell did in a second: float."""
    return cell[quantity] / cell["seconds"][quartile]


def peak_of(record, precision):
    """TFLOP/s of the fastest matrix product of a record, None where none was measured."""
    return max((rate(cell) / 1e12 for cell in select(record, "matmul", precision=precision)), default=None)


def bandwidth_of(record):
    """GB a second that a copy read and wrote, None where it was not measured."""
    return max((rate(cell, "bytes") / 1e9 for cell in select(record, "copy")), default=None)


# %% [markdown]
# ## 다른 구현보다 빠른가
#
# 한 칸에서는 모든 구현을 같은 배치, 같은 정밀도로 **번갈아** 재었어요. 그래서 같은 차례끼리 나눈 시간의 비가 가장 믿을 만해요.
# 비의 가운데 반(사분위 사이)이 모두 1 아래이고 중앙값도 0.97보다 작으면 **느리다**고 쳐요.


# %%
def race(record):
    """Every model cell against its fastest peer -> [dict], ratio: how many times as fast ours is."""
    races = []
    for ours in select(record, "model", library="mundap"):
        same = {key: ours[key] for key in ("model", "mode", "precision", "compile")}
        cells = [cell for cell in select(record, "model", **same) if "times_ours" in cell]
        if cells:
            peers = {cell["library"]: cell["times_ours"] for cell in cells}
            fastest = min(peers, key=lambda name: peers[name]["median"])
            slower = peers[fastest]["median"] < 0.97 and peers[fastest]["high"] < 1
            races.append({**same, "peers": peers, "fastest": fastest, "ratio": peers[fastest], "slower": slower})
    return races


# %%
def device_row(record, precisions):
    """What a record says of its device, as a line of the table."""
    speeds = [*(peak_of(record, how) for how in precisions), bandwidth_of(record)]
    moved, minutes = f"{math.expm1(drift(record)):.1%}", f"{record['seconds'] / 60:.0f}분"
    return [name_of(record), *map(short, speeds), moved, record["versions"]["torch"], record["when"][:10], minutes]


if __name__ == "__main__":
    records = read_folder(data_path("benchmarks"))
    if not records:
        raise SystemExit("snippets/data/benchmarks/에 기록이 없어요.")
    gpus = [record for record in records if record["device"]["kind"] != "cpu"]
    lead = records[0]
    lead_name, lead_precision = name_of(lead), lead["settings"]["precisions"][0]
    lead_words = f"({lead_name}, {lead_precision})"
    hows = [how for how in ("bf16", "fp16", "tf32", "float32") if any(peak_of(record, how) for record in records)]
    header = ["장치", *hows, "복사 GB/s", "흔들림", "PyTorch", "날짜", "걸린 시간"]
    caption = "기록한 장치: 행렬곱의 최고 속도(TFLOP/s)와 메모리를 읽고 쓰는 속도, 처음과 끝의 차이"
    table("devices", caption, header, [device_row(record, hows) for record in records])
    if not gpus:
        print("GPU에서 잰 기록은 아직 없어요.")


# %%
def race_row(item, libraries):
    """A cell against its fastest peer and against each, as a line of the table."""
    ratio, medians = item["ratio"], {name: f"{peer['median']:.2f}" for name, peer in item["peers"].items()}
    words = (
        f"{ratio['median']:.2f} ({ratio['low']:.2f}~{ratio['high']:.2f})",
        "느려요" if item["slower"] else "괜찮아요",
    )
    return [title_of(item), *words, *(medians.get(library, "-") for library in libraries)]


if __name__ == "__main__":
    races = {name_of(record): race(record) for record in records}
    compared = races[lead_name]
    libraries = [name for name in lead["settings"]["libraries"] if name != "mundap"]
    header = ["칸", "가장 빠른 것보다 (사분위)", "판정", *libraries]
    caption = f"이 저장소의 ViT가 다른 구현보다 몇 배 빠른가 ({lead_name})"
    table("ratios", caption, header, [race_row(item, libraries) for item in compared])
    slower = [item for item in compared if item["slower"]]
    print(f"{len(compared)}칸 가운데 {len(slower)}칸에서 느려요.")

# %% [markdown]
# ## 모델: 초당 이미지 수와 MFU
#
# **MFU**(model FLOPs utilization)는 모델에 꼭 필요한 연산을 실제로 걸린 시간으로 나눈 뒤, 같은 기록에서 가장 빨랐던 행렬곱의 속도로 나눈 값이에요.
# 배치는 더 키워도 빨라지지 않을 때까지 키워서 골랐어요.


# %%
def model_row(cell, mfus):
    """Throughput, MFU and memory of a cell as a line of the table. mfus: by which peaks, as a cell names them."""
    if cell["status"] != "ok":
        return [title_of(cell), cell["batch"] or "-", REASONS[cell["status"]], *("-" for _ in mfus), "-"]
    median, high, low = (short(rate(cell, "batch", quartile)) for quartile in ("median", "high", "low"))
    shares = [f"{cell[mfu]:.0%}" if cell[mfu] else "-" for mfu in mfus]
    memory = "-" if cell["memory_bytes"] is None else f"{cell['memory_bytes'] / 2**20:,.0f}"
    return [title_of(cell), cell["batch"], f"{median} ({high}~{low})", *shares, memory]


if __name__ == "__main__":
    mfus = {"mfu": "MFU", **({"mfu_datasheet": "제원 대비"} if lead["device"]["datasheet"] else {})}
    rows = [model_row(cell, mfus) for cell in select(lead, "model", status=None, library="mundap")]
    header = ["칸", "배치", "장/초 (사분위)", *mfus.values(), "MiB"]
    table("models", f"이 저장소의 ViT: 224px 이미지의 처리량과 MFU ({lead_name})", header, rows)


# %%
def mfu_row(title, mode, goal, record):
    """The highest MFU of ViT-L in a record against a goal, as a line of the table."""
    cells = select(record, "model", library="mundap", precision="bf16", compile=True, model="L/16", mode=mode)
    reached = max((cell["mfu"] for cell in cells if cell["mfu"]), default=None)
    if reached is None:
        return [title, name_of(record), "-", "안 잼"]
    return [title, name_of(record), f"{reached:.0%}", "이뤘어요" if reached >= goal else "모자라요"]


def slower_row(record, races):
    """In how many cells of a record ours is slower, as a line of the table."""
    count = sum(item["slower"] for item in races)
    verdict = "안 잼" if not races else "모자라요" if count else "이뤘어요"
    return ["어느 칸에서도 느리지 않음", name_of(record), f"{len(races)}칸 중 {count}칸 느림", verdict]


if __name__ == "__main__":
    rows = []
    for mode, goal in (("inference", 0.65), ("training", 0.50)):
        title = f"ViT-L/16 {MODES[mode]} bf16 compile: MFU {goal:.0%} 이상"
        rows += [mfu_row(title, mode, goal, record) for record in gpus] or [[title, "GPU", "-", "기록이 없어요"]]
    rows += [slower_row(record, races[name_of(record)]) for record in records]
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


def draw_sweep(axis, record, precision, mode):
    """Images a second against the batch -> {model: how many times as fast as batch 1 the fastest batch is}."""
    gains, batches = {}, set()
    for size, color, marker in zip(("Ti", "S", "B", "L"), (BLUE, ORANGE, GREEN, PINK), "os^D"):
        cells = select(record, "sweep", model=f"{size}/16", mode=mode, precision=precision)
        rates = {cell["batch"]: rate(cell, "batch") for cell in cells}
        if rates:
            gains[f"{size}/16"] = max(rates.values()) / next(iter(rates.values()))
            axis.plot(*zip(*rates.items()), color=color, marker=marker, label=f"ViT-{size}/16")
        batches |= rates.keys()
    log_axes(axis, "배치", sorted(batches), title=MODES[mode])
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    return gains


if __name__ == "__main__":
    figure, axes = plt.subplots(1, 2, figsize=(7, 3.6), sharey=True)
    gains = {mode: draw_sweep(axis, lead, lead_precision, mode) for axis, mode in zip(axes, MODES)}
    axes[0].set_ylabel("장/초")
    axes[0].legend(fontsize=9)
    gain, name, mode = max((gain, name, mode) for mode in MODES for name, gain in gains[mode].items())
    alt = (
        f"배치를 키워서 가장 많이 빨라진 것은 ViT-{name} {MODES[mode]}으로, 배치 1의 {gain:.1f}배예요. "
        f"({lead_name}, {lead_precision}, 컴파일하지 않음)"
    )
    show(figure, "sweep", alt)

# %% [markdown]
# ## 어텐션: 시간과 메모리
#
# 헤드 12개에 헤드 차원 64(ViT-B)인 어텐션을 224px부터 2048px까지의 토큰 수로 쟀어요. 짧은 시퀀스는 장치를 채울 만큼 묶어서 재고 하나의 값으로 나눴어요.


# %%
def curve(record, method, precision, which="forward", quantity="seconds"):
    """Seconds or bytes ("memory") of one sequence against N -> {N: value}, in order."""
    cells = select(record, "attention", method=method, precision=precision, **{"pass": which})
    values = {}
    for cell in sorted(cells, key=lambda cell: cell["tokens"]):
        value = cell["seconds"]["median"] if quantity == "seconds" else cell["memory_bytes"]
        if value:
            values[cell["tokens"]] = value / cell["batch"]
    return values


def fused_methods(record, precision):
    """The fused backends that a device has in a precision: list, the fastest at the longest N first."""
    curves = {method: curve(record, method, precision) for method in ("flash", "cudnn", "efficient")}
    longest = {method: max(seconds.items()) for method, seconds in curves.items() if seconds}
    return sorted(longest, key=lambda method: (-longest[method][0], longest[method][1]))


def at_longest(record, one, other, quantity="seconds"):
    """Seconds or bytes of one over those of another, each a (method, precision), at the longest N of both -> (N, ratio)."""
    ones, others = (curve(record, *way, quantity=quantity) for way in (one, other))
    longest = max(ones.keys() & others.keys())
    return longest, ones[longest] / others[longest]


# %%
def draw_curves(axis, record, precision, quantity, scale):
    """Time or memory of each way to compute attention against N, and where the memory ran out."""
    for (method, title), color, marker in zip(METHODS.items(), (ORANGE, PINK, GREEN, BLUE, VIOLET), "ov^sD"):
        values = {N: scale * value for N, value in curve(record, method, precision, quantity=quantity).items()}
        if not values:
            continue
        axis.plot(*zip(*values.items()), color=color, marker=marker, label=title)
        if select(record, "attention", "oom", method=method, precision=precision, **{"pass": "forward"}):
            place = {"xytext": (4, 4), "textcoords": "offset points"}
            axis.annotate("메모리 부족", max(values.items()), fontsize=8, color=color, **place)
    longest = max(curve(record, "flash", precision))
    ticks = [N for N in (197, 1025, 4097, 16385) if N <= longest]
    log_axes(axis, "토큰 수 N", ticks)
    axis.set_title(f"{name_of(record)}, {precision}", fontsize=9)


def panels_of(records):
    """The records and precisions that stand side by side: two devices, or two precisions of the only one."""
    panels = [(record, record["settings"]["precisions"][0]) for record in records[:2]]
    if len(panels) == 1:
        panels = [(records[0], how) for how in dict.fromkeys([panels[0][1], "float32"])]
    return [(record, how) for record, how in panels if curve(record, "naive", how)]


if __name__ == "__main__":
    panels, best_fused = panels_of(records), fused_methods(lead, lead_precision)[0]
    ways = ("naive", lead_precision), (best_fused, lead_precision)
    ratios = {}
    for quantity, what, scale, label, name in (
        ("seconds", "시간이", 1e3, "시간 (ms)", "attention_time"),
        ("memory", "메모리가", 2**-20, "최대 메모리 (MiB)", "attention_memory"),
    ):
        figure, axes = plt.subplots(1, len(panels), figsize=(7, 3.8), sharey=True, squeeze=False)
        for axis, (record, how) in zip(axes[0], panels):
            draw_curves(axis, record, how, quantity, scale)
        axes[0][0].set_ylabel(f"시퀀스 하나의 {label}")
        axes[0][0].legend(fontsize=9)
        N, ratios[quantity] = at_longest(lead, *ways, quantity)
        alt = f"N = {N:,}에서 식 그대로 계산하면 {best_fused} 커널보다 {what} {ratios[quantity]:.1f}배 들어요. "
        show(figure, name, alt + lead_words)


# %%
def attention_row(record, precision, px):
    """Time and speed of each way to compute attention at that image size, as a line of the table."""
    N = (px // 16) ** 2 + 1
    row = [px, f"{N:,}"]
    for method in METHODS:
        same = {"tokens": N, "method": method, "precision": precision, "pass": "forward"}
        [cell] = select(record, "attention", status=None, **same) or [None]
        if cell and cell["status"] == "ok":
            row.append(f"{short(1e3 / rate(cell, 'batch'))} / {short(rate(cell) / 1e12)}")
        else:
            row.append(REASONS[cell["status"]] if cell else "-")
    return row


if __name__ == "__main__":
    rows = [attention_row(lead, lead_precision, px) for px in lead["settings"]["grid"]["pixels"]]
    caption = f"어텐션 순전파 한 번: 시퀀스 하나의 ms / TFLOP/s {lead_words}"
    table("attention", caption, ["px", "N", *METHODS.values()], rows)

    fits = {(fit["method"], fit["pass"], fit["precision"], fit["quantity"]): fit for fit in lead["fits"]}
    rows = []
    for method, which, how in dict.fromkeys(key[:3] for key in fits):
        both = [fits.get((method, which, how, quantity)) for quantity in ("time", "memory")]
        exponents = [f"{fit['exponent']:.2f} ± {fit['error']:.2f}" if fit else "-" for fit in both]
        rows.append([METHODS[method], "순전파" if which == "forward" else "순전파+역전파", how, *exponents])
    table("exponents", f"N에 대한 지수와 표준오차 ({lead_name})", ["구현", "일", "정밀도", "시간", "메모리"], rows)

# %% [markdown]
# ## 모델의 시간에서 어텐션이 차지하는 몫
#
# 모델 전체와, 그 안의 어텐션만 떼어 낸 것을 번갈아 재서 나눴어요. 식 $N/(6D+N)$은 연산량의 몫이에요. 둘이 다르다면 어텐션의 연산 하나가 선형층의 연산 하나보다 비싸거나 싼 거예요.


# %%
def shares_of(record, precision):
    """Attention's share of the time of ViT-B/16 and of its FLOPs -> {N: (spread of the time's, the FLOPs')}."""
    cells = sorted(select(record, "share", precision=precision), key=lambda cell: cell["tokens"])
    return {cell["tokens"]: (cell["time_share"], cell["flop_share"]) for cell in cells if "time_share" in cell}


if __name__ == "__main__":
    figure, axis = plt.subplots(figsize=(6, 3.8))
    lines = [(record, how) for record in records for how in record["settings"]["precisions"] if how != "tf32"][:4]
    shares = {(name_of(record), how): shares_of(record, how) for record, how in lines}
    for (record, how), color, marker in zip(lines, (BLUE, GREEN, PINK, VIOLET), "os^D"):
        times = {N: time for N, (time, _) in shares[name_of(record), how].items()}
        if times:
            median = [time["median"] for time in times.values()]
            bars = [[abs(time[end] - time["median"]) for time in times.values()] for end in ("low", "high")]
            label = f"시간: {record['device']['name']}, {how}"
            axis.errorbar(list(times), median, yerr=bars, color=color, marker=marker, capsize=3, label=label)
    lengths = sorted({N for share in shares.values() for N in share})
    grid = [197 * 1.1**step for step in range(50) if 197 * 1.1**step <= max(lengths)]
    axis.plot(grid, [N / (6 * 768 + N) for N in grid], color=ORANGE, linestyle="--", label="연산량: N/(6D+N)")
    log_axes(axis, "토큰 수 N", lengths, yscale="linear", ylabel="어텐션의 몫", ylim=(0, None))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axis.legend(fontsize=9)
    time_share, flop_share = shares[lead_name, lead_precision][197]
    alt = f"ViT-B/16의 N = 197에서 어텐션은 연산량의 {flop_share:.1%}인데 시간은 {time_share['median']:.1%}예요. "
    show(figure, "attention_share", alt + lead_words)

# %% [markdown]
# ## 루프라인: 계산에 묶였나, 메모리에 묶였나
#
# 가로는 메모리에서 1바이트를 읽고 쓸 때마다 하는 연산의 수(연산 강도), 세로는 실제로 낸 속도예요. 비스듬한 선은 메모리가, 평평한 선은 계산이 정하는 한계예요.
# 바이트는 연산자마다 입력을 한 번 읽고 결과를 한 번 쓴다고 세었어요. 캐시에 남아 있던 것을 다시 쓰면 점이 비스듬한 선 위로 올라갈 수 있어요.


# %%
def ridge_of(record, precision):
    """The operations a byte at which a device's memory and its matrix products keep each other busy: float."""
    return peak_of(record, precision) * 1e3 / bandwidth_of(record)


def draw_roofline(axis, record, precision):
    """Speed against operations a byte, below what the device's memory and its matrix products allow."""
    peak, ridge = peak_of(record, precision), ridge_of(record, precision)
    axis.plot([ridge / 30, ridge, 100 * ridge], [peak / 30, peak, peak], color="0.5", linewidth=1.2)
    best = (fused_methods(record, precision) or ["flash"])[0]
    attention = {"precision": precision, "pass": "forward"}
    models = {"library": "mundap", "mode": "inference", "precision": precision, "compile": False}
    for cells, marker, color, label in (
        (select(record, "attention", method="naive", **attention), "o", ORANGE, f"어텐션, {METHODS['naive']}"),
        (select(record, "attention", method=best, **attention), "s", BLUE, f"어텐션, {METHODS[best]}"),
        ([cell for cell in select(record, "model", **models) if cell.get("bytes")], "^", GREEN, "ViT 추론"),
    ):
        intensities = [cell["flops"] / cell["bytes"] for cell in cells]
        axis.plot(intensities, [rate(cell) / 1e12 for cell in cells], marker, color=color, label=label)
    log_axes(axis, "연산 강도 (FLOP/바이트)")
    axis.set_title(f"{name_of(record)}, {precision}", fontsize=9)
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))


if __name__ == "__main__":
    figure, axes = plt.subplots(1, len(panels), figsize=(7, 4), squeeze=False)
    for axis, (record, how) in zip(axes[0], panels):
        draw_roofline(axis, record, how)
    axes[0][0].set_ylabel("TFLOP/s")
    axes[0][-1].legend(fontsize=9, loc="lower right")
    ridge = ridge_of(lead, lead_precision)
    alt = f"연산 강도가 {ridge:.0f} FLOP/바이트보다 낮으면 메모리가, 높으면 계산이 속도를 정해요. "
    show(figure, "roofline", alt + lead_words)

# %% [markdown]
# ## 패치 크기와 시간
#
# 같은 224px 이미지를 P = 32, 16, 8로 자른 ViT-B의 추론이에요. 패치를 반으로 줄이면 토큰이 네 배예요.


# %%
def patch_costs(record, precision):
    """Seconds and FLOPs of one image -> {patch size: (seconds, FLOPs)}."""
    cells = {int(cell["model"].partition("/")[2]): cell for cell in select(record, "patch", precision=precision)}
    return {P: (cell["seconds"]["median"] / cell["batch"], cell["flops"] / cell["batch"]) for P, cell in cells.items()}


if __name__ == "__main__":
    rows, patch_ratios, patch_flops = [], {}, {}
    for record in records:
        for how in dict.fromkeys(cell["precision"] for cell in select(record, "patch")):
            costs = patch_costs(record, how)
            for P in (16, 8):
                patch_ratios[name_of(record), how, P] = costs[P][0] / costs[2 * P][0]
                patch_flops[P] = costs[P][1] / costs[2 * P][1]
            times = [short(1e3 * costs[P][0]) for P in (32, 16, 8)]
            growth = [f"{patch_ratios[name_of(record), how, P]:.1f}" for P in (16, 8)]
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
            rows.append([title_of(cell), f"{item['share']:.1%}", item["name"].removeprefix("aten::")])
    table("profile", f"시간을 가장 많이 쓰는 연산자 다섯 ({lead_name})", ["칸", "몫", "연산자"], rows)


# %%
def fused_over_naive(record, which):
    """How many times as long PyTorch's flash kernel takes as the plain formula at N = 197, where it is slow."""
    how = record["settings"]["precisions"][0]
    flash, naive = (curve(record, method, how, which)[197] for method in ("flash", "naive"))
    return flash / naive


if __name__ == "__main__":
    cpu = records[-1]
    if cpu["device"]["kind"] != "cpu":
        raise SystemExit("CPU 기록이 없어요.")
    half = cpu["settings"]["precisions"][0]
    floats, halves = (
        [item for item in race(cpu) if (item["precision"] == "float32") == full] for full in (True, False)
    )
    statuses = [cell["status"] for record in records for cell in record["cells"]]
    differences = [cell.get("difference") for record in records for cell in select(record, "model")]
    worst = min(compared, key=lambda item: item["ratio"]["median"])
    share_ratios = [share[197][0]["median"] / share[197][1] for share in shares.values() if 197 in share]
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
        "longest": at_longest(lead, *ways, "seconds")[0],
        "time_ratio": ratios["seconds"],
        "memory_ratio": ratios["memory"],
        "naive_time_exponent": fits["naive", "forward", lead_precision, "time"]["exponent"],
        "fused_time_exponent": fits[best_fused, "forward", lead_precision, "time"]["exponent"],
        "cpu_device": name_of(cpu),
        "cpu_precision": half,
        "cpu_float32_cells": len(floats),
        "cpu_float32_slower": sum(item["slower"] for item in floats),
        "cpu_half_slower": sum(item["slower"] for item in halves),
        "cpu_fused_over_naive_197": fused_over_naive(cpu, "forward"),
        "cpu_fused_over_naive_training_197": fused_over_naive(cpu, "forward+backward"),
        "cpu_half_naive_over_fused_longest": at_longest(cpu, ("naive", half), ("flash", half))[1],
        "cpu_float32_naive_over_fused_longest": at_longest(cpu, ("naive", "float32"), ("flash", "float32"))[1],
        "cpu_flash_half_over_float32": at_longest(cpu, ("flash", half), ("flash", "float32"))[1],
        "cpu_matmul_half_over_float32": peak_of(cpu, half) / peak_of(cpu, "float32"),
        "time_share_197": time_share["median"],
        "flop_share_197": flop_share,
        "least_share_ratio_197": min(share_ratios),
        "patch_time_ratio_8": patch_ratios[lead_name, lead_precision, 8],
        "patch_flops_ratio_8": patch_flops[8],
        "least_patch_time_ratio_8": min(smallest),
        "most_patch_time_ratio_8": max(smallest),
    }
    tolerance = {}
    evidence
