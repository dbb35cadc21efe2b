"""Frames between a server and a worker: whatever the pieces in which they come, and whatever is in them."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, strategies as st

from modelport.errors import InvalidRequest, ProtocolError
from modelport.types import (
    ChatRequest,
    Emulated,
    Event,
    Finish,
    ImagePart,
    Message,
    Messages,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
    messages_from,
)
from modelport.workers.frames import (
    Ask,
    Cancel,
    Failed,
    FrameReader,
    Images,
    Load,
    Produced,
    Ready,
    Stop,
    decode_from_server,
    encode_ask,
    encode_frame,
    request_of,
    sendable,
)
from modelport.workers.payloads import revive

EVENTS: list[Event] = [
    Started("m", "id"),
    TextDelta("Grüße 世界", 1),
    ToolCallDelta(0, "c", "look", "{}"),
    Finish("length"),
    Usage(1, 2),
]
SAID = [
    Ready("m", "m@1", suspends=False, calls=3, accepts=frozenset({"n"}), role_rules=("alternate",)),
    Produced(1, EVENTS),
    Produced(2, last=True),
    Failed(3, {"code": "model_error", "message": "no"}),
    Failed(None, {"code": "model_load_failed", "message": "no"}),
]


def crossed(request: ChatRequest) -> ChatRequest:
    """The request as it is behind the connection."""
    pieces = b"".join(bytes(piece) for piece in encode_ask(7, request, "ann"))
    images: list[Any] = []
    while True:
        size, pieces = int.from_bytes(pieces[:4], "big"), pieces[4:]
        frame, pieces = decode_from_server(pieces[:size], images), pieces[size:]
        if isinstance(frame, Ask):
            assert (frame.id, frame.caller, pieces) == (7, "ann", b"")
            return request_of(frame)
        assert isinstance(frame, Images)
        for payload in frame.payloads:
            images.append(revive(payload, bytearray(pieces[: payload.size])))
            pieces = pieces[payload.size :]


@given(st.integers(1, 64))
def test_frames_survive_any_split_of_their_bytes(size: int) -> None:
    data = b"".join(map(encode_frame, SAID))
    reader = FrameReader()

    came = [frame for at in range(0, len(data), size) for frame in reader.feed(data[at : at + size])]

    assert came == SAID


@pytest.mark.parametrize(
    "frame", [Load("a.py:B", ("x",), 1), Cancel(2), Stop()], ids=lambda frame: type(frame).__name__
)
def test_what_the_server_says_is_understood(frame: Any) -> None:
    assert decode_from_server(encode_frame(frame)[4:]) == frame


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x01\xc1", b"\x00\x00\x00\x02\x91\x09"])
def test_what_is_no_frame_is_an_error_of_the_protocol(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="a worker's frame"):
        list(FrameReader().feed(data))


def test_a_request_of_values_crosses_unchanged() -> None:
    request = ChatRequest(
        messages=(Message("system", "be brief"), Message("user", "hi", extra={"mine": [1]})),
        temperature=0.5,
        stop=("a",),
        extra={"top_k": 3},
    )

    assert crossed(request) == request


def test_a_callers_dicts_stay_as_they_were_written() -> None:
    given = [{"role": "user", "content": "hi", "cache_control": {"type": "ephemeral"}}]

    messages = crossed(ChatRequest(messages=messages_from(given, later=True))).messages

    assert isinstance(messages, Messages)
    assert messages.given == given


def test_an_array_that_stands_twice_crosses_as_its_own_bytes() -> None:
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    pieces = encode_ask(1, ChatRequest(messages=(Message("user", (ImagePart(array), ImagePart(array))),)))

    assert [len(piece) for piece in pieces[1:-1]] == [48, 48]
    assert np.shares_memory(np.frombuffer(pieces[1], np.int16), array)


def test_what_is_no_plain_data_is_refused() -> None:
    for value in ({1, 2} | {object()}, 1 << 70, "half \ud83d"):
        with pytest.raises(InvalidRequest):
            encode_ask(1, ChatRequest(messages=(Message("user", "hi"),), extra={"x": value}))


def test_what_never_leaves_a_process_stays_in_it() -> None:
    assert sendable(Started("m", raw=object())) == Started("m")
    assert sendable(Emulated(("n",), sent=[object()])) == Emulated(("n",))
    assert msgspec.msgpack.encode(sendable(Started(raw=object())))
