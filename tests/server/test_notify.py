"""What systemd is told, over a real socket."""

import os
import socket
from pathlib import Path

import pytest

from modelport.server.notify import READY, STOPPING, notify

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="systemd listens on a Unix socket")


def test_without_a_manager_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)

    assert notify(READY) is False


def test_lines_are_one_datagram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("n")
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", "n")

        told = notify(READY, "STATUS=fine")

        assert (told, manager.recv(100)) == (True, b"READY=1\nSTATUS=fine")


@pytest.mark.skipif(not os.path.exists("/proc/net/unix"), reason="only Linux has abstract sockets")  # noqa: PTH110
def test_a_name_that_is_in_no_file_system_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"modelport-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")

        assert (notify(STOPPING), manager.recv(100)) == (True, b"STOPPING=1")


def test_a_manager_that_is_gone_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))

    assert notify(READY) is False
