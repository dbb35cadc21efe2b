"""Which stream a chat talks through, and what a stream must be."""

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest

from modelport.agents.iostream import InputStream, IOConsole, IOStream, OutputStream, ask


class Kept(IOStream):
    """Keeps what is printed, and answers with what it was told."""

    def __init__(self, *answers: str) -> None:
        self.shown: list[str] = []
        self._answers = iter(answers)

    def print(self, *objects: Any, sep: str = " ", end: str = "\n", flush: bool = False) -> None:
        self.shown.append(sep.join(map(str, objects)) + end)

    def input(self, prompt: str = "", *, password: bool = False) -> str:
        return next(self._answers)


class Bare:
    """Has the two methods and no base class."""

    def __init__(self, told: threading.Event) -> None:
        self._told = told

    def input(self, prompt: str = "", *, password: bool = False) -> str:
        return f"{prompt}{password}{self._told.wait(timeout=60)}"


def test_the_console_is_used_unless_another_stream_is_chosen() -> None:
    assert isinstance(IOStream.get_default(), IOConsole)
    assert IOStream.get_default() is IOStream.get_global_default()


def test_a_chosen_stream_holds_within_its_with_and_none_is_the_global_one() -> None:
    outer, inner, console = Kept(), Kept(), IOStream.get_global_default()

    with IOStream.set_default(outer):
        first = IOStream.get_default()
        with IOStream.set_default(inner):
            second = IOStream.get_default()
            with IOStream.set_default(None):
                third = IOStream.get_default()
        fourth = IOStream.get_default()

    assert [first, second, third, fourth, IOStream.get_default()] == [outer, inner, console, outer, console]


def test_a_chosen_stream_ends_with_an_error_too() -> None:
    with pytest.raises(ValueError, match="lost"), IOStream.set_default(Kept()):
        raise ValueError("lost")

    assert isinstance(IOStream.get_default(), IOConsole)


def test_a_new_global_default_is_used_everywhere_and_by_other_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IOStream, "_global_default", IOStream.get_global_default())
    kept, seen = Kept(), []

    IOStream.set_global_default(kept)
    thread = threading.Thread(target=lambda: seen.append(IOStream.get_default()))
    thread.start()
    thread.join()

    assert [IOStream.get_default(), *seen] == [kept, kept]


def test_a_missing_global_default_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IOStream, "_global_default", None)

    with pytest.raises(RuntimeError, match="set_global_default"):
        IOStream.get_default()


async def test_tasks_that_run_at_once_have_a_stream_each() -> None:
    async def chat(name: str) -> list[str]:
        kept = Kept()
        with IOStream.set_default(kept):
            for turn in range(3):
                IOStream.get_default().print(name, turn)
                await asyncio.sleep(0)
        return kept.shown

    ada, bob = await asyncio.gather(chat("ada"), chat("bob"))

    assert (ada, bob) == (["ada 0\n", "ada 1\n", "ada 2\n"], ["bob 0\n", "bob 1\n", "bob 2\n"])


async def test_a_stream_that_only_blocks_is_asked_without_blocking_the_loop() -> None:
    told = threading.Event()
    asking = asyncio.create_task(ask(Bare(told), "? ", password=True))

    await asyncio.sleep(0)
    told.set()

    assert await asking == "? TrueTrue"


async def test_a_subclass_with_print_and_input_can_be_awaited() -> None:
    assert [await Kept("yes").a_input("? "), await ask(Kept("no"))] == ["yes", "no"]


def test_streams_are_known_by_their_methods() -> None:
    bare = Bare(threading.Event())

    assert isinstance(bare, InputStream)
    assert not isinstance(bare, OutputStream)
    assert isinstance(Kept(), OutputStream)
    assert isinstance(Kept(), IOStream)


def test_importing_the_streams_stays_cheap() -> None:
    code = "import sys, modelport.agents.iostream; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"asyncio", "getpass", "ssl", "termcolor", "websockets"} & set(loaded)
    assert "modelport.agents.iostream.websockets" not in loaded
