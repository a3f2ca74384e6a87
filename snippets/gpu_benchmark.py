"""Measure how fast a whole device is, or compare two such records.

    python snippets/gpu_benchmark.py --out FILE
    python snippets/gpu_benchmark.py --compare A.json B.json

Needs PyTorch alone; timm, transformers, torchvision and vit-pytorch are measured beside it where they are installed.
"""

import argparse
import math
import signal
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import torch
from bench.device import describe_device, keep_freed_memory, pick_device, refuse_too_much_memory
from bench.grid import SECTIONS, choose_grid, precisions_of
from bench.peers import installed_libraries
from bench.records import compare, read_record
from bench.run import WORDS, measure
from bench.work import DTYPES, Bench
from vit import SIZES

COMPARED = {"slower": "느려짐", "faster": "빨라짐", "status": "상태가 바뀜", "missing": "한쪽에만 있음"}


def parser():
    """The command's words."""
    top = argparse.ArgumentParser(
        prog="gpu_benchmark.py",
        description="이 장치에서 ViT와 어텐션의 속도를 재고 JSON으로 남겨요.",
        epilog="종료 코드: 0 다 쟀거나 느려진 것이 없음, 1 느려졌거나 실패로 바뀐 것이 있음(--compare), "
        "2 명령이나 파일이 잘못됨, 130 중간에 멈춤(잰 것은 남음). CPU 스레드 수는 OMP_NUM_THREADS로 정해요.",
    )
    add, lists = top.add_argument, {"metavar": "A,B"}
    add("--device", default="auto", help="auto, cuda, cuda:1, mps, cpu (기본 auto: 있는 것 가운데 가장 빠른 것)")
    add("--quick", action="store_true", help="작은 격자로 몇 분 안에")
    add("--out", metavar="FILE", help="결과 파일 (기본: gpu-benchmark-장치-시각.json)")
    add("--minutes", type=positive, metavar="M", default=60, help="이 시간이 지나면 남은 것을 건너뛰어요 (기본 60)")
    add("--sections", type=words(SECTIONS), help=f"일부만: {', '.join(SECTIONS)}", **lists)
    add("--models", type=words(SIZES), help=f"모델의 크기: {', '.join(SIZES)}", **lists)
    add("--precisions", type=words(DTYPES), help=f"정밀도: {', '.join(DTYPES)}", **lists)
    files = {"nargs": 2, "metavar": ("A.json", "B.json")}
    add("--compare", help="재는 대신, 두 기록이 흔들림을 넘어 다른 곳을 말해요", **files)
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
        unknown = [word for word in chosen if word not in known]
        if unknown or not chosen:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown) or '빈 값'}: 있는 것은 {', '.join(known)}")
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
    return tell_difference(options.compare, *records) if records else measure_device(device, options)


def measure_device(device, options):
    """Measure a torch.device and write its record -> exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a job in the background that is ended keeps its results too
        signal.signal(number, signal.default_int_handler)
    torch.manual_seed(0)
    keeps_memory = device.type != "cpu"  # the allocators of GPUs do
    if device.type == "cpu":
        refuse_too_much_memory()
        keeps_memory = keep_freed_memory()
    bench = make_bench(device, options)
    path = Path(options.out or f"gpu-benchmark-{device.type}-{datetime.now(UTC):%Y%m%d-%H%M%S}.json")
    about = [bench.about["name"], f"PyTorch {torch.__version__}", *bench.precisions, *bench.libraries]
    print(f"{', '.join(about)} → {path}", file=sys.stderr)
    if path.exists():
        print(f"{path}: 이미 있는 파일이에요. 지우거나 다른 이름을 골라 주세요.", file=sys.stderr)
        return 2
    settings = {"quick": options.quick, "threads": torch.get_num_threads(), "keeps_memory": keeps_memory}
    record = measure(bench, settings, options.minutes, path)
    counts = Counter(cell["status"] for cell in record["cells"])
    told = ", ".join(f"{word} {counts[status]}" for status, word in {"ok": "잼", **WORDS}.items() if counts[status])
    print(f"{path}: {told} ({record['seconds'] / 60:.1f}분)", file=sys.stderr)
    return 0 if record["finished"] else 130


def make_bench(device, options):
    """What to measure on a device by its kind and memory, and by the command's words."""
    grid = choose_grid(device.type, describe_device(device)["memory_bytes"], options.quick)
    if options.models:
        compiled = options.models if device.type != "cpu" else grid["compiled"]
        grid |= {"models": options.models, "compiled": [size for size in options.models if size in compiled]}
    precisions, sections = options.precisions or precisions_of(device), options.sections or list(SECTIONS)
    return Bench(device, grid, precisions, installed_libraries(), sections)


def tell_difference(paths, first, second):
    """Print what differs between two records beyond noise -> exit status: 0 nothing worse, 1 something."""
    for path, record in zip(paths, (first, second)):
        torch_version, commit = f"PyTorch {record['versions']['torch']}", record["commit"] or "커밋 모름"
        print(f"{path}: {record['device']['name']}, {torch_version}, {commit}, {record['when']}")
    if first["device"]["name"] != second["device"]["name"]:
        print("서로 다른 장치예요. 아래의 차이는 코드가 아니라 장치의 차이일 수 있어요.")
    differences = compare(first, second)
    for item in differences:
        detail = " → ".join(state or "없음" for state in item["states"])
        if item["ratio"]:
            detail = f"{item['ratio']:.3f}배 시간, 흔들림 ±{item['noise']:.1%}"
        print(f"{COMPARED[item['what']]:　<7} {item['cell']}: {detail}")
    counts = Counter(item["what"] for item in differences)
    print(f"{', '.join(f'{word} {counts[what]}' for what, word in COMPARED.items())}. 나머지는 흔들림 안이에요.")
    worse = any(item["what"] == "status" and item["states"][0] == "ok" for item in differences)
    return int(counts["slower"] > 0 or worse)


if __name__ == "__main__":
    sys.exit(main())
