"""The server's end of modelport's own wire, asked without a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import msgspec
import numpy as np
import pytest

from modelport.dialects.port import DIALECT, HELLO_PATH, MissingParts, encode_part, images_of, pack
from modelport.errors import (
    Forbidden,
    InvalidRequest,
    ModelError,
    ModelNotFound,
    ModelportError,
    ModelTimeout,
    RequestTooLarge,
    Unauthorized,
)
from modelport.server import Limits, Options, create_app
from modelport.testing import ScriptedModel, reply
from modelport.types import ChatRequest, Event, ImagePart, Message, Started, TextDelta, Usage
from tests.server.helpers import Answer, Client, Gated, ask

ASK = ChatRequest(messages=(Message("user", "hi"),))


def body(request: ChatRequest = ASK, *, stream: bool = False, **options: Any) -> bytes:
    parts = [(part, encode_part(part.image)) for _, part in images_of(request)]
    return b"".join(pack(request, parts, stream=stream, **options))


def error(answer: Answer) -> ModelportError:
    assert answer.headers["content-type"] == DIALECT.response_type
    return DIALECT.decode_error(answer.status, answer.body, answer.headers)


def events(answer: Answer) -> list[Event]:
    assert (answer.status, answer.headers["content-type"]) == (200, DIALECT.stream_type)
    decoder = DIALECT.stream_decoder()
    return decoder.feed(answer.body) + decoder.finish()


def bearer(key: str) -> Any:
    return ((b"authorization", f"Bearer {key}".encode()),)


async def test_a_whole_answer() -> None:
    model = ScriptedModel([*reply("Hello, ", "you"), Usage(3, 2)])

    answer = await ask(create_app([model]), path=DIALECT.path, body=body())
    response = DIALECT.decode_response(answer.body)

    assert (answer.status, answer.headers["content-type"]) == (200, DIALECT.response_type)
    assert (response.text, response.usage) == ("Hello, you", Usage(3, 2))
    assert model.requests == [ASK]


async def test_a_streamed_answer_without_what_must_not_leave() -> None:
    model = ScriptedModel([Started(raw=object()), *reply("Hello, ", "you"), Usage(3, 2)])

    answer = await ask(create_app([model]), path=DIALECT.path, body=body(stream=True))

    assert events(answer) == [Started(), *reply("Hello, ", "you"), Usage(3, 2)]


async def test_an_array_reaches_the_model_as_an_equal_array() -> None:
    array = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    model = ScriptedModel(reply("seen"))

    await ask(
        create_app([model]), path=DIALECT.path, body=body(ChatRequest(messages=(Message("user", (ImagePart(array),)),)))
    )
    content: Any = model.requests[0].messages[0].content

    assert np.array_equal(content[0].image, array)


async def test_the_server_says_who_it_is() -> None:
    answer = await ask(create_app({"a": ScriptedModel(), "b": ScriptedModel()}), "GET", HELLO_PATH)

    assert answer.json == {"service": "modelport", "versions": [1], "models": ["a", "b"]}


@pytest.mark.parametrize(
    ("data", "kind", "says"),
    [
        (b"{}", InvalidRequest, "not in modelport's port format"),
        (b"mport\x07\0\0\0\0", InvalidRequest, "version 7 of modelport's port format is not spoken here"),
        (body()[:-1], InvalidRequest, "cut short"),
        (body(ChatRequest(messages=ASK.messages, model="gone")), ModelNotFound, "served: scripted"),
        (body(ChatRequest(messages=tuple(ASK.messages) * 5000)), RequestTooLarge, "messages has 5000 items"),
        (body(timeout=-1.0), InvalidRequest, "timeout must be a number of seconds above 0"),
    ],
)
async def test_a_bad_request_is_refused_in_the_wires_own_form(
    data: bytes, kind: type[ModelportError], says: str
) -> None:
    answer = await ask(create_app([ScriptedModel(reply("x"))]), path=DIALECT.path, body=data)

    assert type(error(answer)) is kind
    assert says in error(answer).message
    assert 400 <= answer.status < 500


async def test_a_body_beyond_the_bound_is_refused() -> None:
    app = create_app([ScriptedModel()], Options(limits=Limits(body=1000)))

    answer = await ask(app, path=DIALECT.path, body=body() + bytes(1000))

    assert type(error(answer)) is RequestTooLarge


async def test_a_failure_before_the_first_event_is_a_status_and_one_after_it_is_told_in_the_stream() -> None:
    early = await ask(create_app([ScriptedModel([ModelError("lost")])]), path=DIALECT.path, body=body(stream=True))
    late = await ask(create_app([_Lost()]), path=DIALECT.path, body=body(stream=True))
    decoder = DIALECT.stream_decoder()

    assert (early.status, error(early).message) == (502, "lost")
    assert decoder.feed(late.body) == [TextDelta("par")]
    with pytest.raises(ModelError, match="lost"):
        decoder.finish()


async def test_the_callers_deadline_is_kept() -> None:
    answer = await ask(create_app([Gated()]), path=DIALECT.path, body=body(timeout=0.05))

    assert type(error(answer)) is ModelTimeout


async def test_a_client_that_leaves_ends_the_models_work() -> None:
    model = Gated()
    client = Client(create_app([model]), path=DIALECT.path, pieces=(body(stream=True),))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.ask)
        await model.begun.wait()
        client.leave()
        await model.left.wait()


class _Lost:
    name = "lost"

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[Event]]:
        yield self._events()

    async def _events(self) -> AsyncIterator[Event]:
        yield TextDelta("par")
        await anyio.lowlevel.checkpoint()
        raise ModelError("lost")


# --- who may ask ---


async def test_keys_and_hosts_are_checked_as_everywhere() -> None:
    app = create_app([ScriptedModel(reply("x"))], Options(keys={"anna": "sesame"}))

    for method, path in (("POST", DIALECT.path), ("GET", HELLO_PATH)):
        assert type(error(await ask(app, method, path, body()))) is Unauthorized
        assert type(error(await ask(app, method, path, body(), headers=bearer("wrong")))) is Unauthorized
        assert type(error(await ask(app, method, path, body(), host=((b"host", b"evil.example"),)))) is Forbidden
        assert (await ask(app, method, path, body(), headers=bearer("sesame"))).status == 200


# --- parts ---

PIECE = ChatRequest(messages=(Message("user", (ImagePart(b"an image" * 1000),)),))
DIGEST = images_of(PIECE) and encode_part(b"an image" * 1000).digest


async def test_a_part_is_sent_once_and_named_thereafter() -> None:
    model = ScriptedModel(reply("seen"))
    app = create_app([model])
    named = body(PIECE, leave_out=[DIGEST])

    before = await ask(app, path=DIALECT.path, body=named)
    await ask(app, path=DIALECT.path, body=body(PIECE))
    after = await ask(app, path=DIALECT.path, body=named)

    missing = error(before)
    assert isinstance(missing, MissingParts)
    assert (before.status, missing.missing) == (409, (DIGEST,))
    assert (after.status, len(named) < 400) == (200, True)
    assert model.requests == [PIECE, PIECE]


async def test_nobody_can_tell_what_others_have_sent() -> None:
    app = create_app([ScriptedModel(reply("seen"))], Options(keys={"anna": "a-key", "bert": "b-key"}))
    named = body(PIECE, leave_out=[DIGEST])

    await ask(app, path=DIALECT.path, body=body(PIECE), headers=bearer("a-key"))
    again = await ask(app, path=DIALECT.path, body=named, headers=bearer("a-key"))
    other = await ask(app, path=DIALECT.path, body=named, headers=bearer("b-key"))

    assert again.status == 200
    assert isinstance(error(other), MissingParts)


async def test_two_apps_keep_their_parts_apart() -> None:
    one, two = (create_app([ScriptedModel(reply("seen"))]) for _ in range(2))

    await ask(one, path=DIALECT.path, body=body(PIECE))
    answer = await ask(two, path=DIALECT.path, body=body(PIECE, leave_out=[DIGEST]))

    assert isinstance(error(answer), MissingParts)


async def test_errors_are_plain_msgpack() -> None:
    answer = await ask(create_app([ScriptedModel()]), path=DIALECT.path, body=b"")

    assert msgspec.msgpack.decode(answer.body)["code"] == "invalid_request"
