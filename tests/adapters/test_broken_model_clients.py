"""Every way to break a ModelClient gets a sentence that says what came, what is asked for, and the mend."""
# ruff: noqa: E501  (a sentence is asserted whole, on one line, as it is read)

from types import SimpleNamespace as Object
from typing import Any

import pytest

from modelport.errors import (
    ConnectionFailed,
    ContractBroken,
    LoadError,
    ModelError,
    ModelTimeout,
    NotAModel,
    RateLimited,
)
from tests.adapters.explained import ask, assert_explained

RESPONSE = "the contract asks for a response with `choices`, a list of objects with a `message`, and `model`"
RETRIEVED = "the contract asks for a list with the text, or the message, of each choice"
DOLLARS = "the contract asks for a finite number from 0 up: return the cost in US dollars, 0 where it is free, or None where it is not known"
COUNTS = "the contract asks for a dict with prompt_tokens, completion_tokens, total_tokens, cost, model: return {} where nothing is counted"
TOKENS = "the contract asks for a number of tokens from 0 up: give a whole number, or None where prompt_tokens was not counted"
OBJECT = "return an object (a SimpleNamespace will do), a dict of that shape, or text"
ONE = "take one, and give any others defaults"


def answer(*texts: str | None) -> Object:
    """A response as the seed makes it."""
    choices = [Object(message=Object(content=text, function_call=None)) for text in texts]
    return Object(choices=choices, model="seed")


class Good:
    """Keeps the contract; the others each break it in one place."""

    def create(self, params: Any) -> Any:
        return answer("fine")

    def message_retrieval(self, response: Any) -> Any:
        return [choice.message.content for choice in response.choices]

    def cost(self, response: Any) -> Any:
        return 0

    def get_usage(self, response: Any) -> Any:
        return {}


def giving(method: str, value: Any) -> type:
    return type("Mine", (Good,), {method: lambda self, given: value})


def raising(method: str, error: Exception) -> type:
    def fail(self: Any, *args: Any) -> None:
        raise error

    return type("Mine", (Good,), {method: fail})


def with_function(method: str, function: Any) -> type:
    return type("Mine", (Good,), {method: function})


def without(*methods: str) -> type:
    return type("Mine", (), {name: value for name, value in vars(Good).items() if name not in methods})


def calling(call: Any) -> type:
    return giving("message_retrieval", [{"content": None, "tool_calls": call}])


async def late() -> Any:
    return answer("late")


def pieces(self: Any, params: Any) -> Any:
    yield "a"


class StatusError(Exception):
    """As the HTTP clients of providers raise them."""

    def __init__(self, status_code: int, headers: dict[str, str]) -> None:
        super().__init__(f"status {status_code}")
        self.status_code = status_code
        self.response = Object(headers=headers)


def failing_constructor(self: Any, config: Any, **kwargs: Any) -> None:
    raise FileNotFoundError("no weights at /models/none")


BROKEN: dict[str, tuple[Any, type[Exception], str]] = {
    "create is missing": (
        without("create"),
        NotAModel,
        "Mine is not a model yet: it has message_retrieval() but no create(): add `def create(self, params)` that returns a response with choices and model",
    ),
    "message_retrieval is missing": (
        without("message_retrieval"),
        NotAModel,
        "Mine is not a model yet: it has create() but no message_retrieval(): add `def message_retrieval(self, response)` that returns [choice.message.content for choice in response.choices]",
    ),
    "create takes no argument": (
        with_function("create", lambda self: answer("x")),
        NotAModel,
        f"Mine.create() cannot be called with one argument (too many positional arguments); the contract asks for create(self, params): {ONE}",
    ),
    "create demands two arguments": (
        with_function("create", lambda self, params, key: answer("x")),
        NotAModel,
        f"Mine.create() cannot be called with one argument (missing a required argument: 'key'); the contract asks for create(self, params): {ONE}",
    ),
    "message_retrieval demands two arguments": (
        with_function("message_retrieval", lambda self, response, number: ["x"]),
        NotAModel,
        f"Mine.message_retrieval() cannot be called with one argument (missing a required argument: 'number'); the contract asks for message_retrieval(self, response): {ONE}",
    ),
    "cost takes no argument": (
        with_function("cost", lambda self: 0),
        NotAModel,
        f"Mine.cost() cannot be called with one argument (too many positional arguments); the contract asks for cost(self, response): {ONE}",
    ),
    "get_usage takes no argument": (
        with_function("get_usage", lambda self: {}),
        NotAModel,
        f"Mine.get_usage() cannot be called with one argument (too many positional arguments); the contract asks for get_usage(response): {ONE}",
    ),
    "the constructor takes no config": (
        with_function("__init__", lambda self: None),
        LoadError,
        "Mine() takes no config; the contract asks for __init__(self, config, **kwargs): add both, or pass an instance instead of the class",
    ),
    "the constructor demands more": (
        with_function("__init__", lambda self, config, device: None),
        LoadError,
        "Mine() demands device, which the config does not have: give config={'device': …}, or pass an instance instead of the class",
    ),
    "the constructor raises": (
        with_function("__init__", failing_constructor),
        LoadError,
        "Mine() raised FileNotFoundError: no weights at /models/none; its constructor must work with what the config gives it",
    ),
    "create returns None": (
        giving("create", None),
        ContractBroken,
        f"Mine.create() returned None without choices; {RESPONSE}: add `return response`",
    ),
    "create returns a number": (
        giving("create", 3),
        ContractBroken,
        f"Mine.create() returned the number 3 without choices; {RESPONSE}: {OBJECT}",
    ),
    "create returns a list": (
        giving("create", ["x"]),
        ContractBroken,
        f"Mine.create() returned a list without choices; {RESPONSE}: {OBJECT}",
    ),
    "create returns a tuple": (
        giving("create", ("x", {})),
        ContractBroken,
        f"Mine.create() returned a tuple (str, dict) without choices; {RESPONSE}: {OBJECT}",
    ),
    "create returns an object without choices": (
        giving("create", Object(text="x")),
        ContractBroken,
        f"Mine.create() returned a SimpleNamespace without choices; {RESPONSE}: {OBJECT}",
    ),
    "create returns a dict without choices": (
        giving("create", {"text": "x"}),
        ContractBroken,
        f"Mine.create() returned a dict without choices; {RESPONSE}: {OBJECT}",
    ),
    "create returns a coroutine": (
        with_function("create", lambda self, params: late()),
        ContractBroken,
        f"Mine.create() returned a coroutine; {RESPONSE}: declare create as `async def`",
    ),
    "create returns a generator": (
        with_function("create", lambda self, params: (each for each in "ab")),
        ContractBroken,
        f"Mine.create() returned a generator without choices; {RESPONSE}: return the whole response; to stream, write a function or a stream() method",
    ),
    "create is a generator": (
        with_function("create", pieces),
        ContractBroken,
        f"Mine.create() is a generator: a ModelClient answers as a whole; {RESPONSE}: return the response instead of yielding; to stream, write a function or a stream() method",
    ),
    "create raises": (
        raising("create", ValueError("no weights at 'x'")),
        ModelError,
        "Mine.create() raised ValueError: no weights at 'x'",
    ),
    "create raises without a text": (raising("create", KeyError()), ModelError, "Mine.create() raised KeyError"),
    "create runs out of time": (
        raising("create", TimeoutError("10 s")),
        ModelTimeout,
        "Mine.create() raised TimeoutError: 10 s",
    ),
    "create loses its connection": (
        raising("create", ConnectionResetError("peer")),
        ConnectionFailed,
        "Mine.create() raised ConnectionResetError: peer",
    ),
    "create is asked to slow down": (
        raising("create", StatusError(429, {"retry-after": "7"})),
        RateLimited,
        "Mine.create() raised StatusError: status 429",
    ),
    "choices are None": (
        giving("create", Object(choices=None, model="x")),
        ContractBroken,
        f"Mine.create() returned a response with None for choices; {RESPONSE}: put one choice into response.choices for each answer",
    ),
    "choices are empty": (
        giving("create", Object(choices=[], model="x")),
        ContractBroken,
        f"Mine.create() returned a response with no choice in it; {RESPONSE}: put one choice into response.choices for each answer",
    ),
    "choices are text": (
        giving("create", {"choices": "x", "model": "x"}),
        ContractBroken,
        f"Mine.create() returned a response with a str for choices; {RESPONSE}: put one choice into response.choices for each answer",
    ),
    "message_retrieval raises": (
        raising("message_retrieval", IndexError("list index out of range")),
        ModelError,
        "Mine.message_retrieval() raised IndexError: list index out of range",
    ),
    "message_retrieval returns None": (
        giving("message_retrieval", None),
        ContractBroken,
        f"Mine.message_retrieval() returned None; {RETRIEVED}: return a list",
    ),
    "message_retrieval returns text": (
        giving("message_retrieval", "fine"),
        ContractBroken,
        f"Mine.message_retrieval() returned a str; {RETRIEVED}: put it into a list",
    ),
    "message_retrieval returns a dict": (
        giving("message_retrieval", {"content": "fine"}),
        ContractBroken,
        f"Mine.message_retrieval() returned a dict; {RETRIEVED}: return a list",
    ),
    "message_retrieval returns a coroutine": (
        with_function("message_retrieval", lambda self, response: late()),
        ContractBroken,
        f"Mine.message_retrieval() returned a coroutine; {RETRIEVED}: return a list",
    ),
    "message_retrieval returns too many": (
        giving("message_retrieval", ["a", "b"]),
        ContractBroken,
        f"Mine.message_retrieval() returned a list of 2 for a response with 1 choice; {RETRIEVED}: return one for each of response.choices, in order",
    ),
    "message_retrieval returns none": (
        giving("message_retrieval", []),
        ContractBroken,
        f"Mine.message_retrieval() returned a list of 0 for a response with 1 choice; {RETRIEVED}: return one for each of response.choices, in order",
    ),
    "message_retrieval gives None for text": (
        giving("message_retrieval", [None]),
        ContractBroken,
        f"Mine.message_retrieval() returned a list with None at 0, and that choice calls no function; {RETRIEVED}: give '' for an answer that is empty",
    ),
    "message_retrieval gives a number for text": (
        giving("message_retrieval", [5]),
        ContractBroken,
        "Mine.message_retrieval() gave the number 5 for a message; the contract asks for text, or a message with content, tool_calls or function_call: give the text itself",
    ),
    "message_retrieval gives bytes for text": (
        giving("message_retrieval", [b"fine"]),
        ContractBroken,
        "Mine.message_retrieval() gave a bytes for a message; the contract asks for text, or a message with content, tool_calls or function_call: give the text itself",
    ),
    "message_retrieval gives a message without text": (
        giving("message_retrieval", [{"role": "assistant"}]),
        ContractBroken,
        "Mine.message_retrieval() gave a dict for a message; the contract asks for text, or a message with content, tool_calls or function_call: give the text itself",
    ),
    "message_retrieval gives a message with a number": (
        giving("message_retrieval", [{"content": 5}]),
        ContractBroken,
        "Mine.message_retrieval() gave the number 5 for content; the contract asks for text or None: make it text with str()",
    ),
    "tool_calls are a dict": (
        calling({"id": "x"}),
        ContractBroken,
        "Mine.message_retrieval() gave a dict for tool_calls; the contract asks for a list of tool calls: give a list",
    ),
    "a tool call has no name": (
        calling([{"id": "x", "function": {"arguments": "{}"}}]),
        ContractBroken,
        "Mine.message_retrieval() gave a tool call without a function's name (got None); the contract asks for {'id': …, 'function': {'name': …, 'arguments': JSON text}}: name the function",
    ),
    "a tool call has arguments that are a number": (
        calling([{"function": {"name": "look", "arguments": 5}}]),
        ContractBroken,
        "Mine.message_retrieval() gave the number 5 for a tool call's arguments; the contract asks for JSON text: use json.dumps()",
    ),
    "cost is text": (giving("cost", "free"), ContractBroken, f"Mine.cost() gave a str for the cost; {DOLLARS}"),
    "cost is not a number": (
        giving("cost", float("nan")),
        ContractBroken,
        f"Mine.cost() gave the number nan for the cost; {DOLLARS}",
    ),
    "cost is infinite": (
        giving("cost", float("inf")),
        ContractBroken,
        f"Mine.cost() gave the number inf for the cost; {DOLLARS}",
    ),
    "cost is negative": (
        giving("cost", -0.5),
        ContractBroken,
        f"Mine.cost() gave the number -0.5 for the cost; {DOLLARS}",
    ),
    "cost is a flag": (giving("cost", True), ContractBroken, f"Mine.cost() gave True for the cost; {DOLLARS}"),
    "cost is a coroutine": (
        with_function("cost", lambda self, response: late()),
        ContractBroken,
        f"Mine.cost() gave a coroutine for the cost; {DOLLARS}",
    ),
    "cost raises": (
        raising("cost", ZeroDivisionError("division by zero")),
        ModelError,
        "Mine.cost() raised ZeroDivisionError: division by zero",
    ),
    "usage is None": (giving("get_usage", None), ContractBroken, f"Mine.get_usage() returned None; {COUNTS}"),
    "usage is a list": (giving("get_usage", [1, 2]), ContractBroken, f"Mine.get_usage() returned a list; {COUNTS}"),
    "usage is a number": (giving("get_usage", 5), ContractBroken, f"Mine.get_usage() returned the number 5; {COUNTS}"),
    "usage has other keys": (
        giving("get_usage", {"tokens": 5}),
        ContractBroken,
        f"Mine.get_usage() returned a dict with tokens; {COUNTS}",
    ),
    "usage counts in text": (
        giving("get_usage", {"prompt_tokens": "5"}),
        ContractBroken,
        f"Mine.get_usage() gave a str for prompt_tokens; {TOKENS}",
    ),
    "usage counts below zero": (
        giving("get_usage", {"prompt_tokens": -5}),
        ContractBroken,
        f"Mine.get_usage() gave the number -5 for prompt_tokens; {TOKENS}",
    ),
    "usage counts in fractions": (
        giving("get_usage", {"prompt_tokens": 2.5}),
        ContractBroken,
        f"Mine.get_usage() gave the number 2.5 for prompt_tokens; {TOKENS}",
    ),
    "usage counts in flags": (
        giving("get_usage", {"prompt_tokens": True}),
        ContractBroken,
        f"Mine.get_usage() gave True for prompt_tokens; {TOKENS}",
    ),
    "usage is a coroutine": (
        with_function("get_usage", lambda self, response: late()),
        ContractBroken,
        f"Mine.get_usage() returned a coroutine; {COUNTS}",
    ),
    "get_usage raises": (
        raising("get_usage", LookupError("usage")),
        ModelError,
        "Mine.get_usage() raised LookupError: usage",
    ),
}


@pytest.mark.parametrize(("cls", "kind", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_broken_model_client_is_explained(cls: Any, kind: type[Exception], sentence: str) -> None:
    assert_explained(cls, kind, sentence)


@pytest.mark.parametrize("method", ["create", "message_retrieval", "cost", "get_usage"])
def test_the_error_that_a_method_raised_is_the_cause_of_ours(method: str) -> None:
    boom = ValueError("boom")

    with pytest.raises(ModelError) as caught:
        ask(raising(method, boom))

    assert caught.value.__cause__ is boom
    assert str(caught.value) == f"Mine.{method}() raised ValueError: boom"


def test_an_error_of_modelports_own_passes_as_it_is() -> None:
    slow_down = RateLimited("slow down", retry_after=3)

    with pytest.raises(RateLimited) as caught:
        ask(raising("create", slow_down))

    assert caught.value is slow_down


def test_what_a_provider_says_about_trying_again_is_kept() -> None:
    with pytest.raises(RateLimited) as caught:
        ask(raising("create", StatusError(429, {"retry-after": "7"})))

    assert caught.value.retry_after == 7


def test_a_very_long_text_of_an_error_is_cut() -> None:
    with pytest.raises(ModelError) as caught:
        ask(raising("create", ValueError("x" * 10_000)))

    assert len(str(caught.value)) < 600


def test_the_class_that_breaks_nothing_answers() -> None:
    assert ask(Good) == "fine"
