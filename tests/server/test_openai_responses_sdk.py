"""The official client's Responses and completions against a real ``modelport serve``."""

import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.server.processes import Served, serving

KEY = "sk-test"
HELLO = "héllo 世界"
TOOLS: list[Any] = [
    {"type": "function", "name": name, "strict": False, "parameters": {"type": "object", "properties": {}}}
    for name in ("add", "sub")
]
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("responses")
    with serving(folder, ["echo", "letters", "tooled", "broken"], MODELPORT_API_KEYS=KEY) as server:
        yield server


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(served: Served) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{served.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def test_a_whole_response(client: openai.OpenAI) -> None:
    answer = client.responses.create(
        model="echo", instructions="Be kind.", input=HELLO, max_output_tokens=5, temperature=0, metadata={"a": "b"}
    )

    assert (answer.status, answer.output_text, answer.instructions) == ("completed", HELLO, "Be kind.")
    assert (answer.max_output_tokens, answer.temperature, answer.metadata) == (5, 0, {"a": "b"})
    assert answer.id.startswith("resp_")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


def test_a_response_is_streamed_as_numbered_events(client: openai.OpenAI) -> None:
    events: list[Any] = list(client.responses.create(model="letters", input=HELLO, stream=True))

    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.delta for event in events if event.type == "response.output_text.delta"] == list(HELLO)
    assert events[-1].response.output_text == HELLO
    assert events[-1].response.id == events[0].response.id
    assert events[-1].response.usage.output_tokens > 0


def test_the_streaming_helper_of_responses(client: openai.OpenAI) -> None:
    with client.responses.stream(model="letters", input=HELLO) as stream:
        snapshots = [event.snapshot for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()

    assert snapshots[-1] == HELLO
    assert final.output_text == HELLO


@pytest.mark.parametrize("stream", [False, True])
def test_tools_there_and_back_within_one_conversation(client: openai.OpenAI, stream: bool) -> None:
    said: list[Any] = [{"role": "user", "content": HELLO}]
    if stream:
        with client.responses.stream(model="tooled", input=said, tools=TOOLS) as events:
            answer: Any = events.get_final_response()
    else:
        answer = client.responses.create(model="tooled", input=said, tools=TOOLS)
    calls = [item for item in answer.output if item.type == "function_call"]
    said += answer.output
    said += [{"type": "function_call_output", "call_id": one.call_id, "output": f"{one.name} ok"} for one in calls]
    final = client.responses.create(model="tooled", input=said, tools=TOOLS)

    assert [(call.name, call.arguments) for call in calls] == [("add", '{"x": 0}'), ("sub", '{"x": 1}')]
    assert final.output_text == "done: add ok, sub ok"


def test_what_was_said_is_taken_back_as_the_client_gave_it(client: openai.OpenAI) -> None:
    first = client.responses.create(model="echo", input="one")

    turns: list[Any] = [{"role": "user", "content": "one"}, *first.output, {"role": "user", "content": "two"}]

    assert client.responses.create(model="echo", input=turns).output_text == "two"


def test_images_and_text_in_one_item(client: openai.OpenAI) -> None:
    parts: list[Any] = [
        {"type": "input_text", "text": "what is it?"},
        {"type": "input_image", "image_url": PNG, "detail": "low"},
    ]

    answer = client.responses.create(model="echo", input=[{"role": "user", "content": parts}])

    assert answer.output_text == "parts: text, image_url"


class Form(BaseModel):
    x: int


def test_an_answer_in_a_form_is_parsed(client: openai.OpenAI) -> None:
    answer = client.responses.parse(model="echo", input='{"x": 1}', text_format=Form)

    assert answer.output_parsed == Form(x=1)


def test_a_form_that_is_not_kept_is_told_by_the_wires_own_name(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.responses.parse(model="echo", input=HELLO, text_format=Form)

    assert caught.value.param == "text.format"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"include": ["message.output_text.logprobs"]}, "include[0]"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"store": True}, "store"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"truncation": "auto"}, "truncation"),
        ({"extra_body": {"top_k": 5}}, "top_k"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_kept_here_is_refused_by_name(client: openai.OpenAI, fields: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="echo", input=HELLO, **fields)

    assert caught.value.param == param


def test_a_model_that_fails_is_an_error_of_the_client(client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as whole:
        client.responses.create(model="broken", input=HELLO)
    with pytest.raises(openai.InternalServerError):
        client.responses.create(model="broken", input=HELLO, stream=True)

    assert whole.value.code == "model_error"


async def test_the_async_client_whole_streamed_and_helped(async_client: openai.AsyncOpenAI) -> None:
    whole = await async_client.responses.create(model="echo", input=HELLO)
    raw = await async_client.responses.create(model="letters", input=HELLO, stream=True)
    letters = [event.delta async for event in raw if event.type == "response.output_text.delta"]
    async with async_client.responses.stream(model="letters", input=HELLO) as stream:
        final = await stream.get_final_response()

    assert whole.output_text == "".join(letters) == final.output_text == HELLO


# --- legacy completions -----------------------------------------------------------------------------------------------


def test_a_whole_completion(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="echo", prompt=HELLO, max_tokens=5, n=2, stop=["世"])

    assert [choice.text for choice in answer.choices] == ["héllo ", "héllo "]
    assert [choice.finish_reason for choice in answer.choices] == ["stop", "stop"]
    assert answer.object == "text_completion"
    assert answer.usage is not None


def test_a_streamed_completion_with_its_usage(client: openai.OpenAI) -> None:
    stream = client.completions.create(
        model="letters", prompt=[HELLO], stream=True, stream_options={"include_usage": True}
    )

    *chunks, last = list(stream)

    assert [chunk.choices[0].text for chunk in chunks if chunk.choices[0].text] == list(HELLO)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert last.choices == []
    assert last.usage is not None


@pytest.mark.parametrize("stream", [False, True])
def test_several_prompts_are_completed_in_one_answer(client: openai.OpenAI, stream: bool) -> None:
    raw: Any = client.completions.with_raw_response.create(
        model="echo", prompt=["one ", "two "], n=2, echo=True, stream=stream
    )

    answer = raw.parse()
    texts = ["", "", "", ""]
    for piece in answer if stream else [answer]:
        for choice in piece.choices:
            texts[choice.index] += choice.text
    assert texts == ["one one ", "one one ", "two two ", "two two "]
    assert raw.headers["x-modelport-emulated"].startswith("prompt,echo")
    if not stream:
        assert answer.usage.total_tokens > 0


@pytest.mark.parametrize("stream", [False, True])
def test_echo_is_kept_by_the_port_and_said_to_be(client: openai.OpenAI, stream: bool) -> None:
    raw: Any = client.completions.with_raw_response.create(model="echo", prompt="twice ", echo=True, stream=stream)

    pieces = list(raw.parse()) if stream else [raw.parse()]
    assert "".join(piece.choices[0].text for piece in pieces) == "twice twice "
    assert pieces[0].modelport["emulated"] == ["echo"]
    assert raw.headers["x-modelport-emulated"] == "echo"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"best_of": 3}, "best_of"),
        ({"logprobs": 1}, "logprobs"),
        ({"suffix": "!"}, "suffix"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"extra_body": {"top_k": 5}}, "top_k"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_completion_cannot_keep_is_refused_by_name(client: openai.OpenAI, fields: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(**{"model": "echo", "prompt": HELLO, **fields})

    assert caught.value.param == param


async def test_the_async_client_completes(async_client: openai.AsyncOpenAI) -> None:
    whole = await async_client.completions.create(model="echo", prompt=HELLO)
    stream = await async_client.completions.create(model="letters", prompt=HELLO, stream=True)
    letters = [chunk.choices[0].text async for chunk in stream]

    assert whole.choices[0].text == "".join(letters) == HELLO


# --- answers that are kept --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("kept")
    with serving(folder, ["tooled"], "--store-responses", str(folder / "kept.db"), MODELPORT_API_KEYS=KEY) as server:
        yield server


def test_a_loop_of_tools_by_the_id_of_the_previous_response(keeping: Served) -> None:
    with openai.OpenAI(base_url=f"{keeping.url}/v1", api_key=KEY, max_retries=0) as client:
        first = client.responses.create(model="tooled", input=HELLO, tools=TOOLS)
        results: list[Any] = [
            {"type": "function_call_output", "call_id": item.call_id, "output": f"{item.name} ok"}
            for item in first.output
            if item.type == "function_call"
        ]
        final = client.responses.create(model="tooled", input=results, tools=TOOLS, previous_response_id=first.id)
        found = client.responses.retrieve(final.id)
        client.responses.delete(final.id)
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(final.id)

    assert final.output_text == found.output_text == "done: add ok, sub ok"
    assert final.previous_response_id == first.id


async def test_the_streaming_helper_goes_on_from_a_kept_response(keeping: Served) -> None:
    async with openai.AsyncOpenAI(base_url=f"{keeping.url}/v1", api_key=KEY, max_retries=0) as client:
        async with client.responses.stream(model="tooled", input=HELLO, tools=TOOLS[:1]) as stream:
            first = await stream.get_final_response()
        [call] = [item for item in first.output if item.type == "function_call"]
        result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "ok"}
        async with client.responses.stream(
            model="tooled", input=[result], tools=TOOLS[:1], previous_response_id=first.id
        ) as stream:
            final = await stream.get_final_response()

    assert final.output_text == "done: ok"
