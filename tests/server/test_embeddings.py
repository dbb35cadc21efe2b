"""Vectors over HTTP: OpenAI's own client, the bounds of the server, models without vectors."""

import json
from pathlib import Path
from typing import Any

import openai
import pytest

from modelport import as_model
from modelport.server import App, create_app
from modelport.server.app import Options
from modelport.testing import ScriptedModel, reply
from tests.server.helpers import ask, chat, raw, running
from tests.server.processes import serving

PATH = "/v1/embeddings"
MODEL = """
class Lengths:
    name = "lengths"

    def embed(self, texts, dimensions=None):
        return [[float(len(text))] * (dimensions or 2) for text in texts]
"""


class Lengths:
    name = "lengths"

    def embed(self, texts: list[str]) -> Any:
        return [[len(text), 0.5] for text in texts]


class Plain(Lengths):
    name = "plain"

    async def embed(self, texts: list[str]) -> Any:
        return [[0.1, float(len(text))] for text in texts]


def app(**options: Any) -> App:
    return create_app([as_model(Lengths), as_model(Plain), ScriptedModel(reply("hi"))], Options(**options))


def body(**fields: Any) -> bytes:
    return json.dumps({"input": "hello", **fields}).encode()


def test_openais_client_is_given_vectors() -> None:
    with running(app()) as port:
        client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)
        both = client.embeddings.create(model="lengths", input=["a", "bcd"])
        exact = client.embeddings.create(model="plain", input="abc", encoding_format="float")
        with pytest.raises(openai.BadRequestError, match="dimensions"):
            client.embeddings.create(model="lengths", input="a", dimensions=7)
        client.close()

    assert [item.embedding for item in both.data] == [[1.0, 0.5], [3.0, 0.5]]
    assert (both.model, both.usage.prompt_tokens, both.usage.total_tokens) == ("lengths", 2, 2)
    assert exact.data[0].embedding == [0.1, 3.0]


async def test_a_model_without_vectors_says_so() -> None:
    answer = await ask(app(), path=PATH, body=body(model="scripted"))

    assert (answer.status, answer.error["param"], answer.error["code"]) == (400, "model", "unsupported_field")
    assert "'scripted' gives no vectors" in answer.error["message"]


async def test_a_model_of_vectors_answers_no_messages() -> None:
    answer = await ask(app(), body=chat(model="lengths"))

    assert (answer.status, answer.error["param"]) == (400, "messages")


async def test_tokens_are_refused_by_name() -> None:
    answer = await ask(app(), path=PATH, body=body(input=[1, 2, 3]))

    assert (answer.status, answer.error["param"]) == (400, "input")
    assert "tokens are refused" in answer.error["message"]


async def test_an_estimated_count_is_marked() -> None:
    answer = await ask(app(), path=PATH, body=body())

    assert answer.json["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    assert answer.json["modelport"] == {"usage_estimated": True}


async def test_no_caller_turns_a_chat_into_vectors() -> None:
    answer = await ask(app(), body=chat(model="lengths", **{"modelport.embed": 0}))

    assert answer.status == 400
    assert "known here" in answer.error["message"]


def test_bytes_on_a_socket_are_answered_as_any_client_would_read_them() -> None:
    sent = body(input=["a", "bc"])
    head = b"POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(
        sent
    )

    with running(app()) as port:
        got = raw(port, head + sent)

    assert got.startswith(b"HTTP/1.1 200 ")
    assert [item["embedding"] for item in json.loads(got.partition(b"\r\n\r\n")[2])["data"]] == [[1.0, 0.5], [2.0, 0.5]]


def test_a_served_process_gives_vectors(tmp_path: Path) -> None:
    (tmp_path / "vectors.py").write_text(MODEL, encoding="utf-8")

    with serving(tmp_path, [f"{tmp_path}/vectors.py:Lengths"]) as served:
        client = openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0)
        answer = client.embeddings.create(model="lengths", input=["abc"], dimensions=3)
        client.close()

    assert answer.data[0].embedding == [3.0, 3.0, 3.0]
