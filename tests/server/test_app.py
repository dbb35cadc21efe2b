"""The paths, the errors' form, and what every answer has. The app is called directly; no socket is opened."""

import json
import logging
from typing import Any

import pytest

from modelport import as_model
from modelport.errors import (
    ConfigError,
    ContractBroken,
    ModelportError,
    ModelTimeout,
    Overloaded,
    RateLimited,
)
from modelport.server import Limits, Options, create_app
from modelport.testing import ScriptedModel, reply
from modelport.types import Emulated, Event, Finish, Started, TextDelta, ToolCallDelta, Usage
from tests.server.helpers import CHAT, Client, ask, chat


def scripted(*script: Event | Exception, **options: Any) -> ScriptedModel:
    return ScriptedModel(script or reply("Hello, ", "world"), name=options.pop("name", "m"), **options)


# --- answers ---


async def test_a_model_is_asked_and_its_whole_answer_comes_back() -> None:
    model = scripted(*reply("Hello, ", "world"), Usage(3, 5))

    answer = await ask(create_app([model]), body=chat(model="m", temperature=0.5))

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert answer.json["choices"][0]["message"]["content"] == "Hello, world"
    assert answer.json["usage"] == {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    assert model.requests[0].temperature == 0.5


async def test_deltas_that_are_ready_together_go_out_in_one_write() -> None:
    client = Client(create_app([scripted(*reply(*"abcdefgh"))]), pieces=[chat(stream=True)])

    answer = await client.ask()

    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert len(client.writes) == 2  # the deltas, and the end
    assert client.writes[0].count(b"data: ") == 9
    assert client.writes[1] == b"data: [DONE]\n\n"


async def test_tokens_that_nobody_counted_are_estimated_and_marked() -> None:
    answer = await ask(create_app([scripted()]), body=chat())

    assert answer.json["usage"]["total_tokens"] > 0
    assert answer.json["modelport"]["usage_estimated"] is True


async def test_what_the_port_did_in_the_models_stead_is_in_a_header_too() -> None:
    app = create_app([scripted(*reply("one END two"), accepts=[])])

    whole = await ask(app, body=chat(stop="END"))
    streamed = await ask(app, body=chat(stop="END", stream=True))

    assert whole.json["choices"][0]["message"]["content"] == "one "
    assert whole.json["modelport"]["emulated"] == ["stop"]
    assert whole.headers["x-modelport-emulated"] == streamed.headers["x-modelport-emulated"] == "stop"


async def test_a_native_models_own_emulations_are_told() -> None:
    answer = await ask(create_app([scripted(Emulated(("seed",)), *reply("x"))]), body=chat())

    assert answer.headers["x-modelport-emulated"] == "seed"


async def test_tool_calls_that_a_model_left_open_are_settled() -> None:
    script: list[Event] = [
        ToolCallDelta(name="add", arguments="{}"),
        ToolCallDelta(name="sub", arguments="{}"),
        Finish(),
    ]
    app = create_app([scripted(*script)])

    message = (await ask(app, body=chat())).json["choices"][0]
    streamed = (await ask(app, body=chat(stream=True))).body

    assert [call["function"]["name"] for call in message["message"]["tool_calls"]] == ["add", "sub"]
    assert all(call["id"] for call in message["message"]["tool_calls"])
    assert message["finish_reason"] == "tool_calls"
    assert b'"index":1' in streamed
    assert b'"finish_reason":"tool_calls"' in streamed


async def test_the_id_and_name_that_a_model_gives_itself_are_kept() -> None:
    app = create_app([scripted(Started(model="m-2", id="own-1"), *reply("x"))])

    whole = await ask(app, body=chat())
    streamed = await ask(app, body=chat(stream=True))

    assert (whole.json["id"], whole.json["model"]) == ("own-1", "m-2")
    assert b'"id":"own-1"' in streamed.body
    assert b'"model":"m-2"' in streamed.body


# --- names ---


async def test_models_are_found_by_name_by_alias_and_by_default() -> None:
    app = create_app([scripted(*reply("a"), name="a"), scripted(*reply("b"), name="b")], Options(aliases={"gpt": "b"}))

    said = [
        (await ask(app, body=chat(**fields))).json["choices"][0]["message"]["content"]
        for fields in ({"model": "a"}, {"model": "b"}, {"model": "gpt"}, {"model": "default"}, {}, {"model": None})
    ]

    assert said == ["a", "b", "b", "a", "a", "a"]


async def test_an_unknown_name_is_told_what_there_is_and_what_is_near() -> None:
    answer = await ask(create_app([scripted(name="echo"), scripted(name="llama-local")]), body=chat(model="llama-locl"))

    assert answer.status == 404
    assert answer.error == {
        "message": "no model named 'llama-locl' is served here (served: echo, llama-local); "
        "did you mean 'llama-local'?",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }


async def test_a_models_own_name_comes_before_an_alias() -> None:
    app = create_app([scripted(*reply("a"), name="a"), scripted(*reply("d"), name="default")])

    answer = await ask(app, body=chat(model="default"))

    assert answer.json["choices"][0]["message"]["content"] == "d"


def test_two_models_of_one_name_and_none_at_all_are_refused() -> None:
    with pytest.raises(ConfigError, match="two models are named 'm'"):
        create_app([scripted(), scripted()])
    with pytest.raises(ConfigError, match="no model to serve"):
        create_app([])


async def test_the_models_are_listed() -> None:
    app = create_app([scripted(name="a"), scripted(name="org/b")])

    listed = (await ask(app, "GET", "/v1/models")).json
    one = (await ask(app, "GET", "/v1/models/org/b")).json
    missing = await ask(app, "GET", "/v1/models/c")

    assert [card["id"] for card in listed["data"]] == ["a", "org/b"]
    assert one == listed["data"][1]
    assert missing.status == 404


# --- errors ---


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ContractBroken("m.create() must return x"), 502, "contract_broken"),
        (ModelTimeout("late"), 504, "model_timeout"),
        (RateLimited("slow", retry_after=1.2), 429, "rate_limited"),
        (Overloaded("full", retry_after=7), 503, "overloaded"),
    ],
)
async def test_a_failure_before_anything_was_said_has_an_honest_status(
    error: ModelportError, status: int, code: str, stream: bool
) -> None:
    answer = await ask(create_app([scripted(error)]), body=chat(stream=stream))

    assert (answer.status, answer.error["code"], answer.error["message"]) == (status, code, error.message)
    assert answer.headers.get("retry-after") == {429: "2", 503: "7"}.get(status)


async def test_a_failure_after_that_is_told_within_the_stream() -> None:
    script = [TextDelta(str(number)) for number in range(300)]

    answer = await ask(create_app([scripted(*script, ContractBroken("gave up"))]), body=chat(stream=True))

    assert answer.status == 200
    last = json.loads(answer.body.split(b"data: ")[-1])
    assert last["error"]["code"] == "contract_broken"
    assert b"[DONE]" not in answer.body


@pytest.mark.parametrize("stream", [False, True])
async def test_a_failure_that_nobody_foresaw_tells_an_id_and_the_log_tells_the_rest(
    stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app([scripted(ZeroDivisionError("secret detail"))])

    with caplog.at_level(logging.ERROR, logger="modelport"):
        answer = await ask(app, body=chat(stream=stream))

    assert answer.status == 502
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body
    assert answer.headers["x-request-id"] in answer.error["message"]
    assert "secret detail" in caplog.text
    assert answer.headers["x-request-id"] in caplog.text
    assert "hi" not in caplog.messages[0]  # what was asked is nobody's business


async def test_an_unsupported_field_is_named() -> None:
    answer = await ask(create_app([scripted(accepts=[])]), body=chat(temperature=0.5))

    assert answer.status == 400
    assert (answer.error["param"], answer.error["code"]) == ("temperature", "unsupported_field")


async def test_json_that_a_model_knows_nothing_of_is_kept_for_it_and_the_header_says_so() -> None:
    model = scripted(*reply('{"a"', ": 1}"), accepts=[])

    whole = await ask(create_app([model]), body=chat(response_format={"type": "json_object"}))
    streamed = await ask(create_app([model]), body=chat(response_format={"type": "json_object"}, stream=True))

    assert whole.json["choices"][0]["message"]["content"] == '{"a": 1}'
    for answer in (whole, streamed):
        assert answer.status == 200
        assert answer.headers["x-modelport-emulated"] == "response_format,response_format.held_back"
    assert rb"{\"a\": 1}" in streamed.body.replace(b'\\"', b'\\"')


async def test_json_that_never_comes_is_an_error_of_its_own_also_in_a_stream() -> None:
    app = create_app([scripted(*reply("words"), accepts=[])])

    for stream in (False, True):
        answer = await ask(app, body=chat(response_format={"type": "json_object"}, stream=stream))
        assert (answer.status, answer.error["code"]) == (502, "contract_broken")
        assert answer.error["param"] == "response_format"


async def test_an_unknown_path_lists_the_known_ones() -> None:
    answer = await ask(create_app([scripted()]), path="/v1/chat")

    assert answer.status == 404
    assert CHAT in answer.error["message"]


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/messages", "/v1/messages"),
        ("/v1/responses/", "/v1/responses"),
        ("/v1/files", None),
        ("/", None),
    ],
)
async def test_a_path_that_a_base_url_made_wrong_is_told_the_right_one(path: str, near: str | None) -> None:
    answer = await ask(create_app([scripted()]), "POST", path)

    assert answer.status == 404
    assert ("did you mean" in answer.error["message"]) == (near is not None)
    assert f"did you mean {near}? Look at the client's base URL" in answer.error["message"] or near is None


@pytest.mark.parametrize("stream", [False, True])
async def test_no_error_says_where_something_lies_in_memory(stream: bool) -> None:
    def odd(messages: list[Any]) -> str:
        raise RuntimeError(f"cannot read {object()!r}")

    answer = await ask(create_app([as_model(odd)]), body=chat(stream=stream))

    assert answer.error["message"] == "odd() raised RuntimeError: cannot read <object object>"


async def test_a_wrong_method_is_told_the_right_one() -> None:
    answer = await ask(create_app([scripted()]), "GET", CHAT)

    assert answer.status == 405
    assert answer.headers["allow"] == "POST"
    assert answer.error["code"] == "method_not_allowed"


async def test_every_answer_has_an_id_of_its_own() -> None:
    app = create_app([scripted()])
    answers = [
        await ask(app, body=chat()),
        await ask(app, body=chat(stream=True)),
        await ask(app, body=b"nope"),
        await ask(app, "GET", "/health"),
        await ask(app, "GET", "/nowhere"),
    ]

    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)


# --- being well ---


async def test_health_and_readiness_can_be_asked_without_a_key() -> None:
    app = create_app([scripted()], Options(keys={"k": "secret"}))

    assert (await ask(app, "GET", "/health")).json == {"status": "ok"}
    assert (await ask(app, "GET", "/ready")).json == {"status": "ready"}
    assert (await ask(app, "HEAD", "/health")).body == b""


async def test_on_the_way_down_the_server_is_well_but_not_ready() -> None:
    app = create_app([scripted()])
    app.draining = True

    assert (await ask(app, "GET", "/health")).status == 200
    assert (await ask(app, "GET", "/ready")).status == 503


async def test_a_busy_server_still_answers_probes() -> None:
    app = create_app([scripted()], Options(limits=Limits(concurrent=0)))

    busy = await ask(app, body=chat())

    assert (busy.status, busy.headers["retry-after"]) == (503, "1")
    assert (await ask(app, "GET", "/health")).status == 200


async def test_websockets_are_closed() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    await create_app([scripted()])({"type": "websocket", "path": "/", "headers": []}, receive, send)

    assert sent[0]["type"] == "websocket.close"
