"""Records of the benchmark drawn: ours against other implementations, axes in powers."""

from bench.reading import MODES, name_of, race
from lib.figure import BLUE, GREEN, INK, ORANGE, PINK, VIOLET, plt
from matplotlib.ticker import FuncFormatter

SIZES = ("Ti", "S", "B", "L")
COLORS, MARKERS = (BLUE, GREEN, VIOLET, ORANGE, PINK), "o^Dsv"


def lines_of(items):
    """Races -> [(precision or None, label, race or None)], from the top down: each
    precision with the models below it, the small ones first."""
    lines = []
    for precision in dict.fromkeys(item["precision"] for item in items):
        lines.append((precision, precision, None))
        group = [item for item in items if item["precision"] == precision]
        for item in sorted(
            group,
            key=lambda item: (
                SIZES.index(item["model"].split("/")[0]),
                item["compile"],
            ),
        ):
            above = lines[-1][2]
            label = f"{item['model']} compile" if item["compile"] else item["model"]
            if item["compile"] and above and above["model"] == item["model"]:
                label = "compile"
            lines.append((None, label, item))
    return lines


def draw_races(items, mode, libraries, bounds):
    """Draw races of one mode against each library -> a figure. bounds: of the
    ratios."""
    lines = lines_of(items)
    figure, axis = plt.subplots(figsize=(4.5, 0.9 + 0.32 * len(lines)))
    low, high = bounds
    axis.axvspan(1, high, color=GREEN, alpha=0.13, linewidth=0)
    axis.axvline(1, color=INK, linewidth=1.2)
    handles = {}
    for place, (name, color, marker) in enumerate(zip(libraries, COLORS, MARKERS)):
        found = [
            (row + 0.19 * (place - (len(libraries) - 1) / 2), item["peers"][name])
            for row, (_, _, item) in enumerate(lines)
            if item and name in item["peers"]
        ]
        if found:
            rows, ratios = zip(*found)
            ends = [(ratio["low"], ratio["high"]) for ratio in ratios]
            axis.hlines(rows, *zip(*ends), color=color, linewidth=1.1, alpha=0.75)
            look = {"color": color, "marker": marker, "markersize": 4.2}
            points = [ratio["median"] for ratio in ratios]
            [handles[name]] = axis.plot(points, rows, linestyle="", **look)
    for row in range(1, len(lines)):
        axis.axhline(row - 0.5, color=INK, alpha=0.12, linewidth=0.6)
    axis.text(0.985, 0, "느려요", ha="right", va="center")
    axis.text(1.015, 0, "빨라요", va="center")
    steps = [step / 10 for step in range(5, 20)]
    ticks = [step for step in steps if low <= step <= high]
    axis.set(xscale="log", xlim=bounds, ylim=(len(lines) - 0.4, -0.6))
    axis.set_xticks(ticks, [f"{tick:.1f}" if tick != 1 else "1×" for tick in ticks])
    axis.minorticks_off()
    axis.set_yticks(range(len(lines)), [label for _, label, _ in lines])
    for text, (precision, _, _) in zip(axis.get_yticklabels(), lines):
        text.set_fontweight("bold" if precision else "normal")
    axis.tick_params(axis="y", length=0)
    axis.grid(visible=False, axis="y")
    axis.spines["left"].set_visible(False)
    axis.set_xlabel("이 저장소가 몇 배 빠른가")
    axis.set_title(MODES[mode], fontweight="bold")
    close = {"handlelength": 0.8, "handletextpad": 0.4, "columnspacing": 0.9}
    place = {"loc": "outside upper left", "ncols": 4}
    figure.legend(handles.values(), handles, **place, **close)
    return figure


def said_of(items, mode):
    """What races of one mode came to, in a sentence: str."""
    if not items:
        return f"{MODES[mode]}은 재지 않았어요."
    losses = sum(item["verdict"] == "틀림" for item in items)
    count = f"{losses}칸이 느려요" if losses else "느린 칸은 없어요"
    worst = min(items, key=lambda item: item["ratio"]["median"])
    where = f"{worst['model']} {worst['precision']}, {worst['fastest']}"
    return (
        f"{MODES[mode]} {len(items)}칸에서 가장 빠른 구현과 견주면 {count}. "
        f"가장 낮은 비는 {worst['ratio']['median']:.2f}배예요({where})."
    )


def draw_record(record):
    """Draw the races of a record -> (mode, figure, what it says) for each mode;
    nothing without a race."""
    items = race(record)
    if not items:
        return
    ends = [ratio for item in items for ratio in item["peers"].values()]
    bounds = (
        min(0.9, 0.98 * min(ratio["low"] for ratio in ends)),
        max(1.3, 1.02 * max(ratio["high"] for ratio in ends)),
    )
    libraries = list(
        dict.fromkeys(name for item in items for name in item["peers"])
    )
    for mode in MODES:
        chosen = [item for item in items if item["mode"] == mode]
        words = f"{said_of(chosen, mode)} ({name_of(record)}, 224px)"
        yield mode, draw_races(chosen, mode, libraries, bounds), words


def log_axes(axis, xlabel, xticks=None, yscale="log", **settings):
    """Axes in powers, their numbers without exponents."""
    axis.set(xscale="log", yscale=yscale, xlabel=xlabel, **settings)
    if xticks:
        axis.set_xticks(xticks)
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    axis.minorticks_off()
