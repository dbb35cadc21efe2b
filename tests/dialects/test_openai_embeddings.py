"""OpenAI's embeddings: requests to texts, vectors to both forms, and both back."""

import json
import struct
from array import array
from base64 import b64decode
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from modelport.dialects.openai_embeddings import DIALECT, FATES, MOST_TEXTS
from modelport.errors import InvalidRequest, ModelError, ProtocolError, RequestTooLarge, UnsupportedField
from modelport.types import ChatRequest, Message, Usage, fold, unfold
from modelport.types.embeddings import Embed, embed_in, embedding_events, embedding_request, vectors_from

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9)
NUMBERS = st.floats(-(2.0**100), 2.0**100, width=32)
VECTORS = st.integers(1, 4).flatmap(
    lambda size: st.lists(st.lists(NUMBERS, min_size=size, max_size=size), min_size=1, max_size=5)
)


def decoded(**fields: Any) -> Any:
    return DIALECT.decode_request(msgspec.json.encode({"input": "hi", **fields}))


def embed_of(**fields: Any) -> Embed:
    embed = embed_in(decoded(**fields).request)
    assert embed is not None
    return embed


@given(st.lists(TEXTS, min_size=1), st.none() | st.integers(1, 4096), st.none() | TEXTS)
def test_texts_that_are_asked_are_the_ones_that_are_read(texts: list[str], size: int | None, model: str | None) -> None:
    asked = DIALECT.decode_request(DIALECT.encode_request(embedding_request(Embed(texts, size), model), stream=False))

    embed = embed_in(asked.request)
    assert embed is not None
    assert (embed.texts, embed.dimensions, asked.request.model) == (tuple(texts), size, model)


def test_one_text_is_a_list_of_one() -> None:
    assert embed_of(input="hello").texts == ("hello",)


def test_every_field_reaches_what_it_is_for() -> None:
    asked = decoded(model="m", encoding_format="base64", dimensions=3, user="me", timeout=1.5)

    embed = embed_in(asked.request)
    assert embed is not None
    assert (asked.request.model, asked.base64, embed.dimensions, asked.timeout, asked.stream) == (
        "m",
        True,
        3,
        1.5,
        False,
    )


@pytest.mark.parametrize(
    ("fields", "param", "kind"),
    [
        ({"input": ""}, "input", InvalidRequest),
        ({"input": []}, "input", InvalidRequest),
        ({"input": ["a", ""]}, "input[1]", InvalidRequest),
        ({"input": [1, 2]}, "input", UnsupportedField),
        ({"input": [[1, 2], [3]]}, "input", UnsupportedField),
        ({"input": ["a", 1]}, "input", UnsupportedField),
        ({"input": None}, "input", InvalidRequest),
        ({"input": {"a": 1}}, "input", InvalidRequest),
        ({"input": ["a"] * (MOST_TEXTS + 1)}, "input", RequestTooLarge),
        ({"encoding_format": "int8"}, "encoding_format", InvalidRequest),
        ({"dimensions": 0}, "dimensions", InvalidRequest),
        ({"dimensions": 1.5}, "dimensions", InvalidRequest),
        ({"timeout": 0}, "timeout", InvalidRequest),
        ({"no_such_field": 1}, "no_such_field", InvalidRequest),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(fields: dict[str, Any], param: str, kind: type[InvalidRequest]) -> None:
    with pytest.raises(kind) as caught:
        decoded(**fields)

    assert caught.value.param == param


@given(
    st.dictionaries(
        st.sampled_from([*FATES, "other"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers() | st.text()),
    )
)
def test_whatever_comes_is_texts_or_refused(fields: dict[str, Any]) -> None:
    try:
        asked = DIALECT.decode_request(msgspec.json.encode(fields))
    except InvalidRequest:
        return

    embed = embed_in(asked.request)
    assert embed is not None
    assert all(embed.texts)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{}", b"[" * 100_000])
def test_other_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        DIALECT.decode_request(body)


@given(VECTORS, st.booleans())
def test_vectors_that_are_told_are_read_again(rows: list[list[float]], base64: bool) -> None:
    asked = decoded(input=["x"] * len(rows), encoding_format="base64" if base64 else "float")
    answer = fold([*embedding_events([array("d", row) for row in rows]), Usage(7, 0, estimated=True)], "m")

    body = DIALECT.encode_response(asked, answer)

    data = json.loads(body)["data"]
    assert [item["index"] for item in data] == list(range(len(rows)))
    shown = [unpacked(item["embedding"]) if base64 else item["embedding"] for item in data]
    assert shown == rows
    read = DIALECT.decode_response(body)
    assert [list(one) for one in vectors_from(unfold(read), len(rows))] == rows
    assert (read.model, read.usage) == ("m", Usage(7, 0, estimated=True))


def unpacked(text: str) -> list[float]:
    data = b64decode(text)
    return list(struct.unpack(f"<{len(data) // 4}f", data))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"data": [{"embedding": [1], "index": 1}]}',
        b'{"data": [{"embedding": ["a"], "index": 0}]}',
        b'{"data": [{"embedding": "?", "index": 0}]}',
        b'{"data": [{"embedding": "AAA=", "index": 0}]}',
    ],
)
def test_what_is_no_answer_is_told(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="no list of vectors"):
        DIALECT.decode_response(body)


def test_messages_are_not_asked_and_nothing_is_streamed() -> None:
    chat = ChatRequest(messages=(Message("user", "hi"),))
    texts = embedding_request(Embed(["hi"]))

    for use in (
        lambda: DIALECT.encode_request(chat, stream=False),
        lambda: DIALECT.encode_request(texts, stream=True),
        lambda: DIALECT.stream_encoder(decoded(), "m"),
        DIALECT.stream_decoder,
    ):
        with pytest.raises(UnsupportedField):
            use()


def test_errors_are_told_and_read_again() -> None:
    read = DIALECT.decode_error(400, DIALECT.encode_error(InvalidRequest("so and so", param="input")), {})

    assert (type(read), read.message, read.param) == (InvalidRequest, "so and so", "input")
    assert type(DIALECT.decode_error(500, b"oh", {})) is ModelError
