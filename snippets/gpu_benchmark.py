"""Measure how fast a whole device is, or compare two such records.

    python snippets/gpu_benchmark.py --out FILE
    python snippets/gpu_benchmark.py --compare A.json B.json

Needs PyTorch alone; timm, transformers, torchvision and vit-pytorch are measured
beside it where they are installed.
"""

import argparse
import math
import signal
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import torch
from bench.device import (
    keep_freed_memory,
    pick_device,
    precisions_of,
    refuse_too_much_memory,
)
from bench.grid import CPU_GRID, GPU_GRID
from bench.peers import installed_libraries
from bench.records import compare, missing, read_record
from bench.run import WORDS, measure
from bench.sections import SECTIONS
from bench.work import DTYPES, Bench
from vit import SIZES

COMPARED = {"slower": "느려짐", "faster": "빨라짐", "status": "상태가 바뀜"}


def parser():
    """The command's words."""
    top = argparse.ArgumentParser(
        prog="gpu_benchmark.py",
        description="이 장치에서 ViT와 어텐션의 속도를 재고 JSON으로 남겨요.",
        epilog="종료 코드: 0 다 쟀거나 느려진 것이 없음, 1 느려졌거나 실패로 바뀐 것이 있음(--compare), "
        "2 명령이나 파일이 잘못됨, 130 중간에 멈춤(잰 것은 남음). CPU 스레드 수는 OMP_NUM_THREADS로 정해요.",
    )
    add = top.add_argument
    add(
        "--device",
        default="auto",
        help="auto, cuda, cuda:1, mps, cpu (기본 auto: 있는 것 가운데 가장 빠른 것)",
    )
    add(
        "--out",
        type=Path,
        metavar="FILE",
        help="결과 파일 (기본: gpu-benchmark-장치-시각.json)",
    )
    add(
        "--minutes",
        type=positive,
        metavar="M",
        default=60,
        help="이 시간이 지나면 남은 것을 건너뛰어요 (기본 60)",
    )
    for option, known, what in (
        ("--sections", SECTIONS, "일부만"),
        ("--models", SIZES, "모델의 크기"),
        ("--precisions", DTYPES, "정밀도"),
    ):
        add(
            option,
            type=words(known),
            metavar="A,B",
            help=f"{what}: {', '.join(known)}",
        )
    files = {"nargs": 2, "metavar": ("A.json", "B.json")}
    add(
        "--compare",
        help="재는 대신, 두 기록이 흔들림을 넘어 다른 곳을 말해요",
        **files,
    )
    return top


def positive(text):
    """A number above 0, for argparse."""
    if not 0 < float(text) < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: 0보다 커야 해요")
    return float(text)


def words(known):
    """A reader of known words with commas between them, for argparse."""

    def read(text):
        chosen = [word for word in text.split(",") if word]
        unknown = ", ".join(word for word in chosen if word not in known)
        if unknown or not chosen:
            raise argparse.ArgumentTypeError(
                f"{unknown or '빈 값'}: 있는 것은 {', '.join(known)}"
            )
        return chosen

    return read


def main(arguments=None):
    """Entry point -> exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments:  # a whole device takes an hour: nobody starts that by chance
        parser().print_help(sys.stderr)
        return 2
    options = parser().parse_args(arguments)
    try:
        records = [read_record(path) for path in options.compare or ()]
        device = None if records else pick_device(options.device)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if records:
        return tell_difference(options.compare, *records)
    return measure_device(device, options)


def measure_device(device, options):
    """Measure a torch.device and write its record -> exit status."""
    name = f"gpu-benchmark-{device.type}-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    path, cpu = options.out or Path(name), device.type == "cpu"
    if path.exists():
        print(
            f"{path}: 이미 있는 파일이에요. 지우거나 다른 이름을 골라 주세요.",
            file=sys.stderr,
        )
        return 2
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # a job that is ended keeps its results
        signal.signal(number, signal.default_int_handler)
    torch.manual_seed(0)
    if cpu:
        refuse_too_much_memory()
    keeps_memory = (
        keep_freed_memory() if cpu else True
    )  # as the allocators of GPUs do
    grid = dict(CPU_GRID if cpu else GPU_GRID)
    grid["models"] = options.models or grid["models"]
    precisions, libraries = (
        options.precisions or precisions_of(device),
        installed_libraries(),
    )
    sections = options.sections or list(SECTIONS)
    print(
        f"{', '.join([str(device), *precisions, *libraries])} → {path}",
        file=sys.stderr,
    )
    bench = Bench(device, grid, precisions, libraries, sections, keeps_memory)
    record = measure(bench, options.minutes, path)
    counts = Counter(cell["status"] for cell in record["cells"])
    told = [
        f"{word} {counts[how]}"
        for how, word in {"ok": "잼", **WORDS}.items()
        if counts[how]
    ]
    print(
        f"{path}: {', '.join(told)} ({record['seconds'] / 60:.1f}분)",
        file=sys.stderr,
    )
    return 0 if record["finished"] else 130


def tell_difference(paths, first, second):
    """Print what differs beyond noise -> exit status: 0 nothing worse, 1
    something."""
    for path, record in zip(paths, (first, second)):
        about = record["device"]["name"], f"PyTorch {record['versions']['torch']}"
        print(
            f"{path}: {', '.join([*about, record['commit'] or '커밋 모름', record['when']])}"
        )
    if first["device"]["name"] != second["device"]["name"]:
        print(
            "서로 다른 장치예요. 아래의 차이는 코드가 아니라 장치의 차이일 수 있어요."
        )
    found = compare(first, second)
    for item in found:
        detail = " → ".join(item["states"])
        if item["what"] != "status":
            detail = f"{item['ratio']:.3f}배 시간, 흔들림 ±{item['noise']:.1%}"
        print(f"{COMPARED[item['what']]} {item['cell']}: {detail}")
    counts = [sum(item["what"] == what for item in found) for what in COMPARED]
    told = ", ".join(
        f"{word} {count}" for word, count in zip(COMPARED.values(), counts)
    )
    print(
        f"{told}, 한쪽에만 있음 {missing(first, second)}. 나머지는 흔들림 안이에요."
    )
    broken = any(
        item["what"] == "status" and item["states"][0] == "ok" for item in found
    )
    return int(counts[0] > 0 or broken)


if __name__ == "__main__":
    sys.exit(main())
