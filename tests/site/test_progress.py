"""What a build says of how far it is."""

import io
import re

from commands import mundap
from smallsite import make_small_site

from mundap.site.progress import Progress, told


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_elsewhere_a_stage_is_a_line():
    stream = io.StringIO()
    progress = Progress(stream)
    progress.begin("가")
    progress.begin("나", 2)
    progress.step()
    progress.step()
    progress.end()
    assert stream.getvalue() == "가\n나 (2쪽)\n"


def test_on_a_terminal_one_line_counts_and_goes():
    stream = Terminal()
    progress = Progress(stream)
    progress.begin("긴 이름의 단계")
    progress.begin("나", 12)
    for _ in range(12):
        progress.step()
    progress.end()
    said = stream.getvalue()
    assert "\n" not in said
    shown = [line.strip() for line in said.split("\r") if line.strip()]
    assert shown == ["긴 이름의 단계", *(f"나 {count}/12" for count in range(13))]
    widths = [len(line) for line in said.split("\r")]
    assert min(widths[1:-2]) >= len("긴 이름의 단계"), "what is left of the stage before is written over"
    assert said.endswith("\r") and not said.split("\r")[-2].strip()


def test_site_says_its_stages_and_where_it_is(tmp_path):
    project = make_small_site(tmp_path)
    (project / "qa_index.yaml").touch()
    done = mundap(project, "site")
    assert done.returncode == 0, done.stderr
    stages = [line for line in done.stderr.splitlines() if line]
    assert [re.sub(r"\d+", "N", stage) for stage in stages] == [
        "문답을 살펴요",
        "쪽을 만들어요 (N쪽)",
        "쪽을 써요 (N쪽)",
        "검색 색인을 만들어요",
    ]
    pages = int(re.search(r"(\d+)쪽", stages[1])[1])
    built = [path for path in (project / "site").rglob("index.html")]
    assert pages == len(built) and re.match(
        rf"site/에 {pages}쪽을 만들었어요\. 보려면: python.* site$", done.stdout.strip()
    )


def test_a_failed_build_leaves_no_half_line(tmp_path):
    project = make_small_site(tmp_path)
    (project / "qa_index.yaml").touch()
    (project / "docs" / "index.md").write_text("[없는 곳](nowhere.md)\n", encoding="utf-8")
    done = mundap(project, "site")
    assert done.returncode == 1 and "nowhere.md" in done.stderr and "만들었어요" not in done.stdout


def test_the_command_to_look_at_a_site_holds_together(tmp_path):
    assert told(tmp_path / "내 사이트", 3).endswith(f'--directory "{tmp_path / "내 사이트"}"')
