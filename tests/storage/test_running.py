"""The files that tell which servers run: there while their server lives, whoever has its process id afterwards."""

import fcntl
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelport.storage.running import Registration, RunningServer, running_folders, running_servers

SERVER = RunningServer(url="http://127.0.0.1:8000", pid=os.getpid(), since=1_700_000_000, models={"m": "worker"})
HOLDS = """
import os, sys, time
from modelport.storage.running import Registration, RunningServer
kept = Registration(RunningServer(url="http://127.0.0.1:1", pid=os.getpid(), since=1, models={}))
print(kept.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "modelport"


def held(path: Path, data: bytes) -> int:
    """A file that somebody alive holds."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    number = os.open(path, os.O_RDWR)
    fcntl.flock(number, fcntl.LOCK_EX)
    return number


def test_a_server_is_found_until_it_ends(folder: Path) -> None:
    before = running_servers()
    registration = Registration(SERVER)
    during = running_servers()
    registration.close()
    registration.close()

    assert (before, during, running_servers()) == ([], [SERVER], [])
    assert list(folder.iterdir()) == []


def test_only_its_owner_may_look(folder: Path) -> None:
    registration = Registration(SERVER)

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, registration.path)]
    registration.close()

    assert modes == [0o700, 0o600]


def test_several_servers_come_in_the_order_in_which_they_began() -> None:
    later = msgspec.structs.replace(SERVER, url="http://127.0.0.1:7000", since=SERVER.since + 1)
    registrations = [Registration(later), Registration(SERVER)]

    found = running_servers()
    for registration in registrations:
        registration.close()

    assert found == [SERVER, later]


def test_what_a_killed_server_left_behind_is_removed(folder: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    path = Path(process.stdout.readline().strip())
    alive = [server.pid for server in running_servers()]
    process.kill()
    process.communicate()

    assert alive == [process.pid]
    assert path.exists()
    assert running_servers() == []
    assert not path.exists()


def test_a_process_id_that_somebody_else_has_by_now_is_no_server(folder: Path) -> None:
    folder.mkdir()
    left = folder / f"{os.getppid()}-0.json"
    left.write_bytes(msgspec.json.encode(msgspec.structs.replace(SERVER, pid=os.getppid())))

    assert running_servers() == []
    assert not left.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"url": 1}',
        b"[" * 5000,
        msgspec.json.encode({"url": "file:///etc/passwd"}),
        msgspec.json.encode(msgspec.structs.replace(SERVER, since=10**18)),
    ],
    ids=ascii,
)
def test_a_broken_file_breaks_nothing(data: bytes, folder: Path) -> None:
    number = held(folder / "1-0.json", data)
    registration = Registration(SERVER)

    found = running_servers()
    registration.close()
    os.close(number)

    assert found == [SERVER]


def test_neither_does_what_is_no_file(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    (tmp_path / "elsewhere").write_bytes(msgspec.json.encode(SERVER))
    (folder / "link.json").symlink_to(tmp_path / "elsewhere")
    (folder / "dangling.json").symlink_to(tmp_path / "nowhere")
    (folder / "folder.json").mkdir()
    os.mkfifo(folder / "fifo.json")

    assert running_servers() == []
    assert len(list(folder.iterdir())) == 4


def test_a_file_that_was_never_completed_is_removed_once_it_is_old(folder: Path) -> None:
    folder.mkdir()
    old, fresh = folder / "1-0.partial", folder / "2-0.partial"
    for path in (old, fresh):
        path.touch()
    os.utime(old, (time.time() - 3600, time.time() - 3600))

    assert running_servers() == []
    assert [path.name for path in folder.iterdir()] == [fresh.name]


@pytest.mark.parametrize("given", ["", "not/absolute", "/nowhere/at/all", "a file"])
def test_without_a_runtime_folder_of_ones_own_the_data_folder_will_do(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / given) if given == "a file" else given)

    assert running_folders() == (tmp_path / "data" / "modelport" / "running",)


def test_a_server_that_knew_of_no_runtime_folder_is_found_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    registration = Registration(SERVER)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    found = running_servers()
    registration.close()

    assert found == [SERVER]


def test_a_folder_that_cannot_be_written_to_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)

    with pytest.raises(OSError, match="No space"):
        Registration(SERVER)

    assert list(folder.iterdir()) == []
