"""Anthropic's paths, asked in plain HTTP: what its own client does not show."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from modelport import as_model
from modelport.errors import ModelError
from modelport.model import Model
from modelport.server import App, Options, create_app
from modelport.server.limits import Limits
from modelport.testing import ScriptedModel, reply
from modelport.types import Finish, TextDelta, ToolCallDelta
from tests.server.helpers import Answer, Client, Gated, ask

PATH = "/v1/messages"
VERSION = (b"anthropic-version", b"2023-06-01")


def body(**fields: Any) -> bytes:
    return json.dumps({"max_tokens": 50, "messages": [{"role": "user", "content": "hi"}], **fields}).encode()


async def post(app: App, path: str = PATH, *headers: tuple[bytes, bytes], **fields: Any) -> Answer:
    return await ask(app, "POST", path, body(**fields), headers=headers)


async def test_both_headers_have_the_id_that_an_error_names() -> None:
    app = create_app([ScriptedModel(reply("hello"))])

    good = await post(app, PATH, VERSION)
    bad = await post(app, PATH, VERSION, model="none")

    for answer in (good, bad):
        assert answer.headers["request-id"] == answer.headers["x-request-id"]
    assert bad.json["request_id"] == bad.headers["request-id"]


async def test_an_error_is_anthropics_by_its_path_or_by_who_asks() -> None:
    app = create_app([ScriptedModel(reply("hello"))], Options(keys={"ann": "k"}))

    no_key = await post(app)
    elsewhere = await ask(app, "GET", "/v1/models/none", headers=[VERSION, (b"x-api-key", b"k")])
    nowhere = await ask(app, "GET", "/v1/files", headers=[VERSION, (b"authorization", b"Bearer k")])
    others = await ask(app, "GET", "/v1/models/none", headers=[(b"x-api-key", b"k")])

    assert [(each.status, each.json["type"], each.error["type"]) for each in (no_key, elsewhere, nowhere)] == [
        (401, "error", "authentication_error"),
        (404, "error", "not_found_error"),
        (404, "error", "not_found_error"),
    ]
    assert "type" not in others.json


async def test_a_field_that_the_model_does_not_keep_is_named_as_the_caller_knows_it() -> None:
    app = create_app([ScriptedModel(reply("hello"), accepts=())])

    answer = await post(app, output_config={"effort": "low"})

    assert answer.status == 400
    assert answer.error["message"].startswith("output_config.effort: ")
    assert answer.json["modelport"] == {"code": "unsupported_field", "param": "output_config.effort"}


async def test_a_model_that_takes_no_bound_can_be_asked_all_the_same() -> None:
    def says(messages: Any) -> str:
        return "abcdefghijkl"

    app = create_app([as_model(says)])

    answer = await post(app, max_tokens=2)

    assert answer.json["content"] == [{"type": "text", "text": "abcdefgh"}]
    assert answer.json["stop_reason"] == "max_tokens"
    assert answer.json["modelport"] == {"emulated": ["max_tokens"], "usage_estimated": True}


async def fails(messages: Any, **params: Any) -> AsyncIterator[str]:
    yield "half"
    await asyncio.sleep(0)
    raise ModelError("the model is gone")


CALLS = ScriptedModel([TextDelta("half"), ToolCallDelta(0, "c", "add", "nonsense"), Finish("tool_calls")])


@pytest.mark.parametrize("model", [as_model(fails), CALLS], ids=["it fails", "its call cannot be carried"])
async def test_what_fails_within_a_stream_is_told_there_with_its_id(model: Model) -> None:
    app = create_app([model])

    answer = await post(app, stream=True)

    *_, last = answer.body.decode().strip().split("\n\n")
    name, _, data = last.partition("\ndata: ")
    assert answer.status == 200
    assert name == "event: error"
    assert json.loads(data)["request_id"] == answer.headers["x-request-id"]
    assert json.loads(data)["error"]["type"] == "api_error"
    assert b"message_stop" not in answer.body


async def test_a_quiet_stream_gets_comments_before_its_message_and_pings_within() -> None:
    model = Gated()
    app = create_app([model], Options(limits=Limits(first_event=0.01, keep_alive=0.01)))
    client = Client(app, path=PATH, pieces=[body(stream=True)])
    await _ask_until(client, model)

    said = b"".join(client.writes)
    before, start, after = said.partition(b"event: message_start")
    assert b"still here" in before
    assert b"ping" not in before
    assert start
    assert b'event: ping\ndata: {"type":"ping"}\n\n' in after


async def _ask_until(client: Client, model: Gated) -> None:
    """Ask, let one delta go once something was said, and leave after a ping."""
    asking = asyncio.ensure_future(client.ask())
    while not client.writes:
        client.wrote.clear()
        await client.wrote.wait()
    model.go.release()
    while b"ping" not in b"".join(client.writes):
        client.wrote.clear()
        await client.wrote.wait()
    client.leave()
    await asking


@pytest.mark.parametrize(("path", "more"), [(PATH, {"max_tokens": 5}), (f"{PATH}/count_tokens", {})])
async def test_bounds_hold_here_too(path: str, more: dict[str, Any]) -> None:
    app = create_app([ScriptedModel(reply("hello"))], Options(limits=Limits(messages=1, nodes=40, depth=3)))
    deep = {"name": "f", "input_schema": {"a": {"b": {"c": {"d": {}}}}}}
    said = [{"role": "user", "content": "hi"}]

    async def status(headers: Any = (), **fields: Any) -> int:
        return (
            await ask(app, "POST", path, json.dumps({"messages": said, **more, **fields}).encode(), headers=headers)
        ).status

    assert await status() == 200
    assert await status(messages=said * 2) == 413
    assert await status(tools=[deep]) == 413
    assert await status(metadata=list(range(99))) == 413
    assert await status([(b"content-encoding", b"gzip")]) == 415


async def test_a_count_says_that_it_is_an_estimate() -> None:
    app = create_app([ScriptedModel(reply("hello"))])

    answer = await ask(app, "POST", f"{PATH}/count_tokens", b'{"messages": [{"role": "user", "content": "12345678"}]}')

    assert answer.status == 200
    assert answer.json["input_tokens"] >= 2
    assert answer.json["modelport"] == {"usage_estimated": True}


async def test_models_come_in_pages_in_both_directions() -> None:
    app = create_app([ScriptedModel(name=name) for name in "abcd"])

    async def page(query: str) -> Any:
        client = Client(app, "GET", "/v1/models", headers=[VERSION])
        scope: Any = client._scope
        scope["query_string"] = query.encode()
        answer = (await client.ask()).json
        return (
            "".join(model["id"] for model in answer["data"]),
            answer["has_more"],
            answer["first_id"],
            answer["last_id"],
        )

    assert await page("") == ("abcd", False, "a", "d")
    assert await page("limit=2") == ("ab", True, "a", "b")
    assert await page("limit=2&after_id=b") == ("cd", False, "c", "d")
    assert await page("limit=2&before_id=d") == ("bc", True, "b", "c")
    assert await page("after_id=d") == ("", False, None, None)
