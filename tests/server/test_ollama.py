"""Ollama's wire over a real server: chat, generate, what is served, and errors as its clients read them."""

import json
from pathlib import Path
from typing import Any

import requests

from modelport import __version__, as_model
from modelport.server import App, create_app
from modelport.testing import ScriptedModel, reply
from modelport.types import TextDelta, ToolCallDelta
from tests.server.helpers import Client, ask, raw, running
from tests.server.processes import serving


class Native:
    name = "native"
    accepts = ("tools", "top_k", "extra", "reasoning_effort")

    def stream(self, request: Any) -> Any:
        yield TextDelta(f"{request.extra}")

    def embed(self, texts: list[str]) -> Any:
        return [[1.0] for _ in texts]


def app() -> App:
    return create_app([ScriptedModel(*[reply("Hel", "lo")] * 9, name="said"), as_model(Native)])


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "said", "messages": [{"role": "user", "content": "hi"}], **fields}).encode()


def lines(data: bytes) -> list[Any]:
    return [json.loads(line) for line in data.splitlines()]


async def test_a_chat_is_streamed_unless_it_is_said_otherwise() -> None:
    streamed = await ask(app(), path="/api/chat", body=body())
    whole = await ask(app(), path="/api/chat", body=body(stream=False))

    assert streamed.headers["content-type"] == "application/x-ndjson"
    assert "".join(line["message"]["content"] for line in lines(streamed.body)) == "Hello"
    assert lines(streamed.body)[-1]["done"] is True
    assert (whole.json["message"]["content"], whole.json["done"]) == ("Hello", True)
    assert whole.json["eval_count"] == lines(streamed.body)[-1]["eval_count"] > 0


async def test_a_prompt_is_answered() -> None:
    answer = await ask(app(), path="/api/generate", body=json.dumps({"model": "said", "prompt": "hi"}).encode())

    assert "".join(line["response"] for line in lines(answer.body)) == "Hello"


async def test_an_option_of_ollamas_own_reaches_a_model_that_takes_it_and_another_refuses() -> None:
    kept = await ask(app(), path="/api/chat", body=body(model="native", options={"top_k": 3}, stream=False))
    refused = await ask(
        create_app([as_model(lambda messages: "x", name="plain")]),
        path="/api/chat",
        body=body(model="plain", options={"top_k": 3}),
    )

    assert kept.json["message"]["content"] == "{'top_k': 3}"
    assert (refused.status, refused.json["modelport"]["param"]) == (400, "top_k")
    assert "top_k" in refused.json["error"]


async def test_errors_are_text_and_statuses_as_everywhere() -> None:
    for fields, status, param in (
        ({"model": "sayd"}, 404, "model"),
        ({"no_such_field": 1}, 400, "no_such_field"),
        ({"keep_alive": 0}, 400, "keep_alive"),
    ):
        answer = await ask(app(), path="/api/chat", body=body(**fields))

        assert (answer.status, answer.json["modelport"]["param"]) == (status, param)
        assert isinstance(answer.json["error"], str)


async def test_an_answer_that_fails_within_its_stream_ends_with_an_error() -> None:
    class Failing:
        name = "failing"

        async def stream(self, request: Any) -> Any:
            yield "begun"
            raise ValueError("the canary")

    answer = await ask(create_app([as_model(Failing)]), path="/api/chat", body=body(model="failing"))

    *begun, last = lines(answer.body)
    assert all("error" not in line for line in begun)
    assert "ValueError" in last["error"] or answer.status == 502


async def test_what_is_served_is_listed_and_shown() -> None:
    tags = await ask(app(), "GET", "/api/tags")
    shown = await ask(app(), path="/api/show", body=b'{"model": "native:latest"}')
    version = await ask(app(), "GET", "/api/version")

    assert [card["name"] for card in tags.json["models"]] == ["said", "native"]
    assert all(len(card["digest"]) == 64 for card in tags.json["models"])
    assert shown.json["capabilities"] == ["completion", "tools", "thinking", "embedding"]
    assert version.json == {"version": __version__}


async def test_a_model_that_only_embeds_says_so() -> None:
    class Vectors:
        name = "vectors"

        def embed(self, texts: list[str]) -> Any:
            return [[1.0] for _ in texts]

    shown = await ask(create_app([as_model(Vectors)]), path="/api/show", body=b'{"name": "vectors"}')

    assert shown.json["capabilities"] == ["embedding"]


async def test_what_cannot_be_shown_is_refused_by_name() -> None:
    for sent, status, param in (
        (b'{"model": "nobody"}', 404, "model"),
        (b"{}", 400, "model"),
        (b'{"model": "said", "template": "x"}', 400, "template"),
        (b"[", 400, None),
    ):
        answer = await ask(app(), path="/api/show", body=sent)

        assert (answer.status, answer.json["modelport"]["param"]) == (status, param)


async def test_a_client_who_leaves_is_no_error() -> None:
    client = Client(app(), "POST", "/api/chat", pieces=(body(),))
    client.leave()

    await client.ask()


def test_a_served_process_answers_any_client(tmp_path: Path) -> None:
    with serving(tmp_path, ["echo", "tooled"]) as served:
        chat = requests.post(f"{served.url}/api/chat", data=body(model="echo"), timeout=10)
        tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
        called = requests.post(
            f"{served.url}/api/chat", data=body(model="tooled", tools=tools, stream=False), timeout=10
        )
        head = b"POST /api/generate HTTP/1.0\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
        prompt = b'{"model": "echo", "prompt": "hello"}'
        got = raw(served.port, head % len(prompt) + prompt)

    assert "".join(line["message"]["content"] for line in lines(chat.content)) == "hi"
    assert called.json()["message"]["tool_calls"][0]["function"] == {"index": 0, "name": "look", "arguments": {"x": 0}}
    assert b" 200 " in got.splitlines()[0]
    assert b'"response":"hello"' in got


def test_bytes_on_a_socket_come_as_lines() -> None:
    sent = body()
    head = b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(sent)

    with running(app()) as port:
        got = raw(port, head + sent)

    assert b"content-type: application/x-ndjson" in got.lower()
    assert got.count(b'"done":false') == 2
    assert got.count(b'"done":true') == 1


async def test_calls_that_the_wire_cannot_carry_end_the_answer_with_an_error_that_says_so() -> None:
    class Calling:
        name = "calling"

        def stream(self, request: Any) -> Any:
            yield "first "
            yield ToolCallDelta(name="look", arguments="[1]")

    for stream in (True, False):
        answer = await ask(create_app([as_model(Calling)]), path="/api/chat", body=body(model="calling", stream=stream))

        last = lines(answer.body)[-1]
        assert "'look' with arguments that are no JSON object" in last["error"]
        assert last["modelport"]["code"] == "contract_broken"


async def test_texts_become_vectors_of_models_that_embed() -> None:
    sent = json.dumps({"model": "native", "input": ["a", "b"]}).encode()

    given = await ask(app(), path="/api/embed", body=sent)
    refused = await ask(app(), path="/api/embed", body=sent.replace(b"native", b"said"))

    assert (given.json["embeddings"], given.json["prompt_eval_count"]) == ([[1.0], [1.0]], 2)
    assert (refused.status, refused.json["modelport"]["param"]) == (400, "model")
