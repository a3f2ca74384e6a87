import json
import os
import subprocess
import sys

import gpu_benchmark
import pytest
from benchmarks import SNIPPETS, faults, made, measured
from lib.cost import spread


def script(*arguments, folder):
    environment = {**os.environ, "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, SNIPPETS / "gpu_benchmark.py", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
    )


def test_one_command(tmp_path):
    done = script("--device", "cpu", "--sections", "copy", "--out", "deep/result.json", folder=tmp_path)
    assert done.returncode == 0 and "[1/1] 메모리 복사" in done.stderr, done.stderr
    record = json.loads((tmp_path / "deep" / "result.json").read_text())
    assert faults(record) == [] and record["finished"]
    again = script("--device", "cpu", "--out", "deep/result.json", folder=tmp_path)
    assert again.returncode == 2 and "이미 있는 파일" in again.stderr
    same = script("--compare", "deep/result.json", "deep/result.json", folder=tmp_path)
    assert same.returncode == 0 and "느려짐 0, 빨라짐 0" in same.stdout


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--device", "cuda:99"], "장치"),
        (["--device", "toaster"], "장치"),
        (["--sections", "matmul,all"], "all"),
        (["--minutes", "0"], "0보다"),
        (["--models", "XXL"], "XXL"),
        (["--compare", "none.json", "none.json"], "읽을 수 없어요"),
    ],
)
def test_wrong_arguments_end_with_two(arguments, words, capsys):
    try:
        status = gpu_benchmark.main(arguments)
    except SystemExit as ended:
        status = ended.code
    assert status == 2 and words in capsys.readouterr().err


def test_exit_status_of_a_comparison(tmp_path, capsys):
    one = made(["matmul"])
    result = measured(one)
    for cell in result["cells"]:  # a device that does not move
        cell["seconds"] = spread([1e-3, 1.01e-3, 0.99e-3, 1e-3])
    slower = json.loads(json.dumps(result))
    for cell in slower["cells"]:
        cell["seconds"] = {
            key: [2 * x for x in value] if key == "samples" else 2 * value for key, value in cell["seconds"].items()
        }
    paths = [tmp_path / name for name in ("a.json", "b.json", "broken.json")]
    for path, content in zip(paths, (json.dumps(result), json.dumps(slower), "{")):
        path.write_text(content)
    pairs = [(paths[one], paths[other]) for one, other in ((0, 0), (0, 1), (1, 0), (0, 2))]
    assert [gpu_benchmark.main(["--compare", str(one), str(other)]) for one, other in pairs] == [0, 1, 0, 2]
    assert "2.000배 시간" in capsys.readouterr().out
