"""Each limit of the server has an attack: a request past it, and the error that names it; or a test that shows it kept.

A limit that is added without one fails here.
"""

import ast
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest

from modelport import as_model
from modelport.errors import RateLimited, Unauthorized
from modelport.server import App, Limits, Options, create_app
from modelport.server.auth import Keys
from modelport.testing import ScriptedModel, reply
from tests.server.helpers import Answer, Client, Gated, ask, chat

ROOT = Path(__file__).parents[2]
USER = {"role": "user", "content": "x"}
PART = {"type": "text", "text": "x"}
DEEP: dict[str, Any] = {"a": {"b": {"c": {"d": {"e": {}}}}}}


class Past(NamedTuple):
    """A request past a limit that was set to *most*, and what its refusal says."""

    most: int
    fields: Mapping[str, Any]
    status: int = 413
    param: str | None = None


def tool(number: int = 0, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "function", "function": {"name": f"f{number}", "parameters": parameters or {}}}


REQUESTS = {
    "body": Past(2000, {"user": "x" * 2000}),
    "messages": Past(3, {"messages": [USER] * 4}, param="messages"),
    "parts": Past(2, {"messages": [{"role": "user", "content": [PART] * 3}]}, param="messages[0].content"),
    "tools": Past(2, {"tools": [tool(number) for number in range(3)]}, param="tools"),
    "schema": Past(200, {"tools": [tool(0, {"x": "y" * 200})]}, param="tools[0].function.parameters"),
    "depth": Past(4, {"tools": [tool(0, DEEP)]}, param="tools[0].function.parameters"),
    "nodes": Past(500, {"metadata": {str(number): "" for number in range(600)}}),
    "stops": Past(2, {"stop": ["a", "b", "c"]}, param="stop"),
    "stop_length": Past(5, {"stop": ["abcdef"]}, 400, "stop[0]"),
}


async def concurrent() -> Answer:
    """More requests at a time than allowed."""
    return await _while_one_is_answered(Limits(concurrent=1))


async def queue() -> Answer:
    """More calls of a model that takes one at a time than may wait for it."""
    go = threading.Event()

    def slow(messages: Any) -> str:
        go.wait(10)
        return "done"

    app = create_app([as_model(slow, name="slow")], Options(limits=Limits(queue=1)))
    answers: list[Answer] = []

    async def knock() -> None:
        answers.append(await ask(app, body=chat()))
        go.set()

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(knock)
    return min(answers, key=lambda answer: -answer.status)


async def timeout() -> Answer:
    """A model that takes longer than allowed."""
    app = create_app([Gated("slow")], Options(limits=Limits(timeout=0.125)))
    return await ask(app, body=chat())


async def wrong_keys() -> Answer:
    """More wrong keys than allowed, from an address that is known."""
    keys = Keys({"ann": "right"}, wrong=2)
    for _ in range(2):
        with pytest.raises(Unauthorized):
            keys.check({b"x-api-key": b"wrong"}, None, "10.0.0.1")
    with pytest.raises(RateLimited) as caught:
        keys.check({b"x-api-key": b"right"}, None, "10.0.0.1")
    body = json.dumps({"error": {"message": caught.value.message}}).encode()
    return Answer(429, {"retry-after": f"{caught.value.retry_after}"}, body)


async def _while_one_is_answered(limits: Limits) -> Answer:
    model = Gated()
    app: App = create_app([model, ScriptedModel(reply("x"), name="m")], Options(limits=limits))
    first = Client(app, pieces=(chat(stream=True),))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(first.ask)
        await model.begun.wait()
        second = await ask(app, body=chat(model="m"))
        first.leave()
    return second


SITUATIONS = {
    "concurrent": (concurrent, 503, "1 requests are being answered already"),
    "queue": (queue, 503, "2 calls of 'slow' wait already"),
    "timeout": (timeout, 504, "within 0.125 s"),
    "wrong_keys": (wrong_keys, 429, "wrong API keys"),
}

SHOWN = {  # where the limit shows in something else than an error in an answer
    "media": "tests/server/test_fetching.py::test_what_is_no_image_at_once_is_refused_and_not_repeated",
    "media_count": "tests/server/test_fetching.py::test_too_many_addresses_are_refused_before_any_is_asked",
    "media_time": "tests/server/test_fetching.py::test_a_server_that_is_slow_or_never_ends_is_given_up",
    "connections": "tests/attacks/test_slow_peers.py::test_a_flood_of_connections_is_bounded_and_shuts_nobody_out",
    "backlog": "tests/server/test_slow_readers.py::test_but_only_so_much_is_kept_for_it",
    "first_event": "tests/server/test_streaming.py::"
    "test_the_head_goes_out_when_the_model_thinks_for_long_and_comments_keep_it_alive",
    "keep_alive": "tests/server/test_streaming.py::"
    "test_the_head_goes_out_when_the_model_thinks_for_long_and_comments_keep_it_alive",
    "read": "tests/attacks/test_slow_peers.py::test_whoever_sends_a_byte_now_and_then_is_given_up",
    "idle": "tests/attacks/test_slow_peers.py::test_whoever_asks_nothing_is_closed",
    "stall": "tests/attacks/test_slow_peers.py::test_whoever_takes_next_to_nothing_is_dropped_and_a_slow_reader_is_not",
    "handshake": "tests/server/test_tls.py::test_a_handshake_has_a_few_seconds",
    "drain": "tests/server/test_serve.py::test_but_only_for_so_long",
}


@pytest.mark.parametrize("limit", Limits.__struct_fields__)
async def test_every_limit_has_an_attack(limit: str) -> None:
    if limit in REQUESTS:
        past = REQUESTS[limit]
        app = create_app([ScriptedModel(reply("x"))], Options(limits=Limits(**{limit: past.most})))

        answer = await ask(app, body=chat(**past.fields))

        assert (answer.status, answer.error["param"]) == (past.status, past.param)
        assert str(past.most) in answer.error["message"]
    elif limit in SITUATIONS:
        attack, status, says = SITUATIONS[limit]

        answer = await attack()

        assert answer.status == status
        assert says in answer.error["message"]
        assert status == 504 or "retry-after" in answer.headers
    else:
        path, _, name = SHOWN[limit].partition("::")
        assert name in _tests_of(ROOT / path), f"{limit} has no attack: give it one here"


def _tests_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_no_attack_is_kept_for_a_limit_that_is_gone() -> None:
    assert REQUESTS.keys() | SITUATIONS.keys() | SHOWN.keys() == set(Limits.__struct_fields__)
