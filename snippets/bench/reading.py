"""Records of the benchmark read: what a cell says, who was faster, how attention grew with N."""

import math
import statistics

MODES = {"inference": "추론", "training": "학습"}
MARGIN = 0.03  # a difference below it is none


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


def is_whole(record):
    """Whether a record has all that is told of the first device: bool."""
    first = record["settings"]["precisions"][0]
    sections = ("matmul", "copy", "model", "sweep", "attention", "share", "patch")
    return all(select(record, each) for each in sections) and bool(
        race(record) and fused_methods(record, first)
    )


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


def short(value, digits=3):
    """A positive number with so many digits and no exponent, "-" for none: str."""
    if value is None:
        return "-"
    places = max(0, digits - 1 - math.floor(math.log10(value)))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def judge(ratio):
    """Whether "not slower" holds of a ratio {median, low, high}: a verdict."""
    if ratio["median"] < 1 - MARGIN and ratio["high"] < 1:
        return "틀림"
    return "맞음" if ratio["low"] >= 1 - MARGIN else "미확인"


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
            races.append(
                {
                    **same,
                    "peers": peers,
                    "fastest": fastest,
                    "ratio": ratio,
                    "verdict": judge(ratio),
                }
            )
    return races


def average(medians):
    """Ratios -> their mean on a log scale as {median, low, high}: two standard
    errors to each side. At least two ratios."""
    logs = [math.log(median) for median in medians]
    middle = statistics.mean(logs)
    error = 2 * statistics.stdev(logs) / math.sqrt(len(logs))
    ends = {"median": middle, "low": middle - error, "high": middle + error}
    return {key: math.exp(value) for key, value in ends.items()}


def compare(items):
    """Races -> {(library, precision): its average ratio and verdict}."""
    found = {}
    for item in items:
        for library, ratio in item["peers"].items():
            key = library, item["precision"]
            found.setdefault(key, []).append(ratio["median"])
    averages = {key: average(each) for key, each in found.items() if len(each) > 1}
    return {
        key: ratio | {"verdict": judge(ratio)} for key, ratio in averages.items()
    }


def summary(items):
    """Races -> two sentences: whom ours is as fast as, and where it loses most."""
    means = compare(items).items()
    apart = {
        library
        for (library, _), ratio in means
        if ratio["low"] < 1 - MARGIN or ratio["high"] > 1 + MARGIN
    }
    equal = [
        name
        for name in dict.fromkeys(key[0] for key, _ in means)
        if name not in apart
    ]
    near = [
        item["peers"][name]["median"]
        for item in items
        for name in equal
        if name in item["peers"]
    ]
    same = "같은 빠르기라고 할 구현은 없어요."
    if equal:
        same = f"{', '.join(equal)}만큼 빨라요({min(near):.2f}~{max(near):.2f}배)."
    losses = [item for item in items if item["verdict"] == "틀림"]
    lost = "어느 칸에서도 가장 빠른 구현보다 느리지 않아요."
    if losses:
        worst = min(losses, key=lambda item: item["ratio"]["median"])
        times = 1 / worst["ratio"]["median"]
        lost = f"{worst['precision']}에서는 {worst['fastest']}보다 최대 {times:.2f}배 느려요."
    return same, lost


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
