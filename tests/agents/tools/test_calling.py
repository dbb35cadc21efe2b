"""A call becomes a result: found, read, run, and told. Texts are AutoGen 0.2.40's where it has one."""

import asyncio
import functools
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
from pydantic import BaseModel

from modelport.agents.tools import (
    a_answer_function_call,
    a_answer_tool_calls,
    a_execute,
    answer_function_call,
    answer_tool_calls,
    execute,
    is_async,
    on_loop,
    wait_for,
    wrap_tool,
)
from modelport.sync import run

Functions = dict[str, Callable[..., Any]]


BROKEN = (
    "Error: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)\n"
    " The argument must be in JSON format."
)


def call(name: str, arguments: str = "{}", call_id: str | None = "1") -> dict[str, Any]:
    found: dict[str, Any] = {"type": "function", "function": {"name": name, "arguments": arguments}}
    return found if call_id is None else {"id": call_id, **found}


def ask(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def quiet(text: str) -> None:
    """Nobody watches."""


class Executor:
    """What an agent does with its calls."""

    def __init__(self, **functions: Callable[..., Any]) -> None:
        self.functions: Functions = functions
        self.said: list[str] = []

    def execute(self, asked: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
        return execute(asked, self.functions, self.said.append)

    async def a_execute(self, asked: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
        return await a_execute(asked, self.functions, self.said.append)

    def reply(self, message: dict[str, Any]) -> tuple[bool, dict[str, Any] | None]:
        return answer_tool_calls(message, self.functions, self.execute, self.a_execute)

    async def a_reply(self, message: dict[str, Any]) -> tuple[bool, dict[str, Any] | None]:
        return await a_answer_tool_calls(message, self.a_execute)


def add(a: int, b: int = 1) -> int:
    return a + b


async def a_add(a: int, b: int = 1) -> int:
    await asyncio.sleep(0)
    return a + b


def fail() -> None:
    raise ValueError("no luck")


# --- one call ---


def test_a_call_is_announced_and_its_result_is_text() -> None:
    said: list[str] = []

    result = execute({"name": "add", "arguments": '{"a": 1}'}, {"add": add}, said.append)

    assert result == (True, {"name": "add", "role": "function", "content": "2"})
    assert said == ["\n>>>>>>>> EXECUTING FUNCTION add..."]


async def test_an_async_call_is_announced_as_one() -> None:
    said: list[str] = []

    result = await a_execute({"name": "a_add", "arguments": '{"a": 1}'}, {"a_add": a_add}, said.append)

    assert result == (True, {"name": "a_add", "role": "function", "content": "2"})
    assert said == ["\n>>>>>>>> EXECUTING ASYNC FUNCTION a_add..."]


@pytest.mark.parametrize(
    ("asked", "content"),
    [
        ({"name": "nope", "arguments": "{}"}, "Error: Function nope not found."),
        ({}, "Error: Function  not found."),
        ({"name": ["x"]}, "Error: Function ['x'] not found."),
        (
            {"name": "add", "arguments": "{a: 1}"},
            BROKEN,
        ),
        ({"name": "add", "arguments": "{}"}, "Error: add() missing 1 required positional argument: 'a'"),
        ({"name": "add"}, "Error: add() missing 1 required positional argument: 'a'"),
        ({"name": "add", "arguments": '{"a": 1, "c": 2}'}, "Error: add() got an unexpected keyword argument 'c'"),
        ({"name": "fail", "arguments": "{}"}, "Error: no luck"),
        ({"name": "silent", "arguments": "{}"}, "Error: LookupError"),
        ({"name": "rude", "arguments": "{}"}, "Error: RudeError"),
    ],
)
async def test_whatever_goes_wrong_is_the_result(asked: dict[str, Any], content: str) -> None:
    class RudeError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def silent() -> None:
        raise LookupError

    def rude() -> None:
        raise RudeError

    functions: Functions = {"add": add, "fail": fail, "silent": silent, "rude": rude}

    succeeded, result = execute(asked, functions, quiet)
    a_succeeded, a_result = await a_execute(asked, functions, quiet)

    assert not succeeded
    assert not a_succeeded
    assert result["content"] == a_result["content"] == content


def test_verbose_shows_what_went_in_and_what_came_out_also_for_an_unknown_function() -> None:
    said: list[str] = []

    execute({"name": "add", "arguments": '{"a": 1}'}, {"add": add}, said.append, verbose=True)
    execute({"name": "nope", "arguments": "{}"}, {}, said.append, verbose=True)

    assert said[1:] == [
        "\nInput arguments: {'a': 1}\nOutput:\n2",
        "\nInput arguments: None\nOutput:\nError: Function nope not found.",
    ]


def test_an_interrupt_passes_through() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute({"name": "f"}, {"f": interrupted}, quiet)


# --- sync and async ---


class Later:
    async def __call__(self, a: int) -> int:
        return a


def awaitable(a: int) -> Any:
    return a_add(a)


@pytest.mark.parametrize("function", [a_add, functools.partial(a_add, b=2), Later(), awaitable])
def test_async_functions_of_every_form_run_in_blocking_chats(function: Any) -> None:
    executor = Executor(f=wrap_tool(function))

    _, reply = executor.reply(ask(call("f", '{"a": 1}')))

    assert reply is not None
    assert reply["content"] in {"1", "2", "3"}


async def test_a_blocking_chat_inside_a_running_loop_can_use_async_functions() -> None:
    chat: ContextVar[str] = ContextVar("chat")
    chat.set("this one")

    async def which() -> str:
        await asyncio.sleep(0)
        return chat.get()

    _, reply = Executor(which=which).reply(ask(call("which")))

    assert reply is not None
    assert reply["content"] == "this one"


async def test_an_error_in_the_other_thread_is_the_callers() -> None:
    async def stop() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        wait_for(stop())


def test_a_blocking_chat_leaves_the_threads_event_loop_alone() -> None:
    def program() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        wait_for(a_add(1))
        found.append(asyncio.get_event_loop() is loop)
        asyncio.set_event_loop(None)
        loop.close()

    found: list[bool] = []
    thread = threading.Thread(target=program)
    thread.start()
    thread.join()

    assert found == [True]


def test_tasks_that_an_async_function_leaves_behind_are_cancelled() -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("yes")

    kept: list[asyncio.Task[None]] = []

    async def start() -> int:
        kept.append(asyncio.create_task(forever()))
        await asyncio.sleep(0)
        return 1

    assert wait_for(start()) == 1
    assert ended == ["yes"]


def test_an_async_function_works_under_a_model_that_is_driven_without_a_loop() -> None:
    async def asked() -> int:
        return wait_for(a_add(1))

    assert run(asked(), suspends=False) == 2


async def test_a_blocking_function_does_not_block_the_loop_of_an_async_chat() -> None:
    released = threading.Event()

    def wait() -> str:
        return "released" if released.wait(10) else "stuck"

    asked = asyncio.create_task(Executor(wait=wait).a_reply(ask(call("wait"))))
    await asyncio.sleep(0)
    released.set()  # reached only while the function waits
    _, reply = await asked

    assert reply is not None
    assert reply["content"] == "released"


async def test_a_marked_blocking_function_stays_on_the_loops_thread() -> None:
    @on_loop
    def where() -> str:
        return str(threading.current_thread() is threading.main_thread() and asyncio.get_running_loop() is not None)

    functions = {"where": wrap_tool(where)}
    executor = Executor(**functions)

    _, reply = await executor.a_reply(ask(call("where")))
    _, other = await a_answer_function_call(
        {"function_call": {"name": "where"}}, functions, executor.execute, executor.a_execute
    )

    assert reply is not None
    assert other is not None
    assert reply["content"] == other["content"] == "True"


# --- replies ---


def test_the_reply_to_tool_calls_has_each_result_in_order() -> None:
    executor = Executor(add=add, fail=fail)

    reply = executor.reply(ask(call("add", '{"a": 1}'), call("fail", call_id="2"), call("nope", call_id=None)))

    assert reply == (
        True,
        {
            "role": "tool",
            "tool_responses": [
                {"tool_call_id": "1", "role": "tool", "content": "2"},
                {"tool_call_id": "2", "role": "tool", "content": "Error: no luck"},
                {"role": "tool", "content": "Error: Function nope not found."},
            ],
            "content": "2\n\nError: no luck\n\nError: Function nope not found.",
        },
    )


async def test_async_calls_of_one_message_run_at_once_and_answer_in_order() -> None:
    both = asyncio.Barrier(2)

    async def first() -> str:
        await both.wait()
        return "first"

    async def second() -> str:
        await both.wait()
        return "second"

    _, reply = await Executor(first=first, second=second).a_reply(ask(call("first"), call("second", call_id=None)))

    assert reply is not None
    assert reply["content"] == "first\n\nsecond"
    assert "tool_call_id" not in reply["tool_responses"][1]


async def test_blocking_calls_of_one_message_run_one_after_another() -> None:
    running: list[int] = []
    most: list[int] = []

    def work(a: int) -> int:
        running.append(a)
        most.append(len(running))
        threading.Event().wait(0.005)
        running.remove(a)
        return a

    executor = Executor(work=work)
    _, reply = await executor.a_reply(ask(*(call("work", f'{{"a": {n}}}') for n in range(5))))

    assert reply is not None
    assert reply["content"] == "0\n\n1\n\n2\n\n3\n\n4"
    assert set(most) == {1}


async def test_the_calls_of_one_message_are_announced_in_order_whatever_they_are() -> None:
    executor = Executor(add=add, a_add=a_add)
    names = ["a_add", "add", "a_add", "add", "a_add"]

    await executor.a_reply(ask(*(call(name, '{"a": 1}') for name in names)))

    assert [line.split()[-1] for line in executor.said] == [f"{name}..." for name in names]


async def test_a_blocking_function_may_use_tools_itself() -> None:
    executor = Executor(add=add)

    def outer() -> str:
        return str(asyncio.run(executor.a_execute({"name": "add", "arguments": '{"a": 1}'}))[1]["content"])

    executor.functions["outer"] = outer

    _, reply = await executor.a_reply(ask(call("outer")))

    assert reply is not None
    assert reply["content"] == "2"


async def test_a_function_call_is_answered_with_the_result_itself() -> None:
    executor = Executor(add=add, a_add=a_add)

    for name, kind in (("add", ""), ("a_add", "ASYNC ")):
        message = {"function_call": {"name": name, "arguments": '{"a": 1}'}}
        expected = (True, {"name": name, "role": "function", "content": "2"})
        assert answer_function_call(message, executor.functions, executor.execute, executor.a_execute) == expected
        assert (
            await a_answer_function_call(message, executor.functions, executor.execute, executor.a_execute) == expected
        )
        assert executor.said[-2:] == [f"\n>>>>>>>> EXECUTING {kind}FUNCTION {name}..."] * 2


@pytest.mark.parametrize("message", [{}, {"tool_calls": None}, {"tool_calls": []}, {"function_call": None}])
async def test_a_message_that_calls_nothing_gets_no_reply(message: dict[str, Any]) -> None:
    executor = Executor()

    assert executor.reply(message) == (False, None)
    assert await executor.a_reply(message) == (False, None)
    assert answer_function_call(message, {}, executor.execute, executor.a_execute) == (False, None)
    assert await a_answer_function_call(message, {}, executor.execute, executor.a_execute) == (False, None)


# --- wrapped functions ---


class Money(BaseModel):
    amount: float


@pytest.mark.parametrize("is_a", [False, True])
async def test_a_wrapped_function_takes_models_gives_text_and_tells_of_its_use(is_a: bool) -> None:
    used: list[Any] = []

    def double(money: Money) -> Money:
        return Money(amount=money.amount * 2)

    async def a_double(money: Money) -> Money:
        return double(money)

    function = a_double if is_a else double
    wrapped = wrap_tool(function, lambda *use: used.append(use))

    _, result = await a_execute({"name": "f", "arguments": '{"money": {"amount": 2}}'}, {"f": wrapped}, quiet)

    assert result["content"] == '{"amount":4.0}'
    assert used == [(function, {"money": Money(amount=2)}, Money(amount=4))]
    assert vars(wrapped)["_origin"] is function
    assert is_async(wrapped) is is_a
    assert wrapped.__name__ == function.__name__


def test_arguments_that_do_not_fit_are_told_with_the_field() -> None:
    def double(money: Money) -> float:
        return money.amount * 2

    _, result = execute({"name": "f", "arguments": '{"money": {}}'}, {"f": wrap_tool(double)}, quiet)

    assert result["content"].startswith("Error: 1 validation error for Money\namount\n")


def test_a_result_without_a_json_form_is_told() -> None:
    _, result = execute({"name": "f"}, {"f": wrap_tool(lambda: object())}, quiet)  # noqa: PLW0108

    assert result["content"] == "Error: Object of type object is not JSON serializable"
