"""What the benchmark measures. Each section yields tasks: (title, cells, measure).

measure(bench, cells) -> the cells with their results. A call is (run, context).
"""

from functools import partial
from itertools import product

import torch
import torch.nn.functional as F
from attention_cost import attention_share, naive_attention
from bench.grid import BACKENDS, LONG, MODES, ROOM, tokens_of
from bench.peers import build
from bench.work import DTYPES, bytes_of, over, precision, race, vit_call
from lib.cost import free_memory
from torch.profiler import ProfilerActivity
from vit import SIZES, vit

HEADS, HEAD_DIM = 12, 64  # of ViT-B: what the attention section measures


def tasks(bench):
    """All tasks of a run: list, the most telling first."""
    names = [name for name in SECTIONS if name in bench.sections]
    todo = [task for name in names for task in SECTIONS[name](bench)]
    # A call of the longest sequences takes a CPU a minute: they come after all
    # else.
    todo.sort(
        key=lambda task: "method" in task[1][0] and task[1][0]["tokens"] > LONG
    )
    return todo + (list(matmul(bench, "end")) if "matmul" in names else [])


def matmul(bench, when="start"):
    """Matrix products: the most that the device computes, again at the end for
    drift."""
    for how in bench.precisions:
        cell = {"section": "matmul", "when": when, "precision": how, "batch": 1}
        cells = [cell | {"n": n, "flops": 2 * n**3} for n in bench.grid["matmul"]]
        yield f"행렬곱 {how}", cells, partial(race, make=_product)


def _product(bench, cell):
    n, how = cell["n"], cell["precision"]
    a, b = bench.tensor(n, n, how=how), bench.tensor(n, n, how=how)
    return lambda: a @ b, partial(precision, how)


def copy(bench):
    """A copy in the device's memory: the bytes that it moves a second."""
    size = 2 * bench.grid["copy_bytes"]  # read, then written
    cell = {"section": "copy", "precision": "float32", "batch": 1, "bytes": size}
    yield "메모리 복사", [cell], partial(race, make=_copy)


def _copy(bench, cell):
    source, target = (bench.tensor(cell["bytes"] // 8) for _ in range(2))
    return lambda: target.copy_(source), partial(precision, "float32")


def patch(bench):
    """The same images in larger and smaller patches."""
    size, batch = bench.grid["standard"], bench.batch_of(tokens_of(224, 8))
    for how in dict.fromkeys((bench.precisions[0], bench.precisions[-1])):
        cell = {"section": "patch", "precision": how, "batch": batch}
        sizes = [
            {"model": f"{size}/{P}", "tokens": tokens_of(224, P)}
            for P in (32, 16, 8)
        ]
        yield (
            f"패치 크기 {how}",
            [cell | each for each in sizes],
            partial(race, make=vit_call),
        )


def share(bench):
    """How much of the time of a whole model its attention takes."""
    size = bench.grid["standard"]
    for how, px in product(bench.precisions, bench.grid["share_pixels"]):
        N = tokens_of(px)
        cell = {"section": "share", "model": f"{size}/16", "precision": how}
        cell |= {"img_size": px, "tokens": N, "batch": bench.batch_of(N)}
        cell["flop_share"] = attention_share(N, SIZES[size][0])
        yield f"어텐션의 몫 {px}px {how}", [cell], _measure_share


def _measure_share(bench, cells):
    [cell] = cells
    whole, part = race(
        bench, [cell, cell | {"method": "attention"}], _whole_or_part
    )
    if ratio := over(part, whole):
        whole |= {"attention_seconds": part["seconds"], "time_share": ratio}
    return [whole]


def _whole_or_part(bench, cell):
    """The model, or the attention of all layers on Q, K, V as the model has
    them."""
    if "method" not in cell:
        return vit_call(bench, cell)
    D, depth, num_heads = SIZES[cell["model"].split("/")[0]]
    shape = cell["batch"], cell["tokens"], 3, num_heads, D // num_heads
    qkv = bench.tensor(*shape, how=cell["precision"])  # (B, N, 3, h, d)
    qkv = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, h, N, d)

    def run():
        for _ in range(depth):
            F.scaled_dot_product_attention(*qkv)

    return run, partial(precision, cell["precision"])


def attention(bench):
    """Attention by itself, as the formula says and by each of PyTorch's kernels."""
    precisions = [how for how in bench.precisions if how != "tf32"]
    for which, pixels in (
        ("forward", "pixels"),
        ("forward+backward", "backward_pixels"),
    ):
        for how, px in product(precisions, bench.grid[pixels]):
            N = tokens_of(px)
            cell = {"section": "attention", "pass": which, "precision": how}
            cell |= {"tokens": N, "batch": bench.batch_of(N)}
            cells = [cell | {"method": method} for method in ("naive", *BACKENDS)]
            yield (
                f"어텐션 N={N:,} {how} {which}",
                cells,
                partial(race, make=_attention),
            )


def _attention(bench, cell):
    how, method, backward = (
        cell["precision"],
        cell["method"],
        cell["pass"] != "forward",
    )
    B, h, N, d = cell["batch"], HEADS, cell["tokens"], HEAD_DIM
    # Two products, twice again for gradients; what a kernel computes anew is not
    # counted.
    cell["flops"] = (12 if backward else 4) * B * h * N**2 * d
    if (
        not backward
    ):  # Q, K, V and the result; the map, if there is one, both ways thrice
        maps = 6 * B * h * N**2 if method in ("naive", "math") else 0
        cell["bytes"] = DTYPES[how].itemsize * (4 * B * h * N * d + maps)
    q, k, v, out_grad = (bench.tensor(B, h, N, d, how=how) for _ in range(4))
    for tensor in (q, k, v):
        tensor.requires_grad_(backward)
    function = (
        naive_attention if method == "naive" else F.scaled_dot_product_attention
    )

    def run():
        out = function(q, k, v)
        if backward:
            torch.autograd.grad(out, (q, k, v), out_grad)

    return run, partial(precision, how, not backward, BACKENDS.get(method))


def model(bench):
    """ViTs of all sizes: ours in growing batches, then against the other
    libraries'."""
    for size, how, mode in product(bench.grid["models"], bench.precisions, MODES):
        sweep = {"section": "sweep", "library": "mundap", "model": f"{size}/16"}
        sweep |= {"mode": mode, "precision": how, "batch": None, "compile": False}
        yield f"배치 {_title(sweep)}", [sweep], _measure_sweep
        for tuned in _tunings(bench, size):
            cell = sweep | {"section": "model", "compile": tuned}
            cells = [cell | {"library": library} for library in bench.libraries]
            yield _title(cell), cells, _measure_models


def profile(bench):
    """Which operators the time of the largest model goes to."""
    size = bench.grid["models"][0]
    for mode, tuned in product(MODES, _tunings(bench, size)):
        cell = {"section": "profile", "library": "mundap", "model": f"{size}/16"}
        cell |= {"mode": mode, "precision": bench.precisions[0]}
        cell |= {"compile": tuned, "batch": None}
        yield f"프로파일 {_title(cell)}", [cell], _measure_profile


def _tunings(bench, size):
    """Whether to compile: the ways in which a model of that size is measured."""
    return (False, True) if size in bench.grid["compiled"] else (False,)


def _job(cell):
    return cell["model"], cell["mode"], cell["precision"]


def _title(cell):
    return " ".join(_job(cell)) + " compile" * cell["compile"]


def _measure_sweep(bench, cells):
    """Batches, each twice the last, until they gain nothing or have no room or
    time."""
    [sweep] = cells
    call = partial(vit_call, network=vit(sweep["model"]))
    rates, results = {}, []
    for batch in bench.grid["batches"]:
        results += race(
            bench, [sweep | {"batch": batch}], call, rounds=3, budget=10
        )
        if results[-1]["status"] != "ok":
            break
        seconds = results[-1]["seconds"]["median"]
        rates[batch] = batch / seconds
        if saturated(rates) or seconds > bench.grid["budget"] / 12:
            break
    if rates:
        bench.batches[_job(sweep)] = pick_batch(rates)
    return results


def saturated(rates):
    """Whether the last two of {batch: images a second} gained less than 2 %:
    bool."""
    values = list(rates.values())
    return len(values) > 2 and max(values[-2:]) < 1.02 * max(values[:-2])


def pick_batch(rates):
    """Of {batch: images a second} the smallest batch within 3 % of the fastest:
    int."""
    fastest = max(rates.values())
    return min(batch for batch, rate in rates.items() if rate >= 0.97 * fastest)


def _measure_models(bench, cells):
    """All libraries, at the batch that fills the device or has room for all of
    them."""
    batch = bench.batches.get(_job(cells[0]))
    if batch is None:
        why = {"status": "skipped", "error": "no batch size could be measured"}
        return [cell | why for cell in cells]
    results = _race_libraries(bench, cells, batch)
    while batch > 1 and any(cell["status"] == "oom" for cell in results):
        batch //= 2
        results = _race_libraries(bench, cells, batch)
    return results


def _race_libraries(bench, cells, batch):
    """A few libraries at a time in turns with ours, so that memory holds them."""
    ours, *others = (cell | {"batch": batch} for cell in cells)
    if ours["mode"] == "inference":
        ours["bytes"] = bytes_of(ours["model"], batch, DTYPES[ours["precision"]])
    call, results = partial(_library, state=vit(ours["model"]).state_dict()), []
    torch.compiler.reset()  # compiled code of earlier cells, and the limits on it
    for start in range(0, max(1, len(others)), ROOM):
        turns = race(bench, [ours, *others[start : start + ROOM]], call)
        for cell in turns[1:]:
            if ratio := over(cell, turns[0]):
                cell["times_ours"] = ratio
        results += turns[1:] if results else turns
        free_memory(bench.kind)
    return results


def _library(bench, cell, state):
    """The call of a library's network. The cell gets how far its logits are from
    ours."""
    network, same = build(cell["library"], cell["model"], state)
    cell |= {"same_weights": same, "difference": None}
    if same and cell["library"] != "mundap":
        cell["difference"] = _logit_difference(bench, network, cell["model"], state)
    if not cell["compile"]:
        return vit_call(bench, cell, network)
    run, context = vit_call(bench, cell, torch.compile(network, dynamic=False))
    with context():
        run()  # compiles, which takes longer than any call
    return run, context


def _logit_difference(bench, network, name, state):
    """The largest difference of an image's logits, over the largest of ours:
    float."""
    ours, _ = build("mundap", name, state)
    image = bench.tensor(1, 3, 224, 224)
    with precision("float32"):
        one, other = (
            each.to(bench.device).eval()(image) for each in (ours, network)
        )
    return ((one - other).abs().max() / one.abs().max()).item()


def _measure_profile(bench, cells):
    [cell] = cells
    cell = cell | {"batch": bench.batches.get(_job(cell), bench.grid["batches"][0])}
    torch.compiler.reset()
    run, context = _library(bench, dict(cell), vit(cell["model"]).state_dict())
    with context():
        totals = _operator_times(run, bench.kind)
    whole = sum(totals.values())
    if not whole:
        raise RuntimeError("the profiler saw no operator")
    most = sorted(totals, key=totals.get, reverse=True)[:12]
    operators = [
        {"name": name[:120], "share": totals[name] / whole} for name in most
    ]
    return [cell | {"status": "ok", "error": None, "operators": operators}]


def _operator_times(run, kind):
    """Microseconds of each operator in one call, on a GPU of each kernel: dict."""
    cuda = kind == "cuda"
    activities = [ProfilerActivity.CPU, *[ProfilerActivity.CUDA] * cuda]
    for _ in range(2):
        run()
    with torch.profiler.profile(activities=activities) as profiler:
        run()
        if cuda:
            torch.cuda.synchronize()
    # On a GPU those of the kernels: what calls them has their time too.
    place, own = (
        ("CUDA", "self_device_time_total")
        if cuda
        else ("CPU", "self_cpu_time_total")
    )
    events = [
        event for event in profiler.key_averages() if not event.is_user_annotation
    ]
    return {
        event.key: getattr(event, own)
        for event in events
        if event.device_type.name == place
    }


SECTIONS = {
    each.__name__: each
    for each in (matmul, copy, share, patch, attention, model, profile)
}
