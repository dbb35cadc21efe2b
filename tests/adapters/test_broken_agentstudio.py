"""Every way to break AgentStudio's BaseModel gets a sentence that says what came, what is asked for, and the mend."""
# ruff: noqa: E501  (a sentence is asserted whole, on one line, as it is read)

from typing import Any

import pytest

from modelport import as_model
from modelport.errors import ContractBroken, LoadError, ModelError, NotAModel
from tests.adapters.explained import ask, assert_explained

PAIR = "the contract asks for (str, dict): the text, and an info dict with `total_tokens` where tokens are counted"
TOKENS = "the contract asks for a number of tokens from 0 up: give a whole number, or None where total_tokens was not counted"
PLAIN = "add `def compose_messages(self, intermedia_msg): return intermedia_msg` to take the messages as they are"
CALL = "the contract asks for generate_response(self, messages, **kwargs)"


class Good:
    """Keeps the contract; the others each break it in one place."""

    name: Any = "good"

    def compose_messages(self, intermedia_msg: Any) -> Any:
        return intermedia_msg

    def generate_response(self, messages: Any, **kwargs: Any) -> Any:
        return "fine", {"total_tokens": 3}


def giving(value: Any) -> type:
    return type("Studio", (Good,), {"generate_response": lambda self, messages, **kwargs: value})


def raising(method: str, error: Exception) -> type:
    def fail(self: Any, *args: Any, **kwargs: Any) -> None:
        raise error

    return type("Studio", (Good,), {method: fail})


def having(name: str, value: Any) -> type:
    return type("Studio", (Good,), {name: value})


def without(*names: str) -> type:
    return type("Studio", (), {name: value for name, value in vars(Good).items() if name not in names})


async def late() -> Any:
    return "late", {}


def pieces(self: Any, messages: Any, **kwargs: Any) -> Any:
    yield "a"


def absent_name(self: Any) -> str:
    raise RuntimeError("not loaded yet")


def not_implemented(self: Any, raw_messages: Any) -> Any:
    raise NotImplementedError


def failing_constructor(self: Any, **kwargs: Any) -> None:
    raise FileNotFoundError("no weights at /models/none")


BROKEN: dict[str, tuple[Any, type[Exception], str]] = {
    "generate_response is missing": (
        without("generate_response"),
        NotAModel,
        "Studio is not a model yet: it has compose_messages() but no generate_response(): add `def generate_response(self, messages, **kwargs)` that returns text, {}",
    ),
    "compose_messages is missing": (
        without("compose_messages"),
        NotAModel,
        f"Studio is not a model yet: it has generate_response() but no compose_messages(): {PLAIN}",
    ),
    "compose_messages is not implemented": (
        having("compose_messages", not_implemented),
        NotAModel,
        f"Studio has generate_response() but no compose_messages(): {PLAIN}",
    ),
    "the name is missing": (
        without("name"),
        NotAModel,
        'Studio has no name; the contract asks for `name: str`: set name = "studio" on the class',
    ),
    "the name is None": (
        having("name", None),
        NotAModel,
        'Studio has no name; the contract asks for `name: str`: set name = "studio" on the class',
    ),
    "the name is empty": (
        having("name", ""),
        NotAModel,
        'Studio.name is empty text; the contract asks for `name: str`: set name = "studio" on the class',
    ),
    "the name is a number": (
        having("name", 7),
        NotAModel,
        'Studio.name is the number 7; the contract asks for `name: str`: set name = "studio" on the class',
    ),
    "the name raises": (
        having("name", property(absent_name)),
        ModelError,
        "Studio.name raised RuntimeError: not loaded yet",
    ),
    "generate_response takes no argument": (
        having("generate_response", lambda self: ("x", {})),
        NotAModel,
        f"Studio.generate_response() takes no argument for the messages; {CALL}: add one",
    ),
    "generate_response demands more": (
        having("generate_response", lambda self, messages, processor: ("x", {})),
        NotAModel,
        "Studio.generate_response() demands processor, which no request has; the contract asks for one argument and keywords: give it a default, or a value in the config",
    ),
    "compose_messages takes no argument": (
        having("compose_messages", lambda self: []),
        NotAModel,
        "Studio.compose_messages() cannot be called with one argument (too many positional arguments); the contract asks for compose_messages(self, intermedia_msg): take one, and give any others defaults",
    ),
    "compose_messages demands more": (
        having("compose_messages", lambda self, messages, processor: []),
        NotAModel,
        "Studio.compose_messages() cannot be called with one argument (missing a required argument: 'processor'); the contract asks for compose_messages(self, intermedia_msg): take one, and give any others defaults",
    ),
    "the constructor demands more": (
        having("__init__", lambda self, seed: None),
        LoadError,
        "Studio() demands seed, which the config does not have: give config={'seed': …}, or pass an instance instead of the class",
    ),
    "the constructor raises": (
        having("__init__", failing_constructor),
        LoadError,
        "Studio() raised FileNotFoundError: no weights at /models/none; its constructor must work with what the config gives it",
    ),
    "None is returned": (
        giving(None),
        ContractBroken,
        f"Studio.generate_response() returned None; {PAIR}: return text, {{}} if you count no tokens",
    ),
    "text alone is returned": (
        giving("fine"),
        ContractBroken,
        f"Studio.generate_response() returned a str; {PAIR}: return text, {{}} instead of the text alone",
    ),
    "a dict is returned": (
        giving({"message": "fine"}),
        ContractBroken,
        f"Studio.generate_response() returned a dict; {PAIR}: return text, {{}} if you count no tokens",
    ),
    "one is returned": (
        giving(("fine",)),
        ContractBroken,
        f"Studio.generate_response() returned a tuple (str,); {PAIR}: return text, {{}} if you count no tokens",
    ),
    "three are returned": (
        giving(("fine", {}, 1)),
        ContractBroken,
        f"Studio.generate_response() returned a tuple (str, dict, int); {PAIR}: return text, {{}} if you count no tokens",
    ),
    "no info is returned": (
        giving(("fine", None)),
        ContractBroken,
        f"Studio.generate_response() returned a tuple (str, None); {PAIR}: return text, {{}} if you count no tokens",
    ),
    "the info is a number": (
        giving(("fine", 12)),
        ContractBroken,
        f"Studio.generate_response() returned a tuple (str, int); {PAIR}: return text, {{}} if you count no tokens",
    ),
    "the text is None": (
        giving((None, {})),
        ContractBroken,
        f"Studio.generate_response() returned a tuple (None, dict); {PAIR}: make the first of them text",
    ),
    "the text is bytes": (
        giving((b"fine", {})),
        ContractBroken,
        f"Studio.generate_response() returned a tuple (bytes, dict); {PAIR}: make the first of them text",
    ),
    "the text is a list": (
        giving((["fine"], {})),
        ContractBroken,
        f"Studio.generate_response() returned a tuple (list, dict); {PAIR}: make the first of them text",
    ),
    "the pair is the wrong way round": (
        giving(({}, "fine")),
        ContractBroken,
        f"Studio.generate_response() returned a tuple (dict, str); {PAIR}: make the first of them text",
    ),
    "the tokens are text": (
        giving(("fine", {"total_tokens": "12"})),
        ContractBroken,
        f"Studio.generate_response()'s info gave a str for total_tokens; {TOKENS}",
    ),
    "the tokens are below zero": (
        giving(("fine", {"total_tokens": -1})),
        ContractBroken,
        f"Studio.generate_response()'s info gave the number -1 for total_tokens; {TOKENS}",
    ),
    "the tokens are a fraction": (
        giving(("fine", {"total_tokens": 0.5})),
        ContractBroken,
        f"Studio.generate_response()'s info gave the number 0.5 for total_tokens; {TOKENS}",
    ),
    "the tokens are not a number": (
        giving(("fine", {"total_tokens": float("nan")})),
        ContractBroken,
        f"Studio.generate_response()'s info gave the number nan for total_tokens; {TOKENS}",
    ),
    "a coroutine is returned": (
        having("generate_response", lambda self, messages, **kwargs: late()),
        ContractBroken,
        f"Studio.generate_response() returned a coroutine; {PAIR}: declare generate_response as `async def`",
    ),
    "a generator is returned": (
        having("generate_response", lambda self, messages, **kwargs: (each for each in "ab")),
        ContractBroken,
        f"Studio.generate_response() returned a generator; {PAIR}: return (text, info); to stream, write a function or a stream() method",
    ),
    "generate_response is a generator": (
        having("generate_response", pieces),
        ContractBroken,
        f"Studio.generate_response() is a generator: AgentStudio's models answer as a whole; {PAIR}: return (text, info); to stream, write a function or a stream() method",
    ),
    "compose_messages returns a coroutine": (
        having("compose_messages", lambda self, messages: late()),
        ContractBroken,
        "Studio.compose_messages() returned a coroutine; the contract asks for what generate_response takes: declare compose_messages as `async def`",
    ),
    "generate_response raises": (
        raising("generate_response", ValueError("CUDA out of memory")),
        ModelError,
        "Studio.generate_response() raised ValueError: CUDA out of memory",
    ),
    "generate_response raises without a text": (
        raising("generate_response", AssertionError()),
        ModelError,
        "Studio.generate_response() raised AssertionError",
    ),
    "compose_messages raises": (
        raising("compose_messages", KeyError("content")),
        ModelError,
        "Studio.compose_messages() raised KeyError: 'content'",
    ),
}


@pytest.mark.parametrize(("cls", "kind", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_broken_agentstudio_model_is_explained(cls: Any, kind: type[Exception], sentence: str) -> None:
    assert_explained(cls, kind, sentence)


@pytest.mark.parametrize("method", ["compose_messages", "generate_response"])
def test_the_error_that_a_method_raised_is_the_cause_of_ours(method: str) -> None:
    boom = ValueError("boom")

    with pytest.raises(ModelError) as caught:
        ask(raising(method, boom))

    assert caught.value.__cause__ is boom
    assert str(caught.value) == f"Studio.{method}() raised ValueError: boom"


def test_a_name_given_at_the_door_will_do_where_the_class_has_none() -> None:
    assert as_model(without("name"), name="mine").name == "mine"


def test_the_class_that_breaks_nothing_answers() -> None:
    assert ask(Good) == "fine"
