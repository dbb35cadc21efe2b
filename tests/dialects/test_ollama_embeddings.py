"""Ollama's older wire for the vector of one text, both directions, and over the server."""

import json
from array import array
from typing import Any

import msgspec
import pytest

from modelport import as_model
from modelport.dialects.ollama_embeddings import DIALECT
from modelport.errors import InvalidRequest, ProtocolError, UnsupportedField
from modelport.server import create_app
from modelport.types import fold, unfold
from modelport.types.embeddings import Embed, embed_in, embedding_events, embedding_request, vectors_from
from tests.server.helpers import ask


class Lengths:
    name = "lengths"

    def embed(self, texts: list[str]) -> list[list[float]]:
        return [[float(len(text)), 0.5] for text in texts]


def decoded(**fields: Any) -> Any:
    return DIALECT.decode_request(msgspec.json.encode({"model": "m:latest", "prompt": "hi", **fields}))


def test_a_text_that_is_asked_is_the_one_that_is_read() -> None:
    asked = DIALECT.decode_request(DIALECT.encode_request(embedding_request(Embed(["hi"]), "m"), stream=False))

    embed = embed_in(asked.request)
    assert embed is not None
    assert (embed.texts, asked.request.model) == (("hi",), "m")
    assert decoded(keep_alive="5m", options={"num_ctx": None}).request == asked.request


def test_a_vector_that_is_told_is_read_again() -> None:
    body = DIALECT.encode_response(decoded(), fold(embedding_events([array("d", [0.1, 2.0])]), "m"))

    assert json.loads(body) == {"embedding": [0.1, 2.0]}
    assert [list(one) for one in vectors_from(unfold(DIALECT.decode_response(body)), 1)] == [[0.1, 2.0]]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": 1}, "prompt"),
        ({"options": {"num_ctx": 9}}, "options.num_ctx"),
        ({"keep_alive": 0}, "keep_alive"),
        ({"input": "x"}, "input"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decoded(**fields)

    assert caught.value.param == param


@pytest.mark.parametrize("embed", [Embed(["a", "b"]), Embed(["a"], 3)])
def test_what_the_wire_has_no_place_for_is_not_asked(embed: Embed) -> None:
    with pytest.raises(UnsupportedField):
        DIALECT.encode_request(embedding_request(embed), stream=False)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"embedding": ["x"]}'])
def test_what_is_no_vector_is_told(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        DIALECT.decode_response(body)


async def test_the_server_gives_the_vector_and_says_what_is_loaded() -> None:
    app = create_app([as_model(Lengths)])

    answer = await ask(app, path="/api/embeddings", body=b'{"model": "lengths:latest", "prompt": "abc"}')
    loaded = await ask(app, "GET", "/api/ps")

    assert answer.json == {"embedding": [3.0, 0.5]}
    [card] = loaded.json["models"]
    assert (card["name"], card["size_vram"]) == ("lengths", 0)
    assert card["expires_at"] > "2100"
