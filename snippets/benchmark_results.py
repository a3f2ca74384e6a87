# %% [markdown]
# # 벤치마크 기록 읽기
#
# `python snippets/gpu_benchmark.py --out 결과.json` 명령으로 장치마다 한 번씩 재어 `snippets/data/benchmarks/`에 모은 기록을 읽어요.
# 여기서는 아무것도 재지 않아요. 기록을 견주고 그릴 뿐이라, 같은 기록이면 누가 어디서 돌려도 같은 수가 나와요.

# %%
import math
import statistics

from bench.drawing import SIZES, draw_record, log_axes
from bench.reading import (
    MODES,
    at_longest,
    bandwidth_of,
    compare,
    curve,
    fused_methods,
    is_whole,
    name_of,
    peak_of,
    race,
    rate,
    select,
    short,
    summary,
    title_of,
)
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
REASONS = {
    "oom": "메모리 부족",
    "unsupported": "없음",
    "error": "오류",
    "skipped": "안 잼",
}


# %% [markdown]
# ## 다른 구현보다 빠른가
#
# 한 칸에서는 모든 구현을 같은 배치, 같은 정밀도로 **번갈아** 쟀어요. 장치가 재는 동안 느려졌다 빨라져도 같은 차례의 둘이 함께 겪으니, 같은 차례끼리 나눈 **비**에서는 지워져요.
# 비가 1보다 크면 이 저장소가 빨라요. 비의 가운데 반(사분위 사이)이 0.97 위에 있으면 “느리지 않아요”가 **맞음**, 중앙값이 0.97보다 작고 가운데 반이 1 아래면 **틀림**,
# 그 밖에는 흔들림이 커서 **미확인**이에요.
#
# 점은 비의 중앙값, 선은 사분위예요. 색을 입힌 오른쪽이 이 저장소가 빠른 쪽이에요. 네 구현을 줄 안에서 조금씩 비켜 그려서 겹치지 않아요.


# %%
if __name__ == "__main__":
    records = read_folder(data_path("benchmarks"))
    if not any(map(is_whole, records)):
        raise SystemExit("snippets/data/benchmarks/에 빠짐없이 잰 기록이 없어요.")
    records.sort(key=lambda record: not is_whole(record))  # the rest stays in order
    gpus = [record for record in records if record["device"]["kind"] != "cpu"]
    lead = records[0]
    lead_name, lead_precision = name_of(lead), lead["settings"]["precisions"][0]
    lead_words = f"({lead_name}, {lead_precision})"
    races = {name_of(record): race(record) for record in records}
    compared = races[lead_name]
    for number, record in enumerate(records):
        for mode, figure, words in draw_record(record):
            name = f"ratios_{mode}" + (f"_{number + 1}" if number else "")
            show(figure, name, words)

# %%
if __name__ == "__main__":
    libraries = [name for name in lead["settings"]["libraries"] if name != "mundap"]
    rows = []
    for device, items in races.items():
        for item in items:
            ratio = "{median:.2f} ({low:.2f}~{high:.2f})".format(**item["ratio"])
            medians = [
                f"{item['peers'][name]['median']:.2f}"
                if name in item["peers"]
                else "-"
                for name in libraries
            ]
            about = [device] if len(records) > 1 else []
            rows.append([*about, title_of(item), item["verdict"], ratio, *medians])
    about = ["장치"] if len(records) > 1 else []
    header = [
        *about,
        "칸",
        "느리지 않아요",
        "가장 빠른 것보다 (사분위)",
        *libraries,
    ]
    table(
        "ratios",
        f"이 저장소의 ViT가 다른 구현보다 몇 배 빠른가 ({', '.join(races)})",
        header,
        rows,
    )
    slower = [item for item in compared if item["verdict"] == "틀림"]
    print(f"{len(compared)}칸 가운데 {len(slower)}칸에서 느려요.")

# %% [markdown]
# ## 말해 볼 수 있는 것과 판정
#
# 구현과 정밀도마다 칸들의 비를 로그로 평균하고, 표준오차의 두 배까지를 구간으로 잡아 같은 잣대(3%)로 판정해요.

# %%
if __name__ == "__main__":
    rows = []
    for record in records:
        device, items = name_of(record), races[name_of(record)]
        about = f"{device}: " if len(records) > 1 else ""
        for (library, precision), ratio in compare(items).items():
            value = "{median:.2f}배 ({low:.2f}~{high:.2f})".format(**ratio)
            rows.append(
                [
                    f"{about}{library}보다 느리지 않아요 ({precision})",
                    value,
                    ratio["verdict"],
                ]
            )
        verdicts = [item["verdict"] for item in items]
        rows.append(
            [
                f"{about}어느 칸에서도 가장 빠른 구현보다 느리지 않아요",
                f"{len(items)}칸 중 {verdicts.count('틀림')}칸 느림",
                "틀림"
                if "틀림" in verdicts
                else "맞음"
                if verdicts and set(verdicts) == {"맞음"}
                else "미확인",
            ]
        )
    goals = {"inference": 0.65, "training": 0.50}
    best_mfu = {}  # of ViT-L in bf16, compiled -> {(device, mode): the largest MFU}
    for mode, goal in goals.items():
        title = (
            f"ViT-L/16 {MODES[mode]}의 MFU가 {goal:.0%} 이상이에요 (bf16, compile)"
        )
        for record in gpus:
            cells = select(
                record,
                "model",
                library="mundap",
                model="L/16",
                mode=mode,
                precision="bf16",
                compile=True,
            )
            mfu = max((cell["mfu"] or 0 for cell in cells), default=0)
            best_mfu[name_of(record), mode] = mfu
            verdict = "미확인" if not mfu else "맞음" if mfu >= goal else "틀림"
            rows.append(
                [
                    f"{name_of(record)}: {title}",
                    f"{mfu:.0%}" if mfu else "안 잼",
                    verdict,
                ]
            )
        rows += [] if gpus else [[f"GPU: {title}", "기록 없음", "미확인"]]
    table(
        "verdicts",
        f"잰 것으로 판정한 말 ({', '.join(races)})",
        ["말", "잰 값", "판정"],
        rows,
    )
    if not gpus:
        print("GPU에서 잰 기록은 아직 없어요.")

# %% [markdown]
# ## 기록한 장치

# %%
if __name__ == "__main__":
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
    figure, axes = plt.subplots(1, 2, figsize=(4.5, 3.4), sharey=True)
    gains = []  # how many times as fast as batch 1 the fastest batch is
    for axis, mode in zip(axes, MODES):
        batches = set()
        for size, color, marker in zip(SIZES, (BLUE, ORANGE, GREEN, PINK), "os^D"):
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
                    label=f"{size}/16",
                )
            batches |= rates.keys()
        shown = sorted(batches)[:: 1 + len(batches) // 6]
        log_axes(axis, "배치", shown, title=f"장/초 ({MODES[mode]})")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=4
    )
    gain, name, mode = max(gains)
    alt = f"배치를 키워서 가장 많이 빨라진 것은 ViT-{name} {MODES[mode]}으로, 배치 1의 {gain:.1f}배예요. "
    show(figure, "sweep", f"{alt}({lead_name}, {lead_precision}, 컴파일하지 않음)")

# %% [markdown]
# ## 어텐션: 시간과 메모리
#
# 헤드 12개에 헤드 차원 64(ViT-B)인 어텐션을 224px부터 2048px까지의 토큰 수로 쟀어요. 짧은 시퀀스는 장치를 채울 만큼 묶어서 재고 하나의 값으로 나눴어요.


# %%
UNITS = {"seconds": ("ms", 1e3), "memory": ("MiB", 2**-20)}


def cells_of(record, precision, methods, N):
    """Times and memory of one forward pass at N, as a table shows them: list of
    str."""
    shown = []
    for quantity, (_, scale) in UNITS.items():
        for method in methods:
            value = curve(record, method, precision, quantity=quantity).get(N)
            same = {"precision": precision, "pass": "forward", "tokens": N}
            found = select(record, "attention", None, method=method, **same)
            why = REASONS.get(found[0]["status"], "-") if found else "-"
            shown.append(short(value * scale, 4) if value else why)
    return shown


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
    titles = [
        how if len(records) == 1 else f"{record['device']['name']}\n{how}"
        for record, how in panels
    ]
    looks = dict(zip(METHODS, zip((ORANGE, PINK, GREEN, BLUE, VIOLET), "ov^sD")))
    for quantity, what, label, name in (
        ("seconds", "시간이", "시간", "attention_time"),
        ("memory", "메모리가", "최대 메모리", "attention_memory"),
    ):
        unit, scale = UNITS[quantity]
        figure, axes = plt.subplots(
            1, len(panels), figsize=(4.5, 3.6), sharey=True, squeeze=False
        )
        handles = {}
        for axis, (record, how), title in zip(axes[0], panels, titles):
            for method, (color, marker) in looks.items():
                values = curve(record, method, how, quantity=quantity)
                values = {N: scale * value for N, value in values.items()}
                if values:
                    look = {"color": color, "marker": marker}
                    [handles[METHODS[method]]] = axis.plot(
                        *zip(*values.items()), **look
                    )
                same = {"method": method, "precision": how, "pass": "forward"}
                if values and select(record, "attention", "oom", **same):
                    place = {"xytext": (4, 4), "textcoords": "offset points"}
                    axis.annotate(
                        "메모리 부족", max(values.items()), color=color, **place
                    )
            last = max(axis.dataLim.x1, 0)
            log_axes(
                axis,
                "토큰 수 N",
                [N for N in (197, 1025, 4097, 16385) if N <= last],
                title=title,
            )
        axes[0][0].set_title(f"{label} ({unit})\n{titles[0]}")
        figure.legend(handles.values(), handles, loc="outside upper left", ncols=3)
        figure.get_layout_engine().set(wspace=0.14)  # 4,097 and 197 stay apart
        longest, ratios[quantity] = at_longest(lead, *ways, quantity)
        alt = f"N = {longest:,}에서 식 그대로 계산하면 {best_fused} 커널보다 {what} {ratios[quantity]:.1f}배 들어요. "
        show(figure, name, alt + lead_words)

# %%
if __name__ == "__main__":
    hows = {
        name_of(record): [
            how
            for how in record["settings"]["precisions"]
            if curve(record, "naive", how) and fused_methods(record, how)
        ]
        for record in records
    }
    methods = [
        method
        for method in METHODS
        if any(curve(r, method, how) for r in records for how in hows[name_of(r)])
    ]
    rows = []
    for record in records:
        for how in hows[name_of(record)]:
            lengths = {N for method in methods for N in curve(record, method, how)}
            for N in sorted(lengths):
                rows.append(
                    [
                        name_of(record),
                        how,
                        f"{N:,}",
                        *cells_of(record, how, methods, N),
                    ]
                )
    header = [f"{METHODS[m]} {unit}" for unit, _ in UNITS.values() for m in methods]
    caption = "어텐션 순전파 한 번: 시퀀스 하나의 시간과 최대 메모리"
    table("attention", caption, ["장치", "정밀도", "N", *header], rows)

    rows, lengths = [], (min(curve(lead, "naive", lead_precision)), longest)
    for how in hows[lead_name]:
        for method in ("naive", fused_methods(lead, how)[0]):
            ends = [cells_of(lead, how, [method], N) for N in lengths]
            rows.append([f"{how}, {METHODS[method]}", *map(" → ".join, zip(*ends))])
    caption = f"N이 {lengths[0]:,}에서 {lengths[1]:,}까지 늘 때 ({lead_name})"
    table("attention_ends", caption, ["", "시간 (ms)", "최대 메모리 (MiB)"], rows)

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
    figure, axis = plt.subplots(figsize=(4.5, 3.8))
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
                "label": f"시간 ({how})"
                if len(records) == 1
                else f"시간 ({record['device']['name']}, {how})",
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
        label="연산량, N/(6D+N)",
    )
    log_axes(
        axis,
        "토큰 수 N",
        lengths,
        yscale="linear",
        title="어텐션의 몫",
        ylim=(0, None),
    )
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    figure.legend(loc="outside upper left", ncols=2 if len(records) > 1 else 3)
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
    figure, axes = plt.subplots(1, len(panels), figsize=(4.5, 3.8), squeeze=False)
    ridges = []  # FLOPs a byte at which memory and matrix products keep each other busy
    for axis, (record, how), title in zip(axes[0], panels, titles):
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
        log_axes(axis, "FLOP/바이트")
        axis.set_title(title if ridges[1:] else f"TFLOP/s\n{title}")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    handles, labels = axes[0][-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=3)
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
    for record in records:
        about = f"{record['device']['name']}: " if len(records) > 1 else ""
        for cell in select(record, "profile"):
            for item in cell["operators"][:5]:
                share, name = f"{item['share']:.1%}", item["name"]
                rows.append(
                    [about + title_of(cell), share, name.removeprefix("aten::")]
                )
    table(
        "profile",
        f"시간을 가장 많이 쓰는 연산자 다섯 ({', '.join(races)})",
        ["칸", "몫", "연산자"],
        rows,
    )

# %%
if __name__ == "__main__":
    cpus = [each for each in records if each["device"]["kind"] == "cpu"]
    if not any(map(is_whole, cpus)):
        raise SystemExit("CPU에서 빠짐없이 잰 기록이 없어요.")
    cpu = cpus[0]
    cpu_name, half = name_of(cpu), cpu["settings"]["precisions"][0]
    floats = [
        item["verdict"] == "틀림"
        for item in races[cpu_name]
        if item["precision"] == "float32"
    ]
    halves = [
        item["verdict"] == "틀림"
        for item in races[cpu_name]
        if item["precision"] != "float32"
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
    same, lost = summary(compared)
    ends = [ratio for item in compared for ratio in item["peers"].values()]
    first_peer = next(iter(compared[0]["peers"]))
    firsts = [
        item["peers"][first_peer]["median"]
        for item in compared
        if first_peer in item["peers"]
    ]
    gpu_words, gpu_about = "아직 없어요", "한 줄로 재서 보태기 →"
    if gpus:
        mfu = max(best_mfu[name_of(gpus[0]), mode] for mode in MODES)
        gpu_words = f"{len(gpus)}대"
        gpu_about = gpus[0]["device"]["name"] + (f", MFU {mfu:.0%}" if mfu else "")
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
        "same": same,
        "lost": lost,
        "first_peer": first_peer,
        "first_peer_least": min(firsts),
        "first_peer_most": max(firsts),
        "gpu_words": gpu_words,
        "gpu_about": gpu_about,
        "drift": math.expm1(drift(lead)),
        "ratio_spread": statistics.median(
            ratio["high"] / ratio["low"] - 1 for ratio in ends
        ),
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
