"""Classes with embed(texts): what they give is vectors, or an error that names them."""

import functools
from typing import Any

import numpy as np
import pytest

from modelport import as_model
from modelport.errors import ContractBroken, InvalidRequest, ModelError, NotAModel, UnsupportedField
from modelport.model import embeds, generate, suspends
from modelport.sync import run
from modelport.types import ChatRequest, Message, TextDelta, Usage, unfold
from modelport.types.embeddings import EMBED, Embed, embedding_request, vectors_from

TEXTS = ["one", "three"]


class Lengths:
    name = "lengths"

    def embed(self, texts: list[str]) -> Any:
        return [[len(text), 0.5] for text in texts]


class Arrays(Lengths):
    def embed(self, texts: list[str]) -> Any:
        return np.array([[len(text), 0.5] for text in texts], np.float32)


class Rows(Lengths):
    def embed(self, texts: list[str]) -> Any:
        return [np.array([len(text), 0.5]) for text in texts]


class Async(Lengths):
    async def embed(self, texts: list[str]) -> Any:
        return [(len(text), 0.5) for text in texts]


class Decorated(Lengths):
    async def _embed(self, texts: list[str]) -> Any:
        return [[len(text), 0.5] for text in texts]

    def embed(self, texts: list[str]) -> Any:
        return self._embed(texts)


class Sized(Lengths):
    def embed(self, texts: list[str], dimensions: int | None = None) -> Any:
        return [[0.5] * (dimensions or 4) for _ in texts]


class Both(Lengths):
    def stream(self, request: ChatRequest) -> Any:
        yield f"{request.messages[-1].text}!"


def vectors(thing: Any, texts: list[str] = TEXTS, dimensions: int | None = None) -> list[list[float]]:
    model = as_model(thing)
    answer = run(generate(model, embedding_request(Embed(texts, dimensions))), suspends=suspends(model))
    assert answer.usage == Usage(sum((len(text) + 3) // 4 for text in texts), 0, estimated=True)
    return [list(vector) for vector in vectors_from(unfold(answer), len(texts))]


@pytest.mark.parametrize("cls", [Lengths, Arrays, Rows, Async, Decorated, Both])
def test_vectors_come_in_the_order_of_the_texts(cls: type) -> None:
    assert vectors(cls) == [[3.0, 0.5], [5.0, 0.5]]


async def test_vectors_come_on_a_loop_too() -> None:
    for cls in (Lengths, Async, Both, Decorated):
        answer = await generate(as_model(cls), embedding_request(Embed(TEXTS)))

        assert [list(one) for one in vectors_from(unfold(answer), 2)] == [[3.0, 0.5], [5.0, 0.5]]


def test_dimensions_reach_a_class_that_names_them() -> None:
    assert vectors(Sized, dimensions=2) == [[0.5, 0.5], [0.5, 0.5]]
    assert vectors(Sized) == [[0.5] * 4] * 2
    with pytest.raises(UnsupportedField, match=r"Lengths.embed\(\) does not take it"):
        vectors(Lengths, dimensions=2)


def test_a_class_of_vectors_says_so_and_answers_no_messages() -> None:
    model = as_model(Lengths)

    assert (embeds(model), suspends(model), suspends(as_model(Async))) == (True, False, True)
    assert not embeds(as_model(lambda messages: "x"))
    with pytest.raises(UnsupportedField, match="'lengths' embeds texts and answers no messages"):
        run(generate(model, ChatRequest(messages=(Message("user", "hi"),))), suspends=False)


def test_a_class_of_both_answers_messages_as_ever() -> None:
    answer = run(generate(as_model(Both), ChatRequest(messages=(Message("user", "hi"),))), suspends=False)

    assert answer.text == "hi!"


NAN = float("nan")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "returned None"),
        ("xx", "returned a str"),
        ({"a": 1}, "returned"),
        ([[1.0]], "1 vectors for 2 texts"),
        ([[1.0], [1.0, 2.0]], "2 numbers .number 1. where 1"),
        ([[], []], "vector number 0"),
        ([[1.0], "x"], "vector number 1"),
        ([[1.0], ["x"]], "other than numbers in vector number 1"),
        ([[1.0], [[1.0]]], "other than numbers in vector number 1"),
        ([[1.0], [NAN]], "not finite in vector number 1"),
        ([[1.0], [1e39]], "not finite in vector number 1"),
        (np.zeros(2), "vector number 0"),
        (np.zeros((2, 1, 1)), "other than numbers in vector number 0"),
    ],
)
def test_what_is_no_list_of_vectors_is_told_with_the_mend(given: Any, said: str) -> None:
    class Broken(Lengths):
        def embed(self, texts: list[str]) -> Any:
            return given

    with pytest.raises(ContractBroken, match=rf"Broken\.embed\(\).*({said}).*return \[\[0\.1"):
        vectors(Broken)


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3)])
def test_what_it_raises_is_told_with_its_name(error: BaseException) -> None:
    class Raising(Lengths):
        def embed(self, texts: list[str]) -> Any:
            raise error

    with pytest.raises(ModelError, match=rf"Raising\.embed\(\) raised {type(error).__name__}"):
        vectors(Raising)


def test_a_signature_that_cannot_be_called_is_told_at_once() -> None:
    class Demanding(Lengths):
        def embed(self, texts: list[str], model: str) -> Any:  # type: ignore[override]
            return texts

    class Yielding(Lengths):
        def embed(self, texts: list[str]) -> Any:
            yield [1.0]

    for cls in (Demanding, Yielding):
        with pytest.raises(NotAModel, match=r"\.embed\(\)"):
            as_model(cls)


def test_an_answer_of_words_is_no_vectors() -> None:
    for events in ([TextDelta("hello")], [TextDelta("AAA=")], []):
        with pytest.raises(ContractBroken, match="asked for 1 vectors"):
            vectors_from(events, 1)


@pytest.mark.parametrize("size", ["2", -1, 1.5, True, None])
def test_a_size_that_is_none_is_refused(size: Any) -> None:
    request = ChatRequest(messages=(Message("user", "hi"),), extra={EMBED: size})

    with pytest.raises(InvalidRequest, match="number of dimensions"):
        run(generate(as_model(Sized), request), suspends=False)


def test_a_callable_object_stays_a_function() -> None:
    class Called:
        name = "called"
        embed = functools.partial(print)

        def __call__(self, messages: Any) -> str:
            return "hi"

    assert type(as_model(Called())).__name__ == "FunctionModel"
