"""The console: bytes as they are in a pipe, nothing harmful on a terminal, and a person who is waited for."""

import asyncio
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import pytest

from modelport.agents.iostream import IOConsole, colored

pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals")


INPUT = input  # while a test runs, its guard against blocking calls stands there


class Screen(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.flushed = asyncio.Event()

    def flush(self) -> None:
        self.flushed.set()

    def isatty(self) -> bool:
        return True


# Not fixtures: between a test's phases, pytest puts its own stdin and stdout back.


@contextmanager
def looked_at() -> Iterator[Screen]:
    """Stdout is a terminal."""
    screen = Screen()
    with redirect_stdout(screen):
        yield screen


@contextmanager
def typed_at() -> Iterator[int]:
    """Stdin is a terminal; what is written to the yielded file is typed."""
    keyboard, read = pty.openpty()
    with os.fdopen(read, encoding="utf-8") as stdin, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", stdin)
        patch.setattr("builtins.input", INPUT)
        yield keyboard
    os.close(keyboard)


@contextmanager
def fed(*, lines: bytes) -> Iterator[None]:
    """Stdin is a pipe with *lines*."""
    read, write = os.pipe()
    os.write(write, lines)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as stdin, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", stdin)
        patch.setattr("builtins.input", INPUT)
        yield


# --- printing ---


def test_a_pipe_gets_every_character(capsys: pytest.CaptureFixture[str]) -> None:
    IOConsole().print("a\x1b[2Jb\r", 1, None, sep="|", end="\x07\n", flush=True)

    assert capsys.readouterr().out == "a\x1b[2Jb\r|1|None\x07\n"


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "Grüße 世界 \\ud800|1\n"),
        ("ascii", "Gr\\xfc\\xdfe \\u4e16\\u754c \\ud800|1\n"),
        ("cp1252", "Grüße \\u4e16\\u754c \\ud800|1\n"),
    ],
)
@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])  # the latter where the system has no locale
@pytest.mark.parametrize("terminal", [False, True])
def test_what_stdout_cannot_write_is_escaped(encoding: str, shown: str, terminal: bool, errors: str) -> None:
    class Out(io.TextIOWrapper):
        def isatty(self) -> bool:
            return terminal

    written = io.BytesIO()
    with redirect_stdout(Out(written, encoding=encoding, errors=errors, newline="\n")):
        IOConsole().print("Grüße 世界 \ud800", 1, sep="|", flush=True)
        text = written.getvalue().decode(encoding)

    assert text == shown


def test_a_terminal_gets_no_escape_sequence_of_a_model() -> None:
    with looked_at() as screen:
        IOConsole().print("safe\x1b]52;c;aGk=\x07 and\x1b[2J sound\r", "\x9b31mred", sep="\x1b[H ", end="\x1bc!\n")

        assert screen.getvalue() == "safe and sound red!\n"


def test_our_own_colours_reach_the_terminal_and_those_of_a_model_do_not() -> None:
    with looked_at() as screen:
        IOConsole().print(
            colored("ada\x1b[8m", "yellow", force_color=True), "\x1b[31mred\x1b[0m", f"{colored('x', 'red')}"
        )

        assert screen.getvalue() == "\x1b[33mada\x1b[0m red x\n"


def test_a_sequence_split_between_two_pieces_of_an_answer_is_taken_out() -> None:
    with looked_at() as screen:
        console = IOConsole()

        for piece in ["he\x1b", "[3", "1mllo", "\n"]:
            console.print(piece, end="", flush=True)

        assert screen.getvalue() == "hello\n"


def test_a_sequence_without_an_end_is_over_with_its_object() -> None:
    with looked_at() as screen:
        console = IOConsole()

        console.print("a\x1b]0;title", "b")
        console.print("c\x1b[", end=".")
        console.print("Hd")

        assert screen.getvalue() == "a b\nc.Hd\n"


def test_nothing_is_printed_where_there_is_no_stdout() -> None:
    with redirect_stdout(None):
        IOConsole().print("a")


def test_a_subclass_needs_no_constructor_of_ours() -> None:
    with looked_at() as screen:

        class Mine(IOConsole):
            def __init__(self, name: str) -> None:
                self.name = name

        Mine("x").print("a\x1b[2J")

        assert screen.getvalue() == "a\n"


# --- asking ---


def test_a_line_comes_without_its_newline_and_an_end_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    console = IOConsole()

    assert console.input("Go on? ") == "yes"
    assert capsys.readouterr().out == "Go on? "
    with pytest.raises(EOFError):
        console.input()


def test_a_prompt_cannot_drive_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with looked_at() as screen:
        monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))

        IOConsole().input("reply to \x1b[2Jada: ")

        assert screen.getvalue() == "reply to ada: "


def test_a_password_is_asked_for_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: f"typed at {prompt}")
    console = IOConsole()

    assert console.input(password=True) == "typed at Password: "
    assert console.input("PIN: ", password=True) == "typed at PIN: "


async def test_the_loop_goes_on_while_a_person_thinks() -> None:
    with typed_at() as keyboard, looked_at() as screen:
        asking = asyncio.create_task(IOConsole().a_input("\x1b[2JGo on? "))
        await screen.flushed.wait()

        os.write(keyboard, "grüß\n".encode())

        assert await asking == "grüß"
        assert screen.getvalue() == "Go on? "


async def test_who_asks_while_another_waits_gets_the_next_line() -> None:
    with typed_at() as keyboard, looked_at() as screen:
        console = IOConsole()
        asking = [asyncio.create_task(console.a_input(f"{number}? ")) for number in range(3)]

        os.write(keyboard, b"a\nb\nc\n")

        assert await asyncio.gather(*asking) == ["a", "b", "c"]
        assert screen.getvalue() == "0? 1? 2? "


async def test_a_line_typed_after_the_asker_left_is_there_for_the_next() -> None:
    with typed_at() as keyboard, looked_at() as screen:
        console = IOConsole()
        asking = asyncio.create_task(console.a_input("? "))
        await screen.flushed.wait()

        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        os.write(keyboard, b"late\n")

        assert await console.a_input() == "late"
        assert not asyncio.get_running_loop().remove_reader(sys.stdin.fileno()), "stdin is still watched"


async def test_the_end_of_a_terminal_is_an_error() -> None:
    with typed_at() as keyboard, looked_at():
        os.write(keyboard, b"\x04")

        with pytest.raises(EOFError, match="nobody"):
            await IOConsole().a_input("? ")


async def test_lines_of_a_pipe_are_taken_one_by_one_even_those_read_ahead() -> None:
    with fed(lines=b"a\nb\nc"):
        console = IOConsole()

        assert [await console.a_input(), console.input(), await console.a_input()] == ["a", "b", "c"]
        with pytest.raises(EOFError):
            await console.a_input()


async def test_who_replaces_input_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with typed_at():

        class Mine(IOConsole):
            def input(self, prompt: str = "", *, password: bool = False) -> str:
                return f"subclass {prompt}"

        monkeypatch.setattr("builtins.input", lambda prompt: f"builtin {prompt}")

        assert await IOConsole().a_input("?") == "builtin ?"
        assert await Mine().a_input("?") == "subclass ?"


ASKS = """
import asyncio, sys
from modelport.agents.iostream import IOConsole
async def main():
    await IOConsole().a_input("? ")
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("stopped", file=sys.stderr)
"""


@pytest.mark.parametrize("terminal", [True, False])
def test_ctrl_c_ends_a_program_that_waits_for_a_person(terminal: bool) -> None:
    opened: Any = pty.openpty() if terminal else os.pipe()[::-1]
    typed, stdin = opened

    pipes: Any = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}

    with subprocess.Popen([sys.executable, "-c", ASKS], **pipes) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        prompt = program.stdout.read(2)
        program.send_signal(signal.SIGINT)
        rest = program.stderr.read()
    os.close(typed)
    os.close(stdin)

    assert (prompt, rest, program.returncode) == ("? ", "stopped\n", 0)
