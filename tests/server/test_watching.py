"""Which Python files changed: what counts, what does not, and what is written in one go."""

import os
import queue
from collections.abc import Collection
from pathlib import Path

import pytest

from modelport.server.watching import Tree, Watch

EVERY = 0.02


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("model.py", "helper.py", "package/inner.py", "package/__init__.py"):
        write(tmp_path / name, name)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def names(folder: Path, seen: Collection[str]) -> set[str]:
    return {Path(path).relative_to(folder).as_posix() for path in seen}


def test_the_files_of_a_folder_and_of_the_packages_in_it_are_looked_at(folder: Path) -> None:
    seen = Tree([str(folder)]).look()

    assert names(folder, seen) == {"model.py", "helper.py", "package/inner.py", "package/__init__.py"}


@pytest.mark.parametrize(
    "other",
    [
        ".hidden.py",
        ".git/hook.py",
        "__pycache__/model.py",
        "site-packages/lib.py",
        "node_modules/lib.py",
        "notes.txt",
        "model.py~",
        ".model.py.swp",
        ".#model.py",
        "#model.py#",
        "4913",
        "model.py___jb_tmp___",
        "data/big.bin",
    ],
)
def test_what_editors_caches_and_installers_leave_does_not_count(other: str, folder: Path) -> None:
    tree = Tree([str(folder)])
    before = tree.look()

    write(folder / other, "x")

    assert tree.look() == before


def test_a_virtual_environment_beside_the_model_does_not_count(folder: Path) -> None:
    write(folder / "venv" / "pyvenv.cfg", "")
    write(folder / "venv" / "tool.py", "")

    assert "venv/tool.py" not in names(folder, Tree([str(folder)]).look())


def test_links_to_nowhere_loops_pipes_and_folders_with_a_files_name_are_passed_over(folder: Path) -> None:
    (folder / "gone.py").symlink_to(folder / "nothing.py")
    (folder / "loop").symlink_to(folder)
    (folder / "folder.py").mkdir()
    os.mkfifo(folder / "pipe.py")

    seen = Tree([str(folder), str(folder / "no such folder")]).look()

    assert names(folder, seen) == {"model.py", "helper.py", "package/inner.py", "package/__init__.py"}


def test_what_is_written_within_one_tick_of_the_disks_clock_is_seen(folder: Path) -> None:
    path = folder / "model.py"
    write(path, "one")
    tree = Tree([str(folder)])
    before = tree.look()
    status = path.stat()

    write(path, "two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert tree.look() != before


def test_the_same_words_saved_again_are_no_change(folder: Path) -> None:
    tree = Tree([str(folder)])
    before = tree.look()

    write(folder / "new.py", "model.py")
    (folder / "new.py").replace(folder / "model.py")

    assert tree.look() == before


def watched(folder: Path) -> "tuple[Watch, queue.SimpleQueue[set[str]]]":
    told: queue.SimpleQueue[set[str]] = queue.SimpleQueue()
    watch = Watch([str(folder)], every=EVERY)
    watch.start(lambda changed: told.put(names(folder, changed)))
    return watch, told


def test_a_change_is_told_with_the_files_that_changed_came_and_went(folder: Path) -> None:
    watch, told = watched(folder)
    write(folder / "part.tmp", "all at once")
    (folder / "part.tmp").replace(folder / "model.py")  # as editors save
    first = told.get(timeout=10)
    (folder / "helper.py").rename(folder / "other.py")
    second = told.get(timeout=10)
    watch.stop()

    assert first == {"model.py"}
    assert second == {"helper.py", "other.py"}


def test_what_changed_between_making_and_starting_is_told(folder: Path) -> None:
    told: queue.SimpleQueue[Collection[str]] = queue.SimpleQueue()
    watch = Watch([str(folder)], every=EVERY)
    write(folder / "model.py", "newer")

    watch.start(told.put)

    assert names(folder, told.get(timeout=10)) == {"model.py"}
    watch.stop()


def test_saves_that_follow_each_other_are_told_together(folder: Path) -> None:
    watch = Watch([str(folder)], every=0.5)
    told: queue.SimpleQueue[set[str]] = queue.SimpleQueue()
    watch.start(lambda changed: told.put(names(folder, changed)))
    for turn in range(20):
        write(folder / "model.py", f"{turn}")
        write(folder / "helper.py", f"{turn}")
    first = told.get(timeout=10)
    write(folder / "last.py", "")
    second = told.get(timeout=10)
    watch.stop()

    assert (first, second) == ({"model.py", "helper.py"}, {"last.py"})


def test_one_look_more_than_there_may_be_files_is_said_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("modelport.server.watching._MOST", 3)
    tree = Tree([str(folder)])

    assert len(tree.look()) == len(tree.look()) == 3
    assert [record.levelname for record in caplog.records] == ["WARNING"]
