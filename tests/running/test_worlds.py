"""What an altered process does to draws, steps and weights: real ones, in processes of their own."""

import json
import random
import subprocess
import sys

import pytest
from engine import put

from mundap.problems import Failure
from mundap.running.worker import Worker
from mundap.running.worlds import moved

DRAWS = """
import random
import numpy as np
import torch
from numpy.random import MT19937, PCG64, RandomState, SeedSequence, default_rng
from sklearn.utils import check_random_state
from torch import Generator

def drawn(generator):
    return torch.rand(1, generator=generator).item()

def later():
    generator = torch.Generator()
    generator.manual_seed(3)
    return generator

def seeded(function, seed, draw):
    function(seed)
    return draw()

def python_later():
    generator = random.Random()
    generator.seed(0)
    return generator.random()

def alike():
    random.seed("글")
    return [random.random(), default_rng(PCG64(SeedSequence(5))).random() * 0]

moving = {
    "torch.manual_seed": seeded(torch.manual_seed, 0, lambda: torch.rand(1).item()),
    "torch.random.manual_seed": seeded(torch.random.manual_seed, np.int64(5), lambda: torch.rand(1).item()),
    "Generator": drawn(Generator().manual_seed(0)),
    "Generator, later": drawn(later()),
    "Generator, largest": drawn(Generator().manual_seed(2**64 - 1)),
    "random.seed": seeded(random.seed, 0, random.random),
    "random.Random": random.Random(0).random(),
    "random.Random, later": python_later(),
    "np.random.seed": seeded(np.random.seed, 0, np.random.rand),
    "RandomState": RandomState(0).rand(),
    "RandomState, named": RandomState(seed=0).rand(),
    "RandomState, largest": RandomState(2**32 - 1).rand(),
    "RandomState of MT19937": RandomState(MT19937(0)).rand(),
    "default_rng": default_rng(0).random(),
    "default_rng, named": default_rng(seed=0).random(),
    "default_rng of a list": default_rng([1, 2]).random(),
    "default_rng of an array": default_rng(np.array([1, 2])).random(),
    "SeedSequence": default_rng(SeedSequence(5)).random(),
    "SeedSequence, named": default_rng(SeedSequence(entropy=5).spawn(2)[1]).random(),
    "PCG64": np.random.Generator(PCG64(0)).random(),
    "scikit-learn": check_random_state(0).rand(),
}
kinds = [
    isinstance(torch.default_generator, Generator), isinstance(Generator(), torch.Generator), not isinstance(5, Generator),
    isinstance(np.random.mtrand._rand, RandomState), isinstance(check_random_state(None), RandomState),
    isinstance(random._inst, random.Random), isinstance(RandomState(1), np.random.RandomState),
]
evidence = {**{f"m{number}": value for number, value in enumerate(moving.values())}, "alike": alike(), "kinds": all(kinds)}
"""
LEARNING = """
import torch

calls = 0

def fit(kind, **options):
    torch.manual_seed(0)
    model, x = torch.nn.Linear(3, 1), torch.randn(50, 3)
    optimizer = kind(model.parameters(), **options)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 10)

    def loss():
        global calls
        calls += 1
        optimizer.zero_grad()
        value = (model(x) - x.sum(1, keepdim=True)).square().mean()
        value.backward()
        return value

    first = loss().item()
    with torch.no_grad():
        for _ in range(20):
            last = optimizer.step(loss)
            schedule.step()
    assert model.weight.grad.abs().sum() > 0
    return abs(last.item() - first)

evidence = {
    "sgd": fit(torch.optim.SGD, lr=0.1), "adamw": fit(torch.optim.AdamW, lr=0.1), "lbfgs": fit(torch.optim.LBFGS),
    "adam": fit(torch.optim.Adam, lr=0.1), "called": calls >= 84,
}
"""
WEIGHTS = """
import torch
from safetensors import torch as safetensors
from safetensors.torch import load, load_file, save_file

kept = {"a": torch.arange(100.0).reshape(4, 25), "b": torch.arange(7).half(), "n": torch.arange(5)}
save_file(kept, "w.safetensors")
found, again, other = load_file("w.safetensors"), load_file("w.safetensors"), load(open("w.safetensors", "rb").read())
evidence = {
    "moved": not torch.equal(found["a"], kept["a"]), "bytes": not torch.equal(other["a"], kept["a"]),
    "same": torch.equal(found["a"], again["a"]), "whole": torch.equal(found["n"], kept["n"]),
    "values": sorted(found["a"].flatten().tolist()) == list(range(100)), "shape": found["a"].shape == (4, 25),
    "half": found["b"].dtype == torch.half and sorted(found["b"].tolist()) == list(range(7)),
}
"""


def run(folder, world, source):
    """The evidence of a source in a world, or why there is none."""
    put(folder / "snippets" / "tried.py", source)
    reply = Worker("mundap.running.worlds", world, folder / "snippets" / "tried.py").outcome()
    assert not isinstance(reply, Failure), reply
    return reply.get("evidence") or reply["error"]


@pytest.fixture(scope="module")
def draws(tmp_path_factory):
    """-> (names of what draws, {world: their values}), "" being this world."""
    folder = tmp_path_factory.mktemp("draws")
    code = "import json\n" + DRAWS + "\nprint(json.dumps([list(moving), evidence]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names, here = json.loads(done.stdout)
    return names, {"": here} | {world: run(folder, world, DRAWS) for world in ("seeds:0", "seeds:1")}


def test_every_seed_moves(draws):
    names, values = draws
    here, there = values[""], values["seeds:1"]
    still = [name for number, name in enumerate(names) if here[f"m{number}"] == there[f"m{number}"]]
    assert still == [] and len(names) == 21


def test_round_0_is_this_world(draws):
    assert draws[1]["seeds:0"] == draws[1][""]


def test_what_is_no_whole_number_stays_and_classes_are_what_they_were(draws):
    assert all(world["alike"] == draws[1][""]["alike"] and world["kinds"] is True for world in draws[1].values())


@pytest.mark.parametrize(
    "seed, limit, expected",
    [
        (0, 100, 10),
        (89, 100, 99),
        (90, 100, 0),
        (-5, 100, 5),
        ([1, [95]], 100, [11, [5]]),
        (1.5, 100, 1.5),
        ("글", 9, "글"),
    ],
)
def test_seeds_stay_below_their_limit(seed, limit, expected):
    assert moved(10, seed, limit) == expected


@pytest.mark.parametrize("seed", [None, b"x", bytearray(b"x")])
def test_what_is_no_seed_stays(seed):
    assert moved(10, seed) is seed


def test_without_steps_nothing_is_learnt(tmp_path):
    here, there = run(tmp_path, "seeds:0", LEARNING), run(tmp_path, "steps", LEARNING)
    torch = ("sgd", "adam", "adamw", "lbfgs")
    assert all(here[name] > 0.1 for name in torch) and {there[name] for name in torch} == {0.0}
    assert here["called"] is there["called"] is True


def test_weights_are_shuffled_within_each_tensor(tmp_path):
    assert run(tmp_path, "weights", WEIGHTS) == dict.fromkeys("moved bytes same whole values shape half".split(), True)
    assert run(tmp_path, "steps", WEIGHTS)["moved"] is False


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A folder, and no numpy, torch or safetensors for processes that start here."""
    for name in ("numpy", "torch", "safetensors"):
        put(tmp_path / "none" / f"{name}.py", "raise ImportError('not here')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "none"))
    return tmp_path


@pytest.mark.parametrize("world", ["steps", "weights", "seeds:3"])
def test_what_is_not_installed_is_left_out(bare, world):
    source = "import random\nevidence = {'draw': random.Random(1).random()}\n"
    moves = random.Random(1 + 3 * 7919 * (world == "seeds:3")).random()
    assert run(bare, world, source) == {"draw": moves}


@pytest.mark.parametrize(
    "source, words",
    [
        ("x = 1\n\n1 / 0\n", "snippets/tried.py:3: 오류로 멈췄어요(ZeroDivisionError: division by zero)."),
        ("def f():\n    open('no\\nfile')\nf()\n", "snippets/tried.py:2: 오류로 멈췄어요(FileNotFoundError: "),
        ("import os\nopen(os.path.abspath('none'))\n", "No such file or directory: 'snippets/none')."),
        ("import sys\nsys.exit(3)\n", "snippets/tried.py:2: 오류로 멈췄어요(SystemExit: 3)."),
        ("x = (\n", "오류로 멈췄어요(SyntaxError: '(' was never closed"),
        ("raise ValueError('글' * 1000)\n", "글…)."),
        ("input()\n", "snippets/tried.py:1: 오류로 멈췄어요(EOFError: "),
        ("evidence = [1]\n", "증거를 읽을 수 없어요: AttributeError: "),
        ("evidence = {'x': object()}\n", "증거를 읽을 수 없어요: TypeError: "),
    ],
)
def test_why_a_run_leaves_nothing(bare, source, words):
    said = run(bare, "steps", source)
    assert words in said and "\n" not in said and str(bare) not in said and len(said) < 300


def test_what_a_run_prints_is_no_answer(bare):
    assert run(bare, "steps", "print('{}')\nimport os\nos.write(1, b'{}')\nevidence = {'x': (1, 2)}\n") == {"x": [1, 2]}
