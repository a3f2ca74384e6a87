"""Other worlds to run a snippet in: where nothing is learnt, and where every seed is another. The snippet stays as it is.

As a command, the worker that runs a file in a world.
"""

import functools
import importlib
import json
import numbers
import os
import random
import runpy
import sys
import traceback
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mundap.running.record import READ_EVIDENCE
from mundap.running.worker import answer

STRIDE = 7919  # from the seeds of one round to those of the next: more than the seeds that a snippet goes through
SHUFFLE = 12345  # the seed of the shuffled weights
SHOWN = 200  # characters of an error
SEEDED = "SeedSequence RandomState PCG64 PCG64DXSM MT19937 Philox SFC64".split()  # classes of numpy.random


def enter(world: str) -> None:
    """Alter this process, before the snippet and what it needs are imported; what is not installed is left out.

    world: "steps", where optimizers of torch take no step; "weights", where what safetensors loads is shuffled within
    each tensor; "seeds:3", where every whole number given as a seed is another one, in round 0 the same.
    """
    numpy, torch, safetensors = _module("numpy.random"), _module("torch"), _module("safetensors.torch")
    if world.startswith("seeds:"):
        by = int(world.removeprefix("seeds:")) * STRIDE
        _move_seeds_of_python(functools.partial(moved, by))
        if numpy:
            _move_seeds_of_numpy(numpy, functools.partial(moved, by, limit=2**32))
        if torch:
            _move_seeds_of_torch(torch, functools.partial(moved, by, limit=2**64))
    elif world == "steps" and torch:
        _take_no_steps(torch)
    elif world == "weights" and safetensors:
        _shuffle_weights(torch, safetensors)


def _module(name: str) -> Any:
    """A module, None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _take_no_steps(torch: Any) -> None:
    def step(self: Any, closure: Callable[[], Any] | None = None) -> Any:
        with torch.enable_grad():
            return closure() if closure else None

    for optimizer in _below(torch.optim.Optimizer):
        optimizer.step = step


def _below(kind: type) -> Iterable[Any]:
    """All classes that inherit from one."""
    for other in kind.__subclasses__():
        yield other
        yield from _below(other)


def _shuffle_weights(torch: Any, safetensors: Any) -> None:
    def shuffled(load: Callable[..., dict[str, Any]], *arguments: Any, **options: Any) -> dict[str, Any]:
        generator, tensors = torch.Generator().manual_seed(SHUFFLE), load(*arguments, **options)
        for name, tensor in tensors.items():
            if tensor.is_floating_point():
                order = torch.randperm(tensor.numel(), generator=generator)
                tensors[name] = tensor.flatten()[order].reshape(tensor.shape)
        return tensors

    for name in ("load", "load_file"):
        setattr(safetensors, name, functools.partial(shuffled, getattr(safetensors, name)))


def moved(by: int, seed: Any, limit: float = float("inf")) -> Any:
    """Another seed in the place of one, each of several; what is no whole number stays. limit: below which seeds are."""
    if isinstance(seed, numbers.Integral):
        seed = int(seed) + by
        return seed if seed < limit else seed - limit
    if isinstance(seed, Iterable) and not isinstance(seed, str | bytes | bytearray):
        return [moved(by, each, limit) for each in seed]
    return seed


def _move_seeds_of_python(move: Callable[[Any], Any]) -> None:
    own = random.Random.seed

    def seed(self: random.Random, a: Any = None, version: int = 2) -> None:
        own(self, move(a), version)

    random.Random.seed = seed  # also what random.Random(5) calls
    random.seed = types.MethodType(seed, random.seed.__self__)  # ty: ignore[invalid-assignment]


def _move_seeds_of_numpy(numpy: Any, move: Callable[[Any], Any]) -> None:
    for name in SEEDED:
        setattr(numpy, name, _standing_in(getattr(numpy, name), move))
    for name in ("default_rng", "seed"):
        function = getattr(numpy, name)
        setattr(numpy, name, lambda seed=None, function=function: function(move(seed)))


def _standing_in(kind: Any, move: Callable[[Any], Any]) -> type:
    """A class in the place of one that is called with a seed: it makes instances of that one, which are its own too."""

    class Meta(type(kind)):
        def __call__(cls, *arguments: Any, **options: Any) -> Any:
            options = {key: move(value) if key in ("seed", "entropy") else value for key, value in options.items()}
            return kind(*map(move, arguments[:1]), *arguments[1:], **options)

        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, kind)

    return Meta(kind.__name__, (kind,), {})


def _move_seeds_of_torch(torch: Any, move: Callable[[Any], Any]) -> None:
    kind, manual_seed, of_cuda = torch.Generator, torch.manual_seed, torch.cuda.manual_seed

    class Meta(type(kind)):
        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, kind)

    class Generator(kind, metaclass=Meta):
        def manual_seed(self, seed: Any) -> Any:
            return super().manual_seed(move(seed))

    torch.Generator = Generator
    torch.manual_seed = torch.random.manual_seed = lambda seed: manual_seed(move(int(seed)))
    torch.cuda.manual_seed = lambda seed: of_cuda(move(int(seed)))


def run(world: str, path: Path) -> dict[str, Any]:
    """Run a file in a world as `python FILE` would in its folder -> {"evidence": {name: value}} or {"error": why not}."""
    enter(world)
    os.chdir(path.parent)
    sys.argv = [str(path)]
    sys.path.insert(0, str(path.parent))
    try:
        names = runpy.run_path(str(path), run_name="__main__")
    except (Exception, SystemExit) as error:
        return {"error": _told(error, path.parent)}
    exec(READ_EVIDENCE, names)
    try:
        return {"evidence": json.loads(names["_read_evidence"]())["evidence"]}
    except Exception as error:
        return {"error": f"증거를 읽을 수 없어요: {_short(error, path.parent)}"}


def _told(error: BaseException, folder: Path) -> str:
    """What ended a run, and at which line of the snippets."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(folder)
    ]
    place = (
        f"snippets/{Path(frames[-1].filename).relative_to(folder).as_posix()}:{frames[-1].lineno}: " if frames else ""
    )
    return f"{place}오류로 멈췄어요({_short(error, folder)})."


def _short(error: BaseException, folder: Path) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".replace(str(folder), "snippets").split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def main() -> None:
    """`python -m mundap.running.worlds WORLD FILE` answers what run() returns."""
    world, path = sys.argv[1], Path(sys.argv[2])
    answer(lambda: run(world, path))


if __name__ == "__main__":
    main()
