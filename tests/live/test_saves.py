"""Saves: what counts as one, when it is whole, and that waiting for one costs next to nothing."""

import asyncio
import os

import pytest
from server import in_loop
from smallsite import make_small_site

from mundap.live import saves as module
from mundap.live.saves import Saves, snapshot


@pytest.fixture
def small(tmp_path):
    """A small MkDocs project that has nothing to do with threads."""
    return make_small_site(tmp_path)


def test_snapshot_sees_each_kind_of_save(small):
    seen = [snapshot(small)]

    def changes():
        seen.append(snapshot(small))
        return seen[-1] != seen[-2]

    assert not changes()
    (small / "docs" / "new.md").write_text("새 글")
    assert changes()
    (small / "docs" / "tmp").write_text("# 바뀐 글")
    os.replace(small / "docs" / "tmp", small / "docs" / "index.md")  # how many editors save
    assert changes()
    (small / "docs" / "new.md").unlink()
    assert changes()
    (small / "docs" / ".index.md.swp").write_text("vim")
    assert not changes(), "an editor's own files are none of ours"


def test_a_save_is_waited_for_until_it_is_whole(small):
    """A file that is still being written is not built."""
    seen = snapshot(small)
    assert in_loop(saved_in_two_parts(small, seen)) == ["docs/index.md"]
    assert (small / "docs" / "index.md").read_text() == "반쪽과 나머지"


async def saved_in_two_parts(root, seen):
    with Saves(root, seen) as saves:
        return await two_parts(root, saves)


async def two_parts(root, saves):
    saving = asyncio.ensure_future(saves.next())
    with (root / "docs" / "index.md").open("w") as file:
        file.write("반쪽과")
        file.flush()
        await asyncio.sleep(0.02)
        file.write(" 나머지")
    names = await saving
    assert saves.seen == snapshot(root)
    return names


async def names_of_a_save(root, path, looks):
    """Of one save, made while waiting; looks: the snapshots that are taken are counted in it."""
    with Saves(root, snapshot(root)) as saves:
        waiting = asyncio.ensure_future(saves.next())
        await asyncio.sleep(0.4)  # nothing is saved
        looks.append("save")
        path.parent.mkdir(exist_ok=True)
        path.write_text("새 글")
        return await asyncio.wait_for(waiting, 3)


@pytest.mark.parametrize("name", ["docs/index.md", "docs/새 폴더/new.md", "mkdocs.yml", "overrides/none.html"])
def test_the_system_tells_of_a_save(small, monkeypatch, name):
    """At once, and nobody looks while nothing is saved."""
    looks = []
    monkeypatch.setattr(module, "snapshot", lambda root: looks.append("look") or snapshot(root))
    monkeypatch.setattr(module, "LOOK", 60)
    assert in_loop(names_of_a_save(small, small / name, looks)) == [name]
    assert looks.index("save") == 1, "the look at the beginning"


def test_a_save_that_the_system_does_not_tell_of_is_found(small, monkeypatch):
    """As on a network's folder."""
    monkeypatch.setattr(Saves, "on_any_event", lambda self, event: None)
    monkeypatch.setattr(module, "LOOK", 0.2)
    assert in_loop(names_of_a_save(small, small / "docs" / "index.md", [])) == ["docs/index.md"]


def test_without_room_for_watches_it_looks_often(small, monkeypatch):
    def refuse(self):
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(module.Observer, "start", refuse)
    monkeypatch.setattr(module, "LOOK", 60)
    assert in_loop(names_of_a_save(small, small / "docs" / "index.md", [])) == ["docs/index.md"]


def test_reading_is_no_save(small):
    async def main():
        with Saves(small, snapshot(small)) as saves:
            (small / "docs" / "index.md").read_text()
            await asyncio.sleep(0.3)
            return saves.told.is_set()

    assert in_loop(main()) is False


def test_waiting_ends_when_it_is_cancelled_while_a_save_is_told(small):
    """As when Ctrl-C comes together with a save."""

    async def main():
        with Saves(small, snapshot(small)) as saves:
            for _ in range(20):
                waiting = asyncio.ensure_future(saves.next())
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                saves.told.set()
                waiting.cancel()
                done, _ = await asyncio.wait([waiting], timeout=2)
                assert done and waiting.cancelled()
                saves.told.clear()
                await asyncio.sleep(0.01)

    in_loop(main())
