"""Ollama's vectors: requests to texts, answers to vectors, and both back."""

import json
from array import array
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from modelport.dialects.ollama_embed import DIALECT, FATES, MOST_TEXTS
from modelport.errors import InvalidRequest, ProtocolError, RequestTooLarge, UnsupportedField
from modelport.types import ChatRequest, Message, Usage, fold, unfold
from modelport.types.embeddings import Embed, embed_in, embedding_events, embedding_request, vectors_from

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9)
ROWS = st.integers(1, 4).flatmap(
    lambda size: st.lists(st.lists(st.floats(-1e30, 1e30), min_size=size, max_size=size), min_size=1, max_size=5)
)


def decoded(**fields: Any) -> Any:
    return DIALECT.decode_request(msgspec.json.encode({"model": "m", "input": "hi", **fields}))


@given(st.lists(TEXTS, min_size=1), st.none() | st.integers(1, 4096))
def test_texts_that_are_asked_are_the_ones_that_are_read(texts: list[str], size: int | None) -> None:
    asked = DIALECT.decode_request(DIALECT.encode_request(embedding_request(Embed(texts, size), "m"), stream=False))

    embed = embed_in(asked.request)
    assert embed is not None
    assert (embed.texts, embed.dimensions, asked.request.model, asked.stream) == (tuple(texts), size, "m", False)


@given(ROWS)
def test_vectors_that_are_told_are_read_again(rows: list[list[float]]) -> None:
    asked = decoded(input=["x"] * len(rows))
    answer = fold([*embedding_events([array("d", row) for row in rows]), Usage(7, 0, estimated=True)], "m")

    body = DIALECT.encode_response(asked, answer)

    assert json.loads(body)["embeddings"] == rows
    read = DIALECT.decode_response(body)
    assert [list(one) for one in vectors_from(unfold(read), len(rows))] == rows
    assert (read.model, read.usage) == ("m", Usage(7, 0, estimated=True))


def test_what_asks_for_nothing_passes() -> None:
    asked = decoded(model="m:latest", options={"num_ctx": None}, truncate=None, dimensions=0, keep_alive="5m")

    assert asked.request == decoded().request


@pytest.mark.parametrize(
    ("fields", "param", "kind"),
    [
        ({"input": ""}, "input", InvalidRequest),
        ({"input": []}, "input", InvalidRequest),
        ({"input": ["a", ""]}, "input[1]", InvalidRequest),
        ({"input": [1]}, "input[0]", InvalidRequest),
        ({"input": ["a"] * (MOST_TEXTS + 1)}, "input", RequestTooLarge),
        ({"options": {"num_ctx": 5}}, "options.num_ctx", UnsupportedField),
        ({"truncate": False}, "truncate", UnsupportedField),
        ({"truncate": True}, "truncate", UnsupportedField),
        ({"keep_alive": 0}, "keep_alive", UnsupportedField),
        ({"dimensions": -1}, "dimensions", InvalidRequest),
        ({"no_such_field": 1}, "no_such_field", InvalidRequest),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(fields: dict[str, Any], param: str, kind: type[InvalidRequest]) -> None:
    with pytest.raises(kind) as caught:
        decoded(**fields)

    assert caught.value.param == param


VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers() | st.text())


@given(st.dictionaries(st.sampled_from([*FATES, "other"]), VALUES))
def test_whatever_comes_is_texts_or_refused(fields: dict[str, Any]) -> None:
    try:
        asked = DIALECT.decode_request(msgspec.json.encode(fields))
    except InvalidRequest:
        return

    embed = embed_in(asked.request)
    assert embed is not None
    assert all(embed.texts)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"embeddings": [["a"]]}', b'{"embeddings": 1}'])
def test_what_is_no_answer_is_told(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="no list of vectors"):
        DIALECT.decode_response(body)


def test_messages_are_not_asked_and_nothing_is_streamed() -> None:
    chat = ChatRequest(messages=(Message("user", "hi"),))

    for use in (
        lambda: DIALECT.encode_request(chat, stream=False),
        lambda: DIALECT.encode_request(embedding_request(Embed(["hi"])), stream=True),
        lambda: DIALECT.stream_encoder(decoded(), "m"),
        DIALECT.stream_decoder,
    ):
        with pytest.raises(UnsupportedField):
            use()


def test_errors_are_told_and_read_again() -> None:
    read = DIALECT.decode_error(400, DIALECT.encode_error(InvalidRequest("so and so", param="input")), {})

    assert (type(read), read.message, read.param) == (InvalidRequest, "so and so", "input")
