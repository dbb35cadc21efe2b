import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from modelport.agents.code_execution.processes import (
    Command,
    Finished,
    a_stoppable,
    end_marked,
    new_mark,
    run,
)
from modelport.sync import offload
from tests.agents.code_execution.lifeline import Lifeline

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the shell of these tests is sh")
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="processes are found by their mark in /proc")


@pytest.fixture
def lifeline(tmp_path: Path) -> Iterator[Lifeline]:
    line = Lifeline(tmp_path)
    yield line
    line.close()


def sh(
    script: str,
    *,
    timeout: float | None = 15.0,
    env: dict[str, str] | None = None,
    output_limit: int = 10_000,
    merged: bool = False,
    mark: str | None = None,
) -> Command:
    return Command(
        argv=("/bin/sh", "-c", script),
        env={"PATH": os.defpath} if env is None else env,
        timeout=timeout,
        output_limit=output_limit,
        merged=merged,
        mark=mark,
    )


# --- what comes back ---


def test_exit_code_and_both_streams_come_back() -> None:
    assert run(sh("echo out; echo err >&2; exit 3")) == Finished(
        exit_code=3, stdout="out\n", stderr="err\n", timed_out=False
    )


def test_a_signal_is_a_negative_exit_code() -> None:
    assert run(sh("kill -9 $$")).exit_code == -signal.SIGKILL


def test_both_streams_in_one_keep_their_order() -> None:
    assert run(sh("echo a; echo b >&2; echo c", merged=True)).stdout == "a\nb\nc\n"


def test_line_ends_of_other_systems_become_ours() -> None:
    assert run(sh(r"printf 'a\r\nb\rc\n'")).stdout == "a\nb\nc\n"


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert run(sh(r"printf 'a\377b'")).stdout == "a�b"


def test_standard_input_is_closed() -> None:
    done = run(sh("if read line; then echo got $line; else echo nothing; fi"))

    assert done.stdout == "nothing\n"


def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        run(Command(argv=("/no/such/program",)))


def test_output_of_a_background_child_that_ends_in_time_is_waited_for(tmp_path: Path) -> None:
    done = run(sh(f"mkfifo {tmp_path}/go; (cat {tmp_path}/go; echo late) & echo early; : > {tmp_path}/go"))

    assert sorted(done.stdout.split()) == ["early", "late"]


# --- bounds ---


def test_output_beyond_the_limit_is_cut_in_the_middle_and_said_so() -> None:
    done = run(sh("yes abcdefg | head -c 1000000; echo THE END", output_limit=1_000))

    assert done.stdout.startswith("abcdefg\n")
    assert done.stdout.endswith("THE END\n")
    assert "[modelport: 999008 bytes of output left out here; output_limit is 1000 bytes]" in done.stdout
    assert len(done.stdout) < 1_200


@pytest.mark.parametrize("size", [0, 1, 9, 10])
def test_output_up_to_the_limit_is_whole(size: int) -> None:
    assert run(sh(f"printf '%s' {'x' * size}", output_limit=10)).stdout == "x" * size


def test_endless_output_takes_no_more_memory_than_the_limit_and_ends_with_the_time() -> None:
    done = run(sh("yes", timeout=1.0, output_limit=1_000))

    assert done.timed_out
    assert len(done.stdout) < 1_200


def test_what_was_said_before_the_time_limit_is_kept() -> None:
    done = run(sh("echo begun; sleep 300", timeout=1.0))

    assert (done.timed_out, done.stdout) == (True, "begun\n")


# --- nothing outlives its limit ---


def test_a_grandchild_dies_at_the_time_limit(lifeline: Lifeline) -> None:
    done = run(sh(f"sh -c '{lifeline.shell}' & wait", timeout=1.0))

    assert done.timed_out
    assert lifeline.lived_and_died()


def test_a_grandchild_that_ignores_every_polite_signal_dies_too(lifeline: Lifeline) -> None:
    run(sh(f"trap '' TERM INT HUP; sh -c 'trap \"\" TERM INT HUP; {lifeline.shell}' & wait", timeout=1.0))

    assert lifeline.lived_and_died()


@ON_LINUX
def test_a_grandchild_that_left_the_process_group_dies_at_the_time_limit(lifeline: Lifeline) -> None:
    done = run(sh(f"setsid sh -c '{lifeline.shell}' > /dev/null 2>&1 & sleep 300", timeout=1.0, mark=new_mark()))

    assert done.timed_out
    assert lifeline.lived_and_died()


@ON_LINUX
def test_an_orphan_that_holds_the_output_open_is_not_waited_for_beyond_the_limit(lifeline: Lifeline) -> None:
    done = run(sh(f"setsid sh -c '{lifeline.shell}' & echo done", timeout=1.0, mark=new_mark()))

    assert done.timed_out
    assert done.stdout == "done\n"
    assert lifeline.lived_and_died()


@ON_LINUX
def test_a_server_left_in_the_background_goes_on_until_it_is_ended(lifeline: Lifeline) -> None:
    mark = new_mark()
    done = run(sh(f"(echo up; {lifeline.shell}) > /dev/null 2>&1 &", mark=f"{mark}.1"))
    lifeline.wait_for_life()

    assert not done.timed_out
    assert end_marked(new_mark()) == 0
    assert end_marked(mark) >= 1
    assert lifeline.lived_and_died()


@ON_LINUX
def test_a_mark_is_not_taken_for_a_longer_one(lifeline: Lifeline) -> None:
    run(sh(f"({lifeline.shell}) > /dev/null 2>&1 &", mark="modelport-test.12"))
    lifeline.wait_for_life()

    assert end_marked("modelport-test.1") == 0
    assert end_marked("modelport-test.12") >= 1


PROGRAM = """
import sys
from modelport.agents.code_execution.processes import Command, new_mark, run
run(Command(argv=("/bin/sh", "-c", sys.argv[1]), env={"PATH": "/usr/bin:/bin"}, timeout=60, mark=new_mark()))
"""


def program(script: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", PROGRAM, script], stderr=subprocess.PIPE)


def test_ctrl_c_kills_the_command_with_its_grandchildren(lifeline: Lifeline) -> None:
    with program(f"sh -c '{lifeline.shell}' & wait") as main:
        lifeline.wait_for_life()
        main.send_signal(signal.SIGINT)

        assert lifeline.lived_and_died()
        assert b"KeyboardInterrupt" in main.communicate()[1]


@ON_LINUX
def test_the_end_of_the_program_is_the_end_of_what_it_left_running(lifeline: Lifeline) -> None:
    ready = lifeline.path.with_name("ready")
    child = lifeline.shell.replace("sleep", f"echo > {ready}; sleep")
    with program(f"mkfifo {ready}; setsid sh -c '{child}' > /dev/null 2>&1 & cat {ready}") as main:
        assert main.wait() == 0
        assert lifeline.lived_and_died()


# --- async ---


async def test_a_cancelled_task_leaves_no_process(lifeline: Lifeline) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(a_stoppable, run, sh(f"sh -c '{lifeline.shell}' & wait"))
        await offload(lifeline.wait_for_life)
        group.cancel_scope.cancel()

    assert await offload(lifeline.lived_and_died)


async def test_a_task_out_of_its_own_time_leaves_no_process(lifeline: Lifeline) -> None:
    with pytest.raises(TimeoutError):
        with anyio.fail_after(1.0):
            await a_stoppable(run, sh(lifeline.shell))

    assert await offload(lifeline.lived_and_died)


async def test_no_further_command_starts_once_the_task_is_cancelled(lifeline: Lifeline, tmp_path: Path) -> None:
    second = tmp_path / "second"

    def both() -> None:
        try:
            run(sh(lifeline.shell))
        finally:
            run(sh(f": > {second}"))

    async with anyio.create_task_group() as group:
        group.start_soon(a_stoppable, both)
        await offload(lifeline.wait_for_life)
        group.cancel_scope.cancel()

    assert await offload(lifeline.lived_and_died)
    assert not await offload(second.exists)


async def test_the_loop_goes_on_while_commands_run(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    # Each waits for the other through the pipe: one that blocked the loop would wait for ever.
    async with anyio.create_task_group() as group:
        group.start_soon(a_stoppable, run, sh(f"cat {pipe}"))
        group.start_soon(a_stoppable, run, sh(f"echo hello > {pipe}"))
