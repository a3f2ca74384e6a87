"""The sections that measure whole ViTs: the batch that fills the device, libraries against each other, a profile."""

import time
import warnings
from functools import partial

import torch
from bench.grid import pick_batch, resident, saturated
from bench.peers import build
from bench.turns import Task, memory_of, outcome
from bench.work import DTYPES, bytes_of, flops_of, make_step, precision
from lib.cost import Contender, Failed, attempt, free_memory, quiet_stderr, spread
from vit import vit


def model(bench):
    """ViTs of all sizes, inference and training: ours in growing batches, then against the other libraries'."""
    for size in bench.grid["models"]:
        for how in bench.precisions:
            for mode in ("inference", "training"):
                name = f"{size}/16"
                base = {"model": name, "mode": mode, "precision": how, "batch": None}
                sweep = {"section": "sweep", "library": "mundap", **base, "compile": False}
                yield Task(f"배치 {name} {mode} {how}", [sweep], partial(_measure_sweep, bench, sweep))
                for tuned in _tunings(bench, size):
                    base |= {"section": "model", "compile": tuned}
                    cells = [base | {"library": library} for library in bench.libraries]
                    title = f"{name} {mode} {how}{' compile' if tuned else ''}"
                    yield Task(title, cells, partial(_measure_models, bench, cells))


def profile(bench):
    """Which operators the time of the largest model goes to."""
    size, how = bench.grid["models"][0], bench.precisions[0]
    for mode in ("inference", "training"):
        for tuned in _tunings(bench, size):
            cell = {"section": "profile", "library": "mundap", "model": f"{size}/16", "mode": mode, "precision": how}
            cell |= {"compile": tuned, "batch": None}
            title = f"프로파일 {size}/16 {mode} {how}{' compile' if tuned else ''}"
            yield Task(title, [cell], partial(_measure_profile, bench, cell))


def _tunings(bench, size):
    """Whether to compile: the ways in which a model of that size is measured."""
    return (False, True) if bench.compile and size in bench.grid["compiled"] else (False,)


def _job(cell):
    return cell["model"], cell["mode"], cell["precision"]


def _labelled(bench, batch, mode, how):
    """(images, labels) of a batch. Labels are those of ImageNet's 1,000 classes."""
    images = bench.tensor(batch, 3, 224, 224, how="float32" if mode == "training" else how)
    return images, torch.randint(1000, (batch,), device=bench.device)


def _placed(bench, network, mode, how):
    """A network on the device, as it is to be called."""
    dtype = torch.float32 if mode == "training" else DTYPES[how]
    return network.to(bench.device, dtype).train(mode == "training")


def _measure_sweep(bench, sweep):
    """Batches, each twice the last, until they gain nothing more, take too long or have no room."""
    name, mode, how = _job(sweep)
    network, flops = _placed(bench, vit(name), mode, how), flops_of(name, 224, mode)

    def seconds_of(batch):
        run, context = make_step(network, mode, *_labelled(bench, batch, mode, how), bench.kind, how)
        return bench.time([Contender("sweep", run, context)], rounds=3, budget=10)["sweep"]

    rates, cells = {}, []
    for batch in bench.grid["batches"]:
        samples = attempt(lambda: seconds_of(batch), bench.kind)
        cells.append(sweep | {"batch": batch, "flops": batch * flops} | outcome(samples))
        if cells[-1]["status"] != "ok":
            break
        seconds = cells[-1]["seconds"]["median"]
        rates[batch] = batch / seconds
        if saturated(rates) or seconds > bench.grid["budget"] / 12:
            break
    if rates:
        bench.batches[name, mode, how] = pick_batch(rates)
    return cells


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
    name, mode, how = _job(cells[0])
    state = {key: value.clone() for key, value in vit(name).state_dict().items()}
    images, labels = _labelled(bench, batch, mode, how)
    torch.compiler.reset()  # compiled code of earlier cells, and the limits on it

    def made(cells):
        return {
            cell["library"]: attempt(lambda cell=cell: _ready(bench, cell, state, images, labels), bench.kind)
            for cell in cells
        }

    room, results = resident(name.split("/")[0], bench.memory_bytes) - 1, {}
    ours = [cell for cell in cells if cell["library"] == "mundap"]
    others = [cell for cell in cells if cell["library"] != "mundap"]
    kept = made(ours)
    for start in range(0, max(1, len(others)), room):
        chunk = others[start : start + room]
        networks = kept | made(chunk)
        times = bench.time([item[0] for item in networks.values() if not isinstance(item, Failed)])
        for cell in [*([] if results else ours), *chunk]:
            base = cell | {"batch": batch, "flops": batch * flops_of(name, 224, mode)}
            results[cell["library"]] = _result(bench, base, networks[cell["library"]], times)
        networks = times = None  # the last references to their tensors
        free_memory(bench.kind)
    return [results[cell["library"]] for cell in cells]


def _result(bench, cell, ready, times):
    """A cell with what came of its library's network; ready: what _ready() gave, or Failed."""
    if isinstance(ready, Failed):
        return cell | outcome(ready)
    contender, facts = ready
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


def _ready(bench, cell, state, images, labels):
    """A library's network, checked against ours -> (Contender, {same_weights, difference, compile_seconds})."""
    name, mode, how = _job(cell)
    library, compile_seconds = cell["library"], None
    with warnings.catch_warnings():  # advice that libraries give at import or compilation is no part of a result
        warnings.simplefilter("ignore")
        network, same = build(library, name, state)
        difference = _logit_difference(bench, network, name, state) if same and library != "mundap" else None
        network = _placed(bench, network, mode, how)
        if cell["compile"]:
            network = torch.compile(network, dynamic=False)
        run, context = make_step(network, mode, images, labels, bench.kind, how)
        if cell["compile"]:
            start = time.perf_counter()
            with context():
                run()
            compile_seconds = time.perf_counter() - start
    facts = {"same_weights": same, "difference": difference, "compile_seconds": compile_seconds}
    return Contender(library, run, context), facts


def _logit_difference(bench, network, name, state):
    """The largest difference of the logits of one image to ours, in float32, relative to the largest logit."""
    ours = vit(name)
    ours.load_state_dict(state)
    image = bench.tensor(1, 3, 224, 224)
    with precision("float32"), torch.inference_mode():
        one, other = (each.to(bench.device).eval()(image) for each in (ours, network))
    return ((one - other).abs().max() / one.abs().max()).item()


def _measure_profile(bench, cell):
    name, mode, how = _job(cell)
    batch = bench.batches.get((name, mode, how), bench.grid["batches"][0])
    torch.compiler.reset()
    contender, _ = _ready(bench, cell, vit(name).state_dict(), *_labelled(bench, batch, mode, how))
    totals = _operator_times(contender, bench.kind)
    most = sorted(totals.items(), key=lambda pair: -pair[1])[:12]
    operators = [{"name": name[:120], "share": value / sum(totals.values())} for name, value in most]
    return [cell | {"batch": batch, "status": "ok", "error": None, "operators": operators}]


def _operator_times(contender, kind):
    """Time of each operator in one call, the device's own on a GPU -> {name: microseconds}."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    clock, wait = "self_cpu_time_total", lambda: None
    if kind == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
        clock, wait = "self_device_time_total", torch.cuda.synchronize
    with contender.context(), quiet_stderr():
        for _ in range(2):
            contender.run()
        with torch.profiler.profile(activities=activities) as profiler:
            contender.run()
            wait()
    totals = {
        event.key: getattr(event, clock, 0)
        for event in profiler.key_averages()
        if kind != "cuda"
        or str(event.device_type).endswith("CUDA")  # kernels, and not their callers
        and not getattr(event, "is_user_annotation", False)
    }
    if not sum(totals.values()):
        raise RuntimeError(f"the profiler saw no {clock}")
    return totals
