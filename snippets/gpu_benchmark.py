"""Measure how fast a whole device is, or compare two such records.

    python snippets/gpu_benchmark.py --out FILE
    python snippets/gpu_benchmark.py --compare A.json B.json

Needs PyTorch alone; timm, transformers, torchvision and vit-pytorch are measured beside it where they are installed.
"""

import argparse
import math
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import torch
from bench.device import describe_device, keep_freed_memory, pick_device, refuse_too_much_memory
from bench.grid import SECTIONS, choose_grid, precisions_of
from bench.peers import LIBRARIES, installed_libraries
from bench.records import FORMAT, compare, read_record
from bench.run import WORDS, measure
from bench.turns import Bench
from bench.work import DTYPES
from vit import SIZES

COMPARED = {"slower": "느려짐", "faster": "빨라짐", "status": "상태가 바뀜", "missing": "한쪽에만 있음"}


def parser():
    """The command's words."""
    top = argparse.ArgumentParser(
        prog="gpu_benchmark.py",
        description="이 장치에서 ViT와 어텐션의 속도를 재고 JSON으로 남겨요.",
        epilog="종료 코드: 0 다 쟀거나 느려진 것이 없음, 1 느려졌거나 실패로 바뀐 것이 있음(--compare), "
        "2 명령이나 파일이 잘못됨, 130 중간에 멈춤(잰 것은 남음).",
    )
    add, lists = top.add_argument, {"metavar": "A,B"}
    add("--device", default="auto", help="auto, cuda, cuda:1, mps, cpu (기본 auto: 있는 것 가운데 가장 빠른 것)")
    add("--quick", action="store_true", help="작은 격자로 몇 분 안에")
    add("--out", metavar="FILE", help="결과 파일 (기본: gpu-benchmark-장치-시각.json)")
    add("--minutes", type=positive(float), metavar="M", help="이 시간이 지나면 남은 것을 건너뛰어요 (기본 60)")
    add("--threads", type=positive(int), metavar="T", help="CPU 스레드 수 (기본: PyTorch가 고른 수)")
    add("--sections", type=words(SECTIONS), help=f"일부만: {', '.join(SECTIONS)}", **lists)
    add("--models", type=words(SIZES), help=f"모델의 크기: {', '.join(SIZES)}", **lists)
    add("--precisions", type=words(DTYPES), help=f"정밀도: {', '.join(DTYPES)}", **lists)
    add("--libraries", type=words(LIBRARIES), help=f"견줄 것: {', '.join(LIBRARIES)} (기본: 깔려 있는 모두)", **lists)
    add("--rounds", type=positive(int), help="번갈아 재는 횟수")
    add("--no-compile", action="store_true", help="torch.compile을 재지 않아요")
    files = {"nargs": 2, "metavar": ("A.json", "B.json")}
    add("--compare", help="재는 대신, 두 기록이 흔들림을 넘어 다른 곳을 말해요", **files)
    add("--threshold", type=positive(float), default=0.03, help="--compare에서 이보다 작은 차이는 넘겨요 (기본 0.03)")
    return top


def positive(kind):
    """A reader of numbers above 0 for argparse. kind: int or float."""

    def read(text):
        value = kind(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text}: 0보다 커야 해요")
        return value

    return read


def words(known):
    """A reader of known words with commas between them for argparse."""

    def read(text):
        found = [word for word in text.split(",") if word]
        unknown = [word for word in found if word not in known]
        if unknown or not found:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown) or '빈 값'}: 있는 것은 {', '.join(known)}")
        return found

    return read


def main(arguments=None):
    """Entry point -> exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments:  # a whole device takes an hour: nobody starts that by chance
        parser().print_help(sys.stderr)
        return 2
    options = parser().parse_args(arguments)
    if options.compare:
        try:
            return tell_difference(options.compare, options.threshold)
        except BrokenPipeError:  # `... | head` has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
    try:
        device = pick_device(options.device)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return measure_device(device, options)


def measure_device(device, options):
    """Measure a torch.device and write its record -> exit status."""

    def interrupt(*_):
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):  # a job that is ended keeps its results too
        signal.signal(number, interrupt)
    torch.manual_seed(0)
    if options.threads:
        torch.set_num_threads(options.threads)
    if device.type == "cpu":
        refuse_too_much_memory()
    keeps_memory = device.type != "cpu" or keep_freed_memory()  # the allocators of GPUs do
    bench, name = make_bench(device, options), describe_device(device)["name"]
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    path = Path(options.out or f"gpu-benchmark-{device.type}-{stamp}.json")
    about = [f"{name}, PyTorch {torch.__version__}", *bench.precisions, *bench.libraries]
    print(f"{', '.join(about)} → {path}", file=sys.stderr)
    if path.exists():
        print(f"{path}: 이미 있는 파일이에요. 지우거나 다른 이름을 골라 주세요.", file=sys.stderr)
        return 2
    settings = {"quick": options.quick, "threads": torch.get_num_threads(), "keeps_memory": keeps_memory}
    record = measure(bench, settings, options.minutes or 60, path)
    states = {status: sum(cell["status"] == status for cell in record["cells"]) for status in ("ok", *WORDS)}
    counts = ", ".join(f"{WORDS.get(status, '잼')} {count}" for status, count in states.items() if count)
    print(f"{path}: {counts} ({record['seconds'] / 60:.1f}분)", file=sys.stderr)
    return 0 if record["finished"] else 130


def make_bench(device, options):
    """What to measure on a device by its kind and memory, and by the command's words."""
    capability = torch.cuda.get_device_capability(device) if device.type == "cuda" else None
    grid = choose_grid(device.type, describe_device(device)["memory_bytes"], options.quick)
    if options.models:
        grid["compiled"] = [size for size in options.models if device.type != "cpu" or size in grid["compiled"]]
        grid["models"] = options.models
    grid["rounds"] = options.rounds or grid["rounds"]
    precisions = options.precisions or precisions_of(device.type, capability)
    libraries, sections = options.libraries or installed_libraries(), tuple(options.sections or SECTIONS)
    return Bench(device, grid, precisions, libraries, not options.no_compile, sections)


def tell_difference(paths, threshold):
    """Print what differs between two records beyond noise -> exit status: 0 nothing worse, 1 something, 2 no record."""
    try:
        first, second = map(read_known_record, paths)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for path, record in zip(paths, (first, second)):
        told = record["device"]["name"], f"PyTorch {record['versions']['torch']}", record["commit"] or "커밋 모름"
        print(f"{path}: {', '.join(told)}, {record['when']}")
    if first["device"]["name"] != second["device"]["name"]:
        print("서로 다른 장치예요. 아래의 차이는 코드가 아니라 장치의 차이일 수 있어요.")
    found = compare(first, second, threshold=threshold)
    for item in found:
        detail = " → ".join(state or "없음" for state in item["states"])
        if item["ratio"]:
            detail = f"{item['ratio']:.3f}배 시간, 흔들림 ±{item['noise']:.1%}"
        print(f"{COMPARED[item['what']]:　<7} {item['cell']}: {detail}")
    counts = {what: sum(item["what"] == what for item in found) for what in COMPARED}
    told = ", ".join(f"{word} {counts[what]}" for what, word in COMPARED.items())
    print(f"{told}. 나머지는 흔들림 안이에요.")
    worse = any(item["what"] == "status" and item["states"][0] == "ok" for item in found)
    return int(counts["slower"] > 0 or worse)


def read_known_record(path):
    """A record of the format that this command writes. Raises ValueError, which says what is wrong with the file."""
    try:
        record = read_record(path)
        known = record["format"] == FORMAT
    except (OSError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: 벤치마크 기록으로 읽을 수 없어요({type(error).__name__}: {error}).") from None
    if not known:
        raise ValueError(f"{path}: 이 기록의 꼴은 {record['format']!r}인데, 읽을 수 있는 것은 {FORMAT}이에요.")
    return record


if __name__ == "__main__":
    sys.exit(main())
