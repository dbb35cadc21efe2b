"""One worker's process, as its parent sees it."""

import os

import pytest

from modelport.workers import SUPPORTED, WorkerOptions
from modelport.workers.process import WorkerProcess, spawn

pytestmark = pytest.mark.skipif(not SUPPORTED, reason="worker processes need a system that lets one inherit a socket")


def ended(process: WorkerProcess) -> int:
    code = process.exit.result(timeout=20)
    process.sock.close()
    return code


def test_a_process_lives_until_it_is_killed_where_none_can_be_looked_at_unreaped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "waitid")  # as on macOS before Python 3.13

    process = spawn("eliza", WorkerOptions()).result()
    first = process.sock.recv(1)
    process.kill()

    assert first  # it came so far as to say something
    assert ended(process) == -9


def test_one_that_ends_by_itself_is_told_so_there_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "waitid")

    process = spawn("no_such_module:Model", WorkerOptions()).result()

    assert ended(process) == 1
    process.kill()  # which is no error
