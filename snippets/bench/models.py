"""The sections that measure whole ViTs: the batch that fills the device, libraries against each other, a profile."""

import time
import warnings
from functools import partial

import torch
from bench.grid import pick_batch, resident, saturated
from bench.peers import build
from bench.work import DTYPES, Task, bytes_of, flops_of, memory_of, outcome, precision, vit_call
from lib.cost import Failed, attempt, free_memory, spread
from vit import vit


def model(bench):
    """ViTs of all sizes, inference and training: ours in growing batches, then against the other libraries'."""
    for size in bench.grid["models"]:
        for how in bench.precisions:
            for mode in ("inference", "training"):
                base = {"model": f"{size}/16", "mode": mode, "precision": how, "batch": None}
                sweep = {"section": "sweep", "library": "mundap", **base, "compile": False}
                yield Task(f"배치 {_title(sweep)}", [sweep], _measure_sweep)
                for tuned in _tunings(bench, size):
                    base |= {"section": "model", "compile": tuned}
                    cells = [base | {"library": library} for library in bench.libraries]
                    yield Task(_title(base), cells, _measure_models)


def profile(bench):
    """Which operators the time of the largest model goes to."""
    size = bench.grid["models"][0]
    for mode in ("inference", "training"):
        for tuned in _tunings(bench, size):
            cell = {"section": "profile", "library": "mundap", "model": f"{size}/16", "mode": mode}
            cell |= {"precision": bench.precisions[0], "compile": tuned, "batch": None}
            yield Task(f"프로파일 {_title(cell)}", [cell], _measure_profile)


def _tunings(bench, size):
    """Whether to compile: the ways in which a model of that size is measured."""
    return (False, True) if size in bench.grid["compiled"] else (False,)


def _job(cell):
    return cell["model"], cell["mode"], cell["precision"]


def _title(cell):
    return " ".join(_job(cell)) + " compile" * cell["compile"]


def _measure_sweep(bench, cells):
    """Batches, each twice the last, until they gain nothing more, take too long or have no room."""
    [sweep] = cells
    network, flops = vit(sweep["model"]), flops_of(sweep["model"], 224, sweep["mode"])
    rates, results = {}, []

    def seconds_of(cell):
        return bench.time([vit_call(bench, cell, network)], rounds=3, budget=10)["mundap"]

    for batch in bench.grid["batches"]:
        cell = sweep | {"batch": batch, "flops": batch * flops}
        results.append(cell | outcome(attempt(partial(seconds_of, cell), bench.kind)))
        if results[-1]["status"] != "ok":
            break
        seconds = results[-1]["seconds"]["median"]
        rates[batch] = batch / seconds
        if saturated(rates) or seconds > bench.grid["budget"] / 12:
            break
    if rates:
        bench.batches[_job(sweep)] = pick_batch(rates)
    return results


def _measure_models(bench, cells):
    """All libraries of a cell in turns, at the batch that fills the device."""
    batch = bench.batches.get(_job(cells[0]))
    if batch is None:
        return [cell | {"status": "skipped", "error": "no batch size could be measured"} for cell in cells]
    while True:
        results = _race(bench, cells, batch)
        if batch == 1 or not any(cell["status"] == "oom" for cell in results):
            return results
        batch //= 2  # ours alone had the memory for it, all of them have not


def _race(bench, cells, batch):
    """Libraries in turns, as many at a time as the memory has room for, ours in every turn."""
    name, mode = cells[0]["model"], cells[0]["mode"]
    ours, *others = (cell | {"batch": batch, "flops": batch * flops_of(name, 224, mode)} for cell in cells)
    state = vit(name).state_dict()
    torch.compiler.reset()  # compiled code of earlier cells, and the limits on it

    def ready(cell):
        return attempt(lambda: _ready(bench, cell, state), bench.kind)

    kept, results = ready(ours), []
    room = resident(name.split("/")[0], bench.about["memory_bytes"]) - 1
    for start in range(0, max(1, len(others)), room):
        chunk = [ours, *others[start : start + room]]
        networks = [kept, *map(ready, chunk[1:])]
        times = bench.time([network[0] for network in networks if not isinstance(network, Failed)])
        turns = [_result(bench, cell, network, times) for cell, network in zip(chunk, networks)]
        results += turns[1:] if results else turns
        networks = None  # the last reference to their tensors
        free_memory(bench.kind)
    return results


def _result(bench, cell, network, times):
    """A cell with what came of its library's network; network: what _ready() gave, or Failed."""
    if isinstance(network, Failed):
        return cell | outcome(network)
    contender, facts = network
    result = cell | facts | outcome(times[cell["library"]])
    if result["status"] == "ok":
        result["memory_bytes"] = memory_of(contender, bench.kind)
        ours = times.get("mundap")
        if cell["library"] == "mundap":
            size, dtype = (cell["model"], 224, cell["batch"]), DTYPES[cell["precision"]]
            result["bytes"] = bytes_of(*size, dtype) if cell["mode"] == "inference" else None
        elif ours and not isinstance(ours, Failed):
            result["times_ours"] = spread([a / b for a, b in zip(times[cell["library"]], ours)])
    return result


def _ready(bench, cell, state):
    """A library's network, checked against ours -> (Contender, {same_weights, difference, compile_seconds})."""
    with warnings.catch_warnings():  # advice that libraries give at import or compilation is no part of a result
        warnings.simplefilter("ignore")
        network, same = build(cell["library"], cell["model"], state)
        facts = {"same_weights": same, "difference": None, "compile_seconds": None}
        if same and cell["library"] != "mundap":
            facts["difference"] = _logit_difference(bench, network, cell["model"], state)
        if cell["compile"]:
            network = torch.compile(network, dynamic=False)
        contender = vit_call(bench, cell, network)
        if cell["compile"]:
            start = time.perf_counter()
            with contender.context():
                contender.run()
            facts["compile_seconds"] = time.perf_counter() - start
    return contender, facts


def _logit_difference(bench, network, name, state):
    """The largest difference of the logits of one image to ours, in float32, relative to the largest logit."""
    ours, _ = build("mundap", name, state)
    networks, image = [each.to(bench.device).eval() for each in (ours, network)], bench.tensor(1, 3, 224, 224)
    with precision("float32"):
        one, other = (each(image) for each in networks)
    return ((one - other).abs().max() / one.abs().max()).item()


def _measure_profile(bench, cells):
    cell = cells[0] | {"batch": bench.batches.get(_job(cells[0]), bench.grid["batches"][0])}
    torch.compiler.reset()
    contender, _ = _ready(bench, cell, vit(cell["model"]).state_dict())
    totals = _operator_times(contender, bench.kind)
    if not any(totals.values()):
        raise RuntimeError("the profiler saw no operator")
    most = sorted(totals, key=totals.get, reverse=True)[:12]
    operators = [{"name": name[:120], "share": totals[name] / sum(totals.values())} for name in most]
    return [cell | {"status": "ok", "error": None, "operators": operators}]


def _operator_times(contender, kind):
    """Time of each operator in one call, the device's own on a GPU -> {name: microseconds}."""
    cuda = kind == "cuda"
    activities = [torch.profiler.ProfilerActivity.CPU, *([torch.profiler.ProfilerActivity.CUDA] if cuda else [])]
    with contender.context():
        for _ in range(2):
            contender.run()
        with torch.profiler.profile(activities=activities) as profiler:
            contender.run()
            if cuda:
                torch.cuda.synchronize()
    events = profiler.key_averages()
    if not cuda:
        return {event.key: event.self_cpu_time_total for event in events}
    kernels = [event for event in events if str(event.device_type).endswith("CUDA") and not event.is_user_annotation]
    return {event.key: event.self_device_time_total for event in kernels}  # of kernels, and not their callers
