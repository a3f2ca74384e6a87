"""How many kernels there may be, which one goes, and where their Python comes from: with pages that only pretend."""

import asyncio
import json
import sys
from types import SimpleNamespace

import pytest
from server import in_loop

from mundap.live import pool
from mundap.live.pool import MAX_KERNELS, Pool, complete, default_setup, follow, make_python, read_python
from mundap.problems import Failure


class Owner:
    """A page whose kernel was used at that time, by time.monotonic(), and holds that memory; None if it has none."""

    def __init__(self, used, busy=False, memory=0):
        self.kernel = None if used is None else SimpleNamespace(used=used, resident=lambda: memory)
        self.busy, self.dropped, self.gone, self.told = busy, None, False, []

    def say(self, what, **news):
        self.told.append((what, news))

    async def drop(self, why):
        self.kernel, self.dropped = None, why

    async def leave(self):
        self.gone = True


def pool_of(folder, *owners, **options):
    made = Pool(folder, folder, "python", **options)
    made.owners.update(owners)
    return made


def test_the_kernel_that_was_idle_longest_makes_room(tmp_path):
    owners = [Owner(1.0, busy=True), Owner(3.0), Owner(2.0), Owner(4.0), Owner(None), Owner(None)]
    assert MAX_KERNELS == 4
    in_loop(pool_of(tmp_path, *owners).make_room())
    assert [owner.dropped for owner in owners] == [None, None, "room", None, None, None]


def test_below_the_limit_all_stay(tmp_path):
    owners = [Owner(float(number)) for number in range(MAX_KERNELS - 1)] + [Owner(None)]
    in_loop(pool_of(tmp_path, *owners).make_room())
    assert not any(owner.dropped for owner in owners)


def test_no_room_among_those_that_run(tmp_path):
    owners = [Owner(float(number), busy=True) for number in range(MAX_KERNELS)]
    with pytest.raises(Failure, match=f"페이지 {MAX_KERNELS}개가 코드를 돌리고 있어요"):
        in_loop(pool_of(tmp_path, *owners).make_room())


def test_idle_kernels_end(tmp_path):
    idle, busy, fresh, without = Owner(0.0), Owner(0.0, busy=True), Owner(float("inf")), Owner(None)

    async def look():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(pool_of(tmp_path, idle, busy, fresh, without, idle=0.05).watch(), 0.3)

    in_loop(look())
    assert [owner.dropped for owner in (idle, busy, fresh, without)] == ["idle", None, None, None]


def test_kernels_that_hold_too_much_end_though_nothing_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "LOOK", 0.05)
    large, busy, small = Owner(float("inf"), memory=11), Owner(0.0, busy=True, memory=11), Owner(float("inf"), memory=9)

    async def look():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(pool_of(tmp_path, large, busy, small, memory=10).watch(), 0.3)

    in_loop(look())
    assert [owner.dropped for owner in (large, busy, small)] == ["memory", None, None]


def test_the_end_waits_for_every_page(tmp_path):
    """Of those that are open, and of those whose end is under way."""
    left, open_page = Owner(1.0), Owner(2.0)

    async def slow_leave():
        await asyncio.sleep(0.1)
        left.gone = True

    left.leave = slow_leave

    async def end():
        pages = pool_of(tmp_path, open_page)
        pages.release(left)
        await pages.close()

    in_loop(end())
    assert left.gone and open_page.gone


# The Python


def made_by(code, tmp_path):
    """What make_python makes of a command, and what it told."""
    told = []
    return in_loop(make_python([sys.executable, "-c", code], tmp_path, told.append)), told


def test_the_python_that_a_command_has_made(tmp_path):
    answer = json.dumps({"python": sys.executable})
    code = f"""
import sys
print("[준비] 패키지 3개를 준비해요.", file=sys.stderr)
print("pip: 경고", file=sys.stderr)
print({answer!r})
"""
    assert made_by(code, tmp_path) == (sys.executable, ["패키지 3개를 준비해요.", "pip: 경고"])


@pytest.mark.parametrize(
    "answer", ["", "ready", "[]", "null", '{"python": 1}', '{"error": "x"}', '{"python": "/no/such/python"}']
)
def test_an_answer_that_is_none(tmp_path, answer):
    with pytest.raises(Failure, match="준비하지 못했어요"):
        made_by(f"print({answer!r})", tmp_path)
    assert read_python(answer.encode()) is None


def test_a_command_that_fails_has_the_last_word(tmp_path):
    code = f"import sys; print({json.dumps({'python': sys.executable})!r}); sys.exit('ERROR: pip\\n디스크가 찼어요.')"
    with pytest.raises(Failure, match="준비하지 못했어요. 디스크가 찼어요.$"):
        made_by(code, tmp_path)


def test_a_thousand_lines_of_progress_block_nothing(tmp_path):
    code = "import sys; print('x' * 200_000); sys.stderr.write('[준비] 한 줄\\n' * 20_000); sys.exit(1)"
    with pytest.raises(Failure, match="한 줄$"):
        made_by(code, tmp_path)


def test_progress_of_nothing():
    async def follow_nothing():
        stream = asyncio.StreamReader()
        stream.feed_eof()
        return await follow(stream, print)

    assert in_loop(follow_nothing()) == ""


def test_the_command_of_a_clone(root, tmp_path):
    assert default_setup(root)[1:] == [str(root / "tools" / "setup_env.py"), "run"]
    assert default_setup(tmp_path) is None
    with pytest.raises(Failure, match=r"pip install 'mundap\[run\]'"):
        in_loop(make_python(None, tmp_path, print))


def test_complete():
    assert complete("mundap", "run") and not complete("no-such-package", "run")
