"""Answers that are kept: conversations that go on by id, each key's own, across restarts."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from modelport.server import App, create_app
from modelport.server.app import Options
from modelport.server.limits import Limits
from modelport.types import ChatRequest, Event, Finish, ReasoningDelta, TextDelta, ToolCallDelta
from tests.server.helpers import Answer, Client, ask, running

PATH = "/v1/responses"


class Parrot:
    """Says all that it was told, and what it said; or calls a tool, or fails."""

    name = "parrot"

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[Event]]:
        yield self._events(request)

    async def _events(self, request: ChatRequest) -> AsyncIterator[Event]:
        last = request.messages[-1]
        if last.text == "call":
            yield ReasoningDelta("hm")
            yield ToolCallDelta(name="add", id="c1", arguments="{}")
        elif last.text == "fail":
            yield TextDelta("hal")
            await asyncio.sleep(0)  # what was said is out
            raise RuntimeError("a canary")
        else:
            yield TextDelta(" | ".join(f"{message.role}: {message.text}" for message in request.messages))
        yield Finish()


@pytest.fixture
def app(tmp_path: Path) -> App:
    return make(tmp_path)


def make(folder: Path, **options: Any) -> App:
    return create_app([Parrot()], Options(store_responses=str(folder / "kept.db"), **options))


async def say(app: App, text: Any, key: str | None = None, **fields: Any) -> Answer:
    body = json.dumps({"input": text, **fields}).encode()
    return await ask(app, path=PATH, body=body, headers=bearer(key))


def bearer(key: str | None) -> list[tuple[bytes, bytes]]:
    return [] if key is None else [(b"authorization", f"Bearer {key}".encode())]


def text_of(answer: Answer) -> str:
    return str(answer.json["output"][0]["content"][0]["text"])


def final_of(answer: Answer) -> Any:
    return json.loads(answer.body.decode().rpartition("\ndata: ")[2])["response"]


async def test_a_conversation_goes_on_by_the_id_of_its_last_answer(app: App) -> None:
    first = await say(app, "one", instructions="be brief")
    second = await say(app, "two", previous_response_id=first.json["id"])
    third = await say(app, "three", previous_response_id=second.json["id"], instructions="be kind")

    assert first.json["store"] is True
    assert second.json["previous_response_id"] == first.json["id"]
    said = text_of(first)
    assert text_of(second) == f"user: one | assistant: {said} | user: two"
    assert text_of(third).startswith("system: be kind | user: one | assistant: ")
    assert text_of(third).endswith("| user: three")


async def test_one_answer_may_be_gone_on_from_twice(app: App) -> None:
    first = await say(app, "one")

    ways = [await say(app, word, previous_response_id=first.json["id"]) for word in ("left", "right")]

    assert [text_of(way).rpartition("user: ")[2] for way in ways] == ["left", "right"]


async def test_a_streamed_answer_is_kept_as_it_was_told(app: App) -> None:
    streamed = await say(app, "one", stream=True)
    final = final_of(streamed)

    found = await ask(app, "GET", f"{PATH}/{final['id']}")
    second = await say(app, "two", previous_response_id=final["id"])

    assert found.json == final
    assert text_of(second).endswith("| user: two")


async def test_calls_of_tools_and_their_results_go_on_by_id(app: App) -> None:
    tools = [{"type": "function", "name": "add"}]
    result = {"type": "function_call_output", "call_id": "c1", "output": "3"}

    first = await say(app, "call", tools=tools)
    second = await say(app, [result], previous_response_id=first.json["id"])

    assert [item["type"] for item in first.json["output"]] == ["reasoning", "function_call"]
    assert text_of(second) == "user: call | assistant:  | tool: 3"


async def test_what_is_not_to_be_stored_is_not(app: App) -> None:
    first = await say(app, "one", store=False)

    second = await say(app, "two", previous_response_id=first.json["id"])

    assert first.json["store"] is False
    assert (second.status, second.error["code"]) == (404, "response_not_found")
    assert second.error["param"] == "previous_response_id"


async def test_an_answer_that_failed_is_not_kept(app: App) -> None:
    failed = await say(app, "fail", stream=True)

    final = final_of(failed)
    assert final["status"] == "failed"
    assert (await ask(app, "GET", f"{PATH}/{final['id']}")).status == 404


async def test_a_kept_answer_is_given_and_forgotten(app: App) -> None:
    first = await say(app, "one")
    path = f"{PATH}/{first.json['id']}"

    found = await ask(app, "GET", path)
    gone = await ask(app, "DELETE", path)
    again = [await ask(app, method, path) for method in ("GET", "DELETE")]
    onward = await say(app, "two", previous_response_id=first.json["id"])

    assert found.body == first.body
    assert gone.json == {"id": first.json["id"], "object": "response", "deleted": True}
    assert [one.status for one in (*again, onward)] == [404, 404, 404]


async def test_each_keys_answers_are_its_own(tmp_path: Path) -> None:
    app = await asyncio.to_thread(make, tmp_path, keys={"ann": "key-a", "bob": "key-b"})
    first = await say(app, "one", "key-a")
    path = f"{PATH}/{first.json['id']}"

    others = [await ask(app, method, path, headers=bearer("key-b")) for method in ("GET", "DELETE")]
    onward = await say(app, "two", "key-b", previous_response_id=first.json["id"])
    nobody = await ask(app, "GET", path)
    own = await say(app, "two", "key-a", previous_response_id=first.json["id"])

    assert [one.status for one in (*others, onward, nobody, own)] == [404, 404, 404, 401, 200]


async def test_answers_outlive_the_server(tmp_path: Path) -> None:
    before, later = [await asyncio.to_thread(make, tmp_path) for _ in range(2)]
    first = await say(before, "one")

    second = await say(later, "two", previous_response_id=first.json["id"])

    assert text_of(second).endswith("| user: two")


async def test_whoever_goes_on_at_once_finds_what_is_still_being_written(app: App) -> None:
    assert app.kept_responses is not None
    client = Client(app, path=PATH, pieces=(b'{"input": "one"}',))
    held = app.kept_responses.store._lock  # the disk is slow
    held.acquire()
    asking = asyncio.create_task(client.ask())
    await client.wrote.wait()
    identifier = json.loads(client.writes[0])["id"]

    found = await ask(app, "GET", f"{PATH}/{identifier}")
    second = await say(app, "two", previous_response_id=identifier, store=False)
    deleting = asyncio.create_task(ask(app, "DELETE", f"{PATH}/{identifier}"))
    held.release()

    assert (found.status, second.status, (await deleting).status) == (200, 200, 200)
    assert (await asking).status == 200
    assert app.kept_responses.pending == {}


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(app: App, caplog: pytest.LogCaptureFixture) -> None:
    assert app.kept_responses is not None
    await asyncio.to_thread(app.kept_responses.store.close)

    first = await say(app, "one")
    second = await say(app, "two", previous_response_id=first.json["id"])

    assert (first.status, second.status) == (200, 502)
    assert f"the answer {first.json['id']} could not be kept" in caplog.text
    assert app.kept_responses.pending == {}


async def test_a_query_is_refused_rather_than_ignored(app: App) -> None:
    client = Client(app, "GET", f"{PATH}/resp_1")
    scope: Any = client._scope
    scope["query_string"] = b"stream=true"

    answer = await client.ask()

    assert (answer.status, answer.error["param"]) == (400, "stream")


async def test_a_conversation_larger_than_a_request_is_refused(tmp_path: Path) -> None:
    app = await asyncio.to_thread(make, tmp_path, limits=Limits(body=2000))
    first = await say(app, "x" * 900)
    second = await say(app, "go on", previous_response_id=first.json["id"])

    assert (second.status, second.error["param"]) == (413, "previous_response_id")


async def test_nothing_is_kept_unless_the_operator_says_so() -> None:
    app = create_app([Parrot()])

    refused = await say(app, "two", previous_response_id="resp_1")
    found = await ask(app, "GET", f"{PATH}/resp_1")

    assert (refused.status, refused.error["param"]) == (400, "previous_response_id")
    assert "--store-responses" in refused.error["message"]
    assert (found.status, found.error["code"]) == (404, "response_not_found")


async def test_a_path_of_two_methods_names_both(app: App) -> None:
    answer = await ask(app, "POST", f"{PATH}/resp_1/cancel")

    assert (answer.status, answer.headers["allow"]) == (405, "GET, DELETE")


async def test_too_many_items_are_refused_by_the_wires_own_name() -> None:
    app = create_app([Parrot()], Options(limits=Limits(messages=2)))

    answer = await say(app, [{"role": "user", "content": "x"}] * 3)

    assert (answer.status, answer.error["param"]) == (413, "input")
    assert answer.error["message"].startswith("input has 3 items")


def test_a_failure_within_a_stream_is_raised_by_openais_client() -> None:
    with (
        running(create_app([Parrot()])) as port,
        openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0) as client,
    ):
        stream = client.responses.create(model="parrot", input="fail", stream=True)
        kinds: list[str] = []

        with pytest.raises(openai.APIError, match="failed unexpectedly") as caught:
            kinds.extend(event.type for event in stream)

    assert kinds[-1] == "response.output_text.delta"
    assert caught.value.code == "model_error"
