"""A function is a model: every kind of callable, and every kind of answer."""

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from openai.types.chat import ChatCompletionChunk

from modelport import as_model, generate
from modelport.errors import UnsupportedField
from modelport.model import suspends
from modelport.sync import iterate, run
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Event,
    Finish,
    Message,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    Usage,
    messages_from,
    request_from_params,
)
from modelport.wrappers.honouring import honour


def ask(thing: Any, **fields: Any) -> ChatResponse:
    model = honour(as_model(thing))
    return run(generate(model, request_from_params({"messages": "hello", **fields})), suspends=suspends(model))


def giving(value: Any) -> Any:
    return lambda messages: value


# --- kinds of callables -----------------------------------------------------------------------------------------------


def plain(messages: Any) -> str:
    return f"said {messages[-1]['content']}"


async def waiting(messages: Any) -> str:
    await asyncio.sleep(0)
    return plain(messages)


def yielding(messages: Any) -> Iterator[str]:
    yield from ("said ", messages[-1]["content"])


async def yielding_later(messages: Any) -> AsyncIterator[str]:
    for piece in yielding(messages):
        await asyncio.sleep(0)
        yield piece


class Callable:
    def __call__(self, messages: Any) -> str:
        return plain(messages)


class AsyncCallable:
    async def __call__(self, messages: Any) -> str:
        return await waiting(messages)


class YieldingCallable:
    def __call__(self, messages: Any) -> Iterator[str]:
        yield from yielding(messages)


class Holder:
    def reply(self, messages: Any) -> str:
        return plain(messages)


def prefixed(prefix: str, messages: Any) -> str:
    return f"{prefix}{messages[-1]['content']}"


def logged(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


CALLABLES = {
    "a function": plain,
    "an async function": waiting,
    "a generator": yielding,
    "an async generator": yielding_later,
    "a lambda": lambda messages: plain(messages),  # noqa: PLW0108  (a lambda is what is tried)
    "a lambda of an async function": lambda messages: waiting(messages),  # noqa: PLW0108
    "a lambda of a generator": lambda messages: yielding(messages),  # noqa: PLW0108
    "a lambda of an async generator": lambda messages: yielding_later(messages),  # noqa: PLW0108
    "a partial": functools.partial(prefixed, "said "),
    "a partial of an async function": functools.partial(waiting),
    "a partial of a generator": functools.partial(yielding),
    "a method": Holder().reply,
    "a callable object": Callable(),
    "an async callable object": AsyncCallable(),
    "a callable object that yields": YieldingCallable(),
    "a class of callable objects": Callable,
    "a decorated function": logged(plain),
    "a decorated async function": logged(waiting),
    "a decorated generator": logged(yielding),
    "a function that takes anything": lambda *args, **kwargs: plain(*args),
}


@pytest.mark.parametrize("thing", CALLABLES.values(), ids=CALLABLES)
def test_a_callable_of_any_kind_answers_blocking_callers(thing: Any) -> None:
    assert ask(thing).text == "said hello"


@pytest.mark.parametrize("thing", CALLABLES.values(), ids=CALLABLES)
async def test_a_callable_of_any_kind_answers_on_an_event_loop(thing: Any) -> None:
    answer = await generate(as_model(thing), request_from_params({"messages": "hello"}))

    assert answer.text == "said hello"


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (plain, "plain"),
        (CALLABLES["a lambda"], "lambda"),
        (CALLABLES["a partial"], "prefixed"),
        (Callable(), "Callable"),
        (Holder().reply, "reply"),
        (SimpleNamespace, "SimpleNamespace"),
    ],
)
def test_a_callable_is_named_after_itself(thing: Any, name: str) -> None:
    if thing is SimpleNamespace:
        thing = type("SimpleNamespace", (Callable,), {})()

    assert as_model(thing).name == name


def test_a_name_given_at_the_door_comes_first() -> None:
    assert as_model(plain, name="parrot").name == "parrot"


async def test_a_blocking_function_does_not_block_the_loop_that_awaits_it() -> None:
    threads = []

    def noting(messages: Any) -> str:
        threads.append(threading.get_ident())
        return "x"

    await generate(as_model(noting), request_from_params({"messages": "hi"}))

    assert threads != [threading.get_ident()]


# --- what it is given -------------------------------------------------------------------------------------------------


def test_a_function_is_given_only_the_parameters_that_it_names() -> None:
    def narrow(messages: Any, temperature: Any, seed: int = 1) -> str:
        return f"{temperature} {seed}"

    model = as_model(narrow)
    answer = run(generate(model, request_from_params({"messages": "x", "max_tokens": 5})), suspends=False)

    assert model.accepts == {"temperature", "seed"}  # type: ignore[attr-defined]
    assert answer.text == "None 1"
    assert ask(narrow, temperature=0.5, seed=2).text == "0.5 2"


def test_a_function_that_takes_anything_is_given_what_is_set_and_nothing_else() -> None:
    seen: list[Any] = []

    def wide(messages: Any, **params: Any) -> str:
        seen.append(params)
        return "x"

    ask(wide, temperature=0.5, model="m", top_k=3)

    assert seen == [{"temperature": 0.5, "model": "m", "top_k": 3}]


def test_a_parameter_of_its_own_is_taken_by_its_name_and_any_other_is_refused() -> None:
    def sampled(messages: Any, top_k: int = 1) -> str:
        return f"{top_k}"

    assert ask(sampled, top_k=7).text == "7"
    with pytest.raises(UnsupportedField) as caught:
        ask(sampled, top_p_min=7)
    assert str(caught.value) == ("top_p_min: sampled() does not take it; leave it out, or name it in the signature")


def test_fields_that_its_attribute_names_are_trusted_to_it() -> None:
    def stopping(messages: Any, **params: Any) -> str:
        return f"{params}"

    stopping.accepts = ["stop"]  # type: ignore[attr-defined]

    assert ask(stopping, stop=["x"]).text == "{'stop': ['x']}"


def test_messages_are_the_callers_own() -> None:
    given = [{"role": "user", "content": "hello", "mark": object()}]
    seen: list[Any] = []

    def noting(messages: Any) -> str:
        seen.append(messages)
        return "x"

    ask(noting, messages=given)

    assert seen[0][0] is given[0]
    assert seen[0] is not given


def test_messages_are_passed_by_name_where_only_that_will_do() -> None:
    def by_name(*, messages: Any) -> str:
        return plain(messages)

    assert ask(by_name).text == "said hello"


def test_the_config_gives_what_the_request_leaves_open() -> None:
    def reply(messages: Any, temperature: Any, device: str) -> str:
        return f"{temperature} on {device}"

    model = as_model(reply, config={"temperature": 0.1, "device": "cuda", "model_client_cls": "reply"})

    for fields, text in (({}, "0.1 on cuda"), ({"temperature": 0.9}, "0.9 on cuda")):
        request = request_from_params({"messages": "x", **fields})
        assert run(generate(model, request), suspends=False).text == text


# --- what it gives ----------------------------------------------------------------------------------------------------

CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
COMPLETION = {
    "model": "m-1",
    "choices": [{"message": {"role": "assistant", "content": "blue"}, "finish_reason": "length"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}


class Text(str):
    """Text of a class of its own, as some libraries have it."""

    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [
        "blue",
        Text("blue"),
        {"role": "assistant", "content": "blue"},
        {"content": "blue"},
        Message("assistant", "blue"),
        SimpleNamespace(content="blue"),
        COMPLETION,
        SimpleNamespace(choices=[SimpleNamespace(message=SimpleNamespace(content="blue"))]),
        ["blue"],
        [{"content": "blue"}],
        ("blue", {}),
        ("blue", {"total_tokens": None}),
        [TextDelta("bl"), TextDelta("ue"), Finish()],
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_answer_of_any_form_is_read(value: Any) -> None:
    assert ask(giving(value)).text == "blue"


def test_a_whole_answer_of_modelports_own_passes_with_all_that_it_has() -> None:
    inner = ask(giving(("blue", {"total_tokens": 5})))

    outer = ask(giving(inner))

    assert (outer.text, outer.usage, outer.id) == (inner.text, inner.usage, inner.id)


def test_a_completion_keeps_its_model_its_usage_and_why_it_ended() -> None:
    answer = ask(giving(COMPLETION))

    assert (answer.model, answer.choices[0].finish_reason) == ("m-1", "length")
    assert answer.usage == Usage(prompt_tokens=1, completion_tokens=2)


def test_text_with_an_info_dict_is_counted() -> None:
    assert ask(giving(("blue", {"total_tokens": 5, "cost": 0.1}))).usage == Usage(total_tokens=5, cost=0.1)


def test_a_list_has_one_text_for_each_choice_where_n_is_named() -> None:
    def several(messages: Any, n: int = 1) -> list[str]:
        return [f"answer {number}" for number in range(n)]

    answer = ask(several, n=3)

    assert [choice.message.text for choice in answer.choices] == ["answer 0", "answer 1", "answer 2"]
    assert answer.emulated == ()


def test_tool_calls_and_reasoning_of_a_message_are_kept() -> None:
    answer = ask(giving({"content": None, "tool_calls": [CALL, CALL], "reasoning_content": "let me look"}))

    assert [call.name for call in answer.message.tool_calls or ()] == ["look", "look"]
    assert answer.message.reasoning == "let me look"
    assert answer.message.content is None
    assert answer.choices[0].finish_reason == "tool_calls"


# --- what it yields ---------------------------------------------------------------------------------------------------


def events_of(*pieces: Any) -> list[Event]:
    def reply(messages: Any) -> Iterator[Any]:
        yield from pieces

    model = as_model(reply)
    return list(iterate(model.stream(request_from_params({"messages": "x"})), suspends=False))


def chunk(delta: dict[str, Any], reason: str | None = None, **others: Any) -> dict[str, Any]:
    choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
    return {"id": "c", "created": 1, "model": "m", "object": "chat.completion.chunk", "choices": choices, **others}


def test_text_that_is_yielded_is_streamed_as_it_comes() -> None:
    assert events_of("a", "", "b") == [TextDelta("a"), TextDelta("b"), Finish()]


def test_a_generator_that_yields_nothing_has_answered_with_nothing() -> None:
    assert events_of() == [Finish()]


def test_events_that_are_yielded_pass() -> None:
    events = [ReasoningDelta("hm"), TextDelta("a"), Finish("length"), Usage(total_tokens=3)]

    assert events_of(*events) == events


def test_deltas_in_openais_shape_are_read() -> None:
    deltas = [{"role": "assistant"}, {"reasoning_content": "hm"}, {"content": "a"}, {"content": None}]

    assert events_of(*deltas) == [ReasoningDelta("hm"), TextDelta("a"), Finish()]


@pytest.mark.parametrize("form", [dict, ChatCompletionChunk.model_validate], ids=["dict", "object"])
def test_whole_chunks_in_openais_shape_are_read(form: Any) -> None:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": "{}"}}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    chunks = [
        chunk({"role": "assistant", "content": "a"}),
        chunk({"tool_calls": [call]}),
        chunk({"tool_calls": [more]}),
        chunk({}, "tool_calls"),
        {**chunk({}, usage=usage), "choices": []},
    ]

    assert events_of(*map(form, chunks)) == [
        TextDelta("a"),
        ToolCallDelta(index=0, id="call_1", name="look"),
        ToolCallDelta(index=0, arguments="{}"),
        Finish("tool_calls"),
        Usage(prompt_tokens=1, completion_tokens=2),
    ]


def test_usage_alone_may_be_yielded() -> None:
    assert events_of("a", {"usage": {"total_tokens": 3}})[1] == Usage(total_tokens=3)


def test_parallel_tool_calls_without_ids_are_told_apart() -> None:
    pieces = [ToolCallDelta(name="look"), ToolCallDelta(arguments="{}"), ToolCallDelta(name="wait", arguments="{}")]

    events = [event for event in events_of(*pieces) if isinstance(event, ToolCallDelta)]

    assert [event.index for event in events] == [0, 0, 1]
    assert events[0].id != events[2].id
    assert events_of(*pieces)[-1] == Finish("tool_calls")


@pytest.mark.parametrize("thing", ["a generator", "a lambda of a generator", "a callable object that yields"])
def test_a_generator_is_closed_when_its_answer_is_left(thing: str) -> None:
    closed = []

    def endless(messages: Any) -> Iterator[str]:
        try:
            while True:
                yield "more"
        finally:
            closed.append(True)

    kinds = {
        "a generator": endless,
        "a lambda of a generator": lambda messages: endless(messages),  # noqa: PLW0108
        "a callable object that yields": functools.partial(endless),
    }
    answer: Any = iterate(as_model(kinds[thing]).stream(request_from_params({"messages": "x"})), suspends=False)
    assert next(answer) == TextDelta("more")

    answer.close()

    assert closed == [True]


async def test_an_async_generator_is_closed_when_its_answer_is_left() -> None:
    closed = []

    async def endless(messages: Any) -> AsyncIterator[str]:
        try:
            while True:
                yield "more"
        finally:
            closed.append(True)

    async with as_model(endless).stream(request_from_params({"messages": "x"})) as events:
        assert await anext(events) == TextDelta("more")

    assert closed == [True]


# --- what an entry of a config list sets ------------------------------------------------------------------------------


def test_what_an_entry_says_to_the_port_does_not_reach_the_model() -> None:
    def telling(messages: Any, **params: Any) -> str:
        return ", ".join(sorted(params))

    entry = {"model": telling, "label": "mine", "max_concurrency": 2, "api_key_env": "KEY", "timeout": 5, "top_p": 0.5}

    answer = run(generate(as_model(telling, config=entry), request_from_params({"messages": "hello"})), suspends=False)

    assert answer.text == "top_p"


@pytest.mark.parametrize("remembers", ["as given", "as values"])
def test_a_function_is_given_images_in_one_shape_however_they_came(remembers: str) -> None:
    picture = np.zeros((2, 3, 3), np.uint8)
    seen: list[Any] = []
    messages = messages_from([{"role": "user", "content": ["look", picture]}, {"role": "user", "content": "and?"}])
    request = ChatRequest(messages=messages if remembers == "as given" else messages.values)

    def look(messages: list[Any]) -> str:
        seen.extend(messages)
        return "ok"

    run(generate(as_model(look), request), suspends=False)

    assert seen[0]["content"] == [{"type": "text", "text": "look"}, {"type": "image", "image": picture}]
    assert seen[0]["content"][1]["image"] is picture
    assert seen[1] == {"role": "user", "content": "and?"}
