"""Anthropic's own client against ``modelport serve``: what a program sees that was written for Anthropic."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic.types import MessageParam

from tests.server.processes import Served, serving

KEY = "sk-test-canary"
HELLO: list[MessageParam] = [{"role": "user", "content": "héllo 世界"}]
TOOLS: list[Any] = [
    {"name": name, "description": "x", "input_schema": {"type": "object", "properties": {"x": {"type": "integer"}}}}
    for name in ("add", "sub")
]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
IMAGE: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("anthropic")
    models = ["echo", "letters", "tooled", "broken"]
    with serving(folder, models, MODELPORT_API_KEYS=KEY) as server:
        yield server


@pytest.fixture
def client(served: Served) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=served.url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(served: Served) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=served.url, api_key=KEY, max_retries=0) as client:
        yield client


def test_a_whole_answer(client: anthropic.Anthropic) -> None:
    answer: Any = client.messages.create(
        model="echo", max_tokens=50, messages=HELLO, system="be kind", extra_body={"temperature": 0, "top_k": 5}
    )

    assert [(block.type, block.text) for block in answer.content] == [("text", "héllo 世界")]
    assert (answer.stop_reason, answer.stop_sequence, answer.role) == ("end_turn", None, "assistant")
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0
    assert answer.modelport == {"usage_estimated": True}
    assert answer.id.startswith("msg_")
    assert answer._request_id.startswith("req_")


def test_a_stream_has_the_published_order_of_events(client: anthropic.Anthropic) -> None:
    stream = client.messages.create(model="letters", max_tokens=50, messages=HELLO, stream=True)

    events: list[Any] = list(stream)

    kinds = [event.type for event in events]
    letters = [event.delta.text for event in events if event.type == "content_block_delta"]
    assert kinds == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * len("héllo 世界"),
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert letters == list("héllo 世界")
    assert events[0].message.usage.input_tokens > 0
    assert events[-2].usage.output_tokens > 0


def test_the_streaming_helper(client: anthropic.Anthropic) -> None:
    with client.messages.stream(model="letters", max_tokens=50, messages=HELLO) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert text == stream.get_final_text() == "héllo 世界"
    assert final.stop_reason == "end_turn"
    assert final.usage.input_tokens > 0


@pytest.mark.parametrize("stream", [False, True])
def test_parallel_tool_calls_there_and_back(client: anthropic.Anthropic, stream: bool) -> None:
    asked: dict[str, Any] = {"model": "tooled", "max_tokens": 50, "tools": TOOLS}
    if stream:
        with client.messages.stream(messages=HELLO, **asked) as events:
            said: Any = events.get_final_message()
    else:
        said = client.messages.create(messages=HELLO, **asked)

    back = [
        {"type": "tool_result", "tool_use_id": block.id, "content": f"{block.name} ok"}
        for block in said.content
        if block.type == "tool_use"
    ]
    turns: list[Any] = [*HELLO, {"role": "assistant", "content": said.content}, {"role": "user", "content": back}]
    final: Any = client.messages.create(messages=turns, **asked)

    assert said.stop_reason == "tool_use"
    assert [(block.name, block.input) for block in said.content] == [("add", {"x": 0}), ("sub", {"x": 1})]
    assert final.content[0].text == "done: add ok, sub ok"


def test_images_and_text_together(client: anthropic.Anthropic) -> None:
    parts: Any = [{"type": "text", "text": "what is it?"}, IMAGE]

    answer: Any = client.messages.create(model="echo", max_tokens=50, messages=[{"role": "user", "content": parts}])

    assert answer.content[0].text == "parts: text, image_url"


def test_stop_sequences_are_kept_and_said_to_be(client: anthropic.Anthropic) -> None:
    raw = client.messages.with_raw_response.create(model="echo", max_tokens=50, messages=HELLO, stop_sequences=["世"])

    answer: Any = raw.parse()
    assert answer.content[0].text == "héllo "
    assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "世")
    assert answer.modelport["emulated"] == ["stop"]
    assert raw.headers["x-modelport-emulated"] == "stop"


def test_tokens_are_counted_and_said_to_be_an_estimate(client: anthropic.Anthropic) -> None:
    few: Any = client.messages.count_tokens(model="echo", messages=HELLO)
    more = client.messages.count_tokens(model="echo", messages=HELLO, system="be kind", tools=TOOLS)

    assert 0 < few.input_tokens < more.input_tokens
    assert few.modelport == {"usage_estimated": True}
    with pytest.raises(anthropic.NotFoundError):
        client.messages.count_tokens(model="claude", messages=HELLO)


def test_models_are_listed_in_pages(client: anthropic.Anthropic) -> None:
    listed = list(client.models.list(limit=3))
    one = client.models.retrieve("letters")

    assert [model.id for model in listed] == ["echo", "letters", "tooled", "broken"]
    assert (one.type, one.id, one.display_name) == ("model", "letters", "letters")
    assert one.created_at.year >= 2024
    assert client.models.list(before_id="tooled", limit=1).data[0].id == "letters"
    with pytest.raises(anthropic.NotFoundError, match="served: echo"):
        client.models.retrieve("claude")
    with pytest.raises(anthropic.BadRequestError, match="limit"):
        client.models.list(limit=0)


def test_errors_are_the_clients_own_kinds(client: anthropic.Anthropic, served: Served) -> None:
    def create(**fields: Any) -> Any:
        return client.messages.create(**{"model": "echo", "max_tokens": 50, "messages": HELLO, **fields})

    with pytest.raises(anthropic.NotFoundError, match="served: echo, letters, tooled, broken") as missing:
        create(model="claude")
    with pytest.raises(anthropic.BadRequestError) as wrong:
        create(extra_body={"temperature": 7})
    with pytest.raises(anthropic.BadRequestError) as unknown:
        create(extra_body={"no_such_field": 5})
    with pytest.raises(anthropic.BadRequestError) as refused:
        create(container="c")
    with pytest.raises(anthropic.InternalServerError) as broken:
        create(model="broken")
    with (
        pytest.raises(anthropic.AuthenticationError),
        anthropic.Anthropic(base_url=served.url, api_key="no", max_retries=0) as other,
    ):
        other.messages.create(model="echo", max_tokens=5, messages=HELLO)

    assert missing.value.body["error"]["type"] == "not_found_error"  # type: ignore[index]
    assert missing.value.request_id == missing.value.body["request_id"]  # type: ignore[index]
    asked_for = [error.value.body["modelport"]["param"] for error in (wrong, unknown, refused)]  # type: ignore[index]
    assert asked_for == ["temperature", "no_such_field", "container"]
    assert broken.value.body["modelport"] == {"code": "model_error"}  # type: ignore[index]


def test_an_error_within_a_stream_is_raised(client: anthropic.Anthropic) -> None:
    with (
        pytest.raises(anthropic.APIStatusError, match="broken"),
        client.messages.stream(model="broken", max_tokens=50, messages=HELLO) as stream,
    ):
        stream.until_done()


def test_the_clients_own_loop_of_tools_goes_on_without_a_thread(client: anthropic.Anthropic) -> None:
    @anthropic.beta_tool
    def add(x: int) -> str:
        """Adds."""
        return f"{x + 5}"

    runner = client.beta.messages.tool_runner(model="tooled", max_tokens=50, tools=[add], messages=[*HELLO])  # type: ignore[list-item]
    final: Any = runner.until_done()

    assert final.content[0].text == "done: 5"


async def test_an_async_client(async_client: anthropic.AsyncAnthropic) -> None:
    whole: Any = await async_client.messages.create(model="echo", max_tokens=50, messages=HELLO)
    async with async_client.messages.stream(model="letters", max_tokens=50, messages=HELLO) as stream:
        pieces = [text async for text in stream.text_stream]
    counted = await async_client.messages.count_tokens(model="echo", messages=HELLO)

    assert whole.content[0].text == "".join(pieces) == "héllo 世界"
    assert len(pieces) == len("héllo 世界")
    assert counted.input_tokens > 0


def test_a_path_that_nobody_serves_is_told_in_the_same_form(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="nothing is served at /v1/messages/batches"):
        client.messages.batches.list()
