"""Every way in which a function cannot be a model gets a sentence that says what came, what is asked for, and the mend."""
# ruff: noqa: E501  (a sentence is asserted whole, on one line, as it is read)

import types
from typing import Any

import pytest

from modelport import as_model, generate
from modelport.errors import ContractBroken, ModelError, NotAModel
from modelport.model import suspends
from modelport.sync import run
from modelport.types import request_from_params

RETURNS = "the contract asks for text (or a message, a completion, a list of texts, or text with an info dict)"
YIELDS = "the contract asks for text, events, or deltas in OpenAI's shape: yield the text itself, or '' for none"
KNOWN = "expected a function reply(messages, **params), a class with compose_messages() and generate_response() (AgentStudio), with create() and message_retrieval() (AutoGen), or with name and stream() (modelport)"


def giving(value: Any) -> Any:
    def reply(messages: Any) -> Any:
        return value

    return reply


def yielding(*values: Any) -> Any:
    def reply(messages: Any) -> Any:
        yield from values

    return reply


def raising(error: Exception) -> Any:
    def reply(messages: Any) -> Any:
        raise error

    return reply


def raising_later(error: Exception) -> Any:
    def reply(messages: Any) -> Any:
        yield "so far"
        raise error

    return reply


def no_argument() -> str:
    return "x"


def demanding(messages: Any, tokenizer: Any) -> str:
    return "x"


def by_position(messages: Any, tokenizer: Any, /) -> str:
    return "x"


class Nothing:
    """No method that a model has."""


BROKEN: dict[str, tuple[Any, type[Exception], str]] = {
    "it takes no argument": (
        no_argument,
        NotAModel,
        "no_argument() takes no argument for the messages; the contract asks for reply(messages, **params): add one",
    ),
    "it demands what no request has": (
        demanding,
        NotAModel,
        "demanding() demands tokenizer, which no request has; the contract asks for one argument and keywords: give it a default, or a value in the config",
    ),
    "it demands more by position": (
        by_position,
        NotAModel,
        "by_position() takes tokenizer by position only; the contract asks for reply(messages, **params): remove the / or give defaults",
    ),
    "None is returned": (giving(None), ContractBroken, f"reply() returned None; {RETURNS}: return the text"),
    "a number is returned": (
        giving(5),
        ContractBroken,
        f"reply() returned the number 5; {RETURNS}: return the text itself, as str",
    ),
    "bytes are returned": (
        giving(b"fine"),
        ContractBroken,
        f"reply() returned a bytes; {RETURNS}: return the text itself, as str",
    ),
    "True is returned": (
        giving(True),
        ContractBroken,
        f"reply() returned True; {RETURNS}: return the text itself, as str",
    ),
    "an empty list is returned": (
        giving([]),
        ContractBroken,
        f"reply() returned an empty list; {RETURNS}: return the text",
    ),
    "an empty dict is returned": (
        giving({}),
        ContractBroken,
        f"reply() returned a dict; {RETURNS}: return the text itself, as str",
    ),
    "a list of texts is returned and n is not taken": (
        giving(["a", "b"]),
        ContractBroken,
        f"reply() returned a list of 2; {RETURNS}, and a list has one text for each of n choices: name n in the signature, yield the pieces to stream them, or join them",
    ),
    "a list of numbers is returned": (
        giving([5]),
        ContractBroken,
        f"reply() returned the number 5; {RETURNS}: return the text itself, as str",
    ),
    "a tuple of three is returned": (
        giving(("a", {}, 1)),
        ContractBroken,
        f"reply() returned a tuple (str, dict, int); {RETURNS}: return the text alone, or (text, {{'total_tokens': …}})",
    ),
    "a tuple without an info dict is returned": (
        giving(("a", 5)),
        ContractBroken,
        f"reply() returned a tuple (str, int); {RETURNS}: return the text alone, or (text, {{'total_tokens': …}})",
    ),
    "a completion without choices is returned": (
        giving({"choices": []}),
        ContractBroken,
        "reply() gave a response whose choices are an empty list; the contract asks for choices, a list of at least one choice with a message: put one choice in response.choices for each answer",
    ),
    "a completion with choices that are text is returned": (
        giving({"choices": "x"}),
        ContractBroken,
        "reply() gave a response whose choices are a str; the contract asks for choices, a list of at least one choice with a message: put one choice in response.choices for each answer",
    ),
    "a message with a number is returned": (
        giving({"content": 5}),
        ContractBroken,
        "reply() gave the number 5 for content; the contract asks for text or None: make it text with str()",
    ),
    "tokens that are text are returned": (
        giving(("a", {"total_tokens": "x"})),
        ContractBroken,
        "reply() gave a str for total_tokens; the contract asks for a number of tokens from 0 up: give a whole number, or None where total_tokens was not counted",
    ),
    "None is yielded": (yielding("a", None), ContractBroken, f"reply() yielded None; {YIELDS}"),
    "a number is yielded": (yielding(5), ContractBroken, f"reply() yielded the number 5; {YIELDS}"),
    "bytes are yielded": (yielding(b"a"), ContractBroken, f"reply() yielded a bytes; {YIELDS}"),
    "a list is yielded": (yielding(["a"]), ContractBroken, f"reply() yielded a list; {YIELDS}"),
    "a delta of nothing known is yielded": (
        yielding({"text": "a"}),
        ContractBroken,
        "reply() yielded a dict; the contract asks for text, events or deltas: yield the text itself",
    ),
    "it raises": (raising(ValueError("no weights")), ModelError, "reply() raised ValueError: no weights"),
    "it raises in the middle": (
        raising_later(ValueError("no weights")),
        ModelError,
        "reply() raised ValueError: no weights",
    ),
    "it is None": (None, NotAModel, f"None is not a model: {KNOWN}"),
    "it is a number": (5, NotAModel, f"int object is not a model: {KNOWN}"),
    "it is text": (
        "openai:gpt-4o",
        NotAModel,
        f"str object is not a model: {KNOWN}; text that names a model is loaded with modelport.load()",
    ),
    "it is a dict": (
        {"model": "x"},
        NotAModel,
        f"dict object is not a model: {KNOWN}; an entry of a config list goes to modelport.Client(config_list=[…])",
    ),
    "it is a module": (
        types,
        NotAModel,
        f"module object is not a model: {KNOWN}; give a class or a function of the module",
    ),
    "it is a class without a method of a model": (Nothing, NotAModel, f"Nothing is not a model: {KNOWN}"),
    "it is an object without a method of a model": (Nothing(), NotAModel, f"Nothing object is not a model: {KNOWN}"),
}


@pytest.mark.parametrize(("thing", "kind", "sentence"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_a_model_is_explained(thing: Any, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind) as caught:
        ask(thing)

    assert type(caught.value) is kind
    assert str(caught.value) == sentence


def ask(thing: Any) -> str:
    model = as_model(thing)
    return run(generate(model, request_from_params({"messages": "hi"})), suspends=suspends(model)).text


def test_the_error_that_a_function_raised_is_the_cause_of_ours() -> None:
    boom = ValueError("boom")

    with pytest.raises(ModelError) as caught:
        ask(raising(boom))

    assert caught.value.__cause__ is boom


def test_the_error_that_a_generator_raised_half_way_is_the_cause_of_ours() -> None:
    boom = ValueError("boom")

    with pytest.raises(ModelError) as caught:
        ask(raising_later(boom))

    assert caught.value.__cause__ is boom
