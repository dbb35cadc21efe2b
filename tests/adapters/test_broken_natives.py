"""Every way in which a class with stream() breaks its contract gets a sentence with what came and the mend."""
# ruff: noqa: E501  (a sentence is asserted whole, on one line, as it is read)

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from modelport.errors import ContractBroken, LoadError, ModelError, NotAModel
from tests.adapters.explained import ask, assert_explained

STREAM = "the contract asks for an async context manager of an async iterator of events, or a generator that yields events or text"
EVENTS = "the contract asks for events, or text: yield TextDelta('…') or plain text"


def streaming(function: Any, name: Any = "native") -> type:
    return type("Native", (), {"stream": function, "name": name})


def giving(value: Any) -> type:
    return streaming(lambda self, request: value)


def yielding(*values: Any) -> type:
    def stream(self: Any, request: Any) -> Any:
        yield from values

    return streaming(stream)


async def coroutine(self: Any, request: Any) -> Any:
    return "x"


def plain_coroutine(self: Any, request: Any) -> Any:
    return coroutine(self, request)


async def later(*values: Any) -> AsyncIterator[Any]:
    for value in values:
        yield value


@asynccontextmanager
async def manager_of_text(self: Any, request: Any) -> Any:
    yield "x"


@asynccontextmanager
async def manager_of_numbers(self: Any, request: Any) -> Any:
    yield later(5)


@asynccontextmanager
async def manager_that_fails(self: Any, request: Any) -> Any:
    if request:
        raise ValueError("no weights")
    yield later()


@asynccontextmanager
async def manager_that_fails_when_left(self: Any, request: Any) -> Any:
    yield later("x")
    raise ValueError("no rest")


@contextmanager
def sync_manager(self: Any, request: Any) -> Any:
    yield ["x"]


def fails_half_way(self: Any, request: Any) -> Any:
    yield "so far"
    raise ValueError("no more")


BROKEN: dict[str, tuple[Any, type[Exception], str]] = {
    "the name is missing": (
        type("Native", (), {"stream": fails_half_way}),
        NotAModel,
        'Native has no name; the contract asks for `name: str`: set name = "native" on the class',
    ),
    "the name is a number": (
        streaming(fails_half_way, 5),
        NotAModel,
        'Native.name is the number 5; the contract asks for `name: str`: set name = "native" on the class',
    ),
    "stream takes no request": (
        streaming(lambda self: ["x"]),
        NotAModel,
        "Native.stream() cannot be called with one argument (too many positional arguments); the contract asks for stream(self, request): take one, and give any others defaults",
    ),
    "stream is a coroutine": (
        streaming(coroutine),
        NotAModel,
        f"Native.stream() is `async def` without a yield; {STREAM}: yield the events, or decorate it with contextlib.asynccontextmanager",
    ),
    "None is returned": (
        giving(None),
        ContractBroken,
        f"Native.stream() returned None; {STREAM}: yield TextDelta('…') or plain text",
    ),
    "text is returned": (
        giving("fine"),
        ContractBroken,
        f"Native.stream() returned a str; {STREAM}: yield TextDelta('…') or plain text",
    ),
    "a number is returned": (
        giving(5),
        ContractBroken,
        f"Native.stream() returned the number 5; {STREAM}: yield TextDelta('…') or plain text",
    ),
    "a coroutine is returned": (
        streaming(plain_coroutine),
        ContractBroken,
        f"Native.stream() returned a coroutine; {STREAM}: yield TextDelta('…') or plain text",
    ),
    "a sync context manager is returned": (
        streaming(sync_manager),
        ContractBroken,
        f"Native.stream() returned a _GeneratorContextManager; {STREAM}: yield TextDelta('…') or plain text",
    ),
    "an async context manager of text is returned": (
        streaming(manager_of_text),
        ContractBroken,
        "Native.stream() gave an async context manager of a str; the contract asks for an async iterator of events there: yield an async generator from it",
    ),
    "None is yielded": (yielding(None), ContractBroken, f"Native.stream() yielded None; {EVENTS}"),
    "a dict is yielded": (yielding({"content": "x"}), ContractBroken, f"Native.stream() yielded a dict; {EVENTS}"),
    "a number is yielded": (yielding("a", 5), ContractBroken, f"Native.stream() yielded the number 5; {EVENTS}"),
    "a number is yielded later": (
        streaming(manager_of_numbers),
        ContractBroken,
        f"Native.stream() yielded the number 5; {EVENTS}",
    ),
    "entering fails": (streaming(manager_that_fails), ModelError, "Native.stream() raised ValueError: no weights"),
    "leaving fails": (
        streaming(manager_that_fails_when_left),
        ModelError,
        "Native.stream() raised ValueError: no rest",
    ),
    "it fails half way": (streaming(fails_half_way), ModelError, "Native.stream() raised ValueError: no more"),
    "the constructor demands more": (
        type("Native", (), {"stream": fails_half_way, "name": "x", "__init__": lambda self, path: None}),
        LoadError,
        "Native() demands path, which the config does not have: give config={'path': …}, or pass an instance instead of the class",
    ),
}


@pytest.mark.parametrize(("cls", "kind", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_broken_stream_is_explained(cls: Any, kind: type[Exception], sentence: str) -> None:
    assert_explained(cls, kind, sentence)


@pytest.mark.parametrize("stream", [fails_half_way, manager_that_fails, manager_that_fails_when_left])
def test_the_error_that_a_stream_raised_is_the_cause_of_ours(stream: Any) -> None:
    with pytest.raises(ModelError) as caught:
        ask(streaming(stream))

    assert isinstance(caught.value.__cause__, ValueError)
