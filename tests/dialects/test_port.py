"""The port wire, talking to itself: requests with every kind of image, answers in pieces, and hostile bytes."""

import contextlib
import hashlib
import threading
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st
from PIL import Image

from modelport.dialects import _port_parts
from modelport.dialects.base import Asked
from modelport.dialects.port import DIALECT, DecodedPart, MissingParts, Port, encode_part, images_of, pack
from modelport.errors import (
    ConnectionFailed,
    ContractBroken,
    InvalidRequest,
    ModelportError,
    ModelTimeout,
    Overloaded,
    ProtocolError,
    RateLimited,
    RequestTooLarge,
    Unauthorized,
)
from modelport.media import ImageFile
from modelport.testing import reply
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Emulated,
    Event,
    Finish,
    FunctionCall,
    ImagePart,
    Message,
    NamedTool,
    ReasoningDelta,
    ReasoningPart,
    ResponseFormat,
    Started,
    TextDelta,
    TextPart,
    Tool,
    ToolCall,
    ToolCallDelta,
    Usage,
    fold,
)

ASK = ChatRequest(messages=(Message("user", "hi"),))
ASKED = Asked(request=ASK)


def with_images(*images: Any) -> ChatRequest:
    return ChatRequest(messages=(Message("user", (TextPart("look"), *(ImagePart(image) for image in images))),))


def arrived(*images: Any) -> list[Any]:
    body = DIALECT.encode_request(with_images(*images), stream=True)
    content = DIALECT.decode_request(body).request.messages[0].content
    assert isinstance(content, tuple)
    return [part.image for part in content if isinstance(part, ImagePart)]


def encode_parts(request: ChatRequest) -> list[Any]:
    return [(part, encode_part(part.image)) for _, part in images_of(request)]


class Shelf:
    """Parts in a dict."""

    def __init__(self) -> None:
        self.parts: dict[bytes, DecodedPart] = {}

    def get(self, digest: bytes) -> DecodedPart | None:
        return self.parts.get(digest)

    def put(self, digest: bytes, part: DecodedPart) -> None:
        self.parts[digest] = part


# --- requests ---

FULL = ChatRequest(
    messages=(
        Message("system", "be brief", name="boss"),
        Message("user", (TextPart("x"), ReasoningPart("y"), ImagePart("https://example.org/a", "image/png", "low"))),
        Message(
            "assistant",
            tool_calls=(ToolCall("c1", FunctionCall("f", "{}")),),
            reasoning="hm",
            refusal="no",
            extra={"cache": [1, {"deep": None}]},
        ),
        Message("tool", "42", tool_call_id="c1"),
        Message("assistant", function_call=FunctionCall("g", "[]")),
    ),
    model="m",
    n=2,
    temperature=0.5,
    top_p=0.25,
    max_tokens=7,
    stop=("a", "b"),
    seed=-3,
    presence_penalty=1,
    frequency_penalty=-1.5,
    logit_bias={"5": 1.0},
    logprobs=True,
    top_logprobs=3,
    tools=(Tool("f", "does", {"type": "object", "properties": {}}, strict=True),),
    tool_choice=NamedTool("f"),
    parallel_tool_calls=False,
    response_format=ResponseFormat("json_schema", "s", {"type": "object"}, strict=True),
    reasoning_effort="low",
    user="u",
    metadata={"a": "b"},
    extra={"raw": b"\0\xff", "n": 1 << 63, "list": [1.5, True, None, "é\0"]},
)


def test_every_field_of_a_request_crosses() -> None:
    body = DIALECT.encode_request(FULL, stream=True)

    asked = DIALECT.decode_request(body)

    assert asked.request == FULL
    assert (asked.stream, asked.include_usage) == (True, True)


def test_the_wish_to_stream_and_the_deadline_cross() -> None:
    body = b"".join(pack(ASK, [], stream=False, timeout=2.5))

    assert DIALECT.decode_request(body) == Asked(request=ASK, stream=False, include_usage=True, timeout=2.5)


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False)
    | _text
    | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=8,
)
_content = (
    st.none() | _text | st.lists(st.builds(TextPart, _text) | st.builds(ReasoningPart, _text), max_size=3).map(tuple)
)
_messages = st.lists(
    st.builds(
        Message,
        st.sampled_from(["system", "user", "assistant", "tool"]),
        _content,
        name=st.none() | _text,
        extra=st.none() | st.dictionaries(_text, _plain, min_size=1, max_size=2),
    ),
    min_size=1,
    max_size=4,
).map(tuple)
_requests = st.builds(
    ChatRequest,
    messages=_messages,
    temperature=st.none() | st.floats(0, 2),
    seed=st.none() | st.integers(-(1 << 63), (1 << 63) - 1),
    stop=st.none() | st.lists(_text, max_size=3).map(tuple),
    extra=st.none() | st.dictionaries(_text, _plain, min_size=1, max_size=3),
)


@given(_requests)
def test_any_request_crosses(request: ChatRequest) -> None:
    assert DIALECT.decode_request(DIALECT.encode_request(request, stream=False)).request == request


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (ChatRequest(messages=ASK.messages, extra={"foo": threading.Lock()}), "extra.foo"),
        (ChatRequest(messages=ASK.messages, extra={"a": [1, {"b": {1, 2}}]}), "extra.a[1].b"),
        (ChatRequest(messages=ASK.messages, extra={"a": {3: 4}}), "extra.a"),
        (ChatRequest(messages=ASK.messages, extra={"a": 1 << 64}), "extra.a"),
        (ChatRequest(messages=ASK.messages, extra={"a": np.zeros(2)}), "extra.a"),
        (ChatRequest(messages=(Message("user", "x", extra={"k": object()}),)), "messages[0].extra.k"),
        (ChatRequest(messages=ASK.messages, tools=(Tool("f", None, {"a": object()}),)), "tools"),
        (ChatRequest(messages=ASK.messages, seed=1 << 70), "seed"),
        (ChatRequest(messages=(ASK.messages[0], Message("user", "\ud800"))), "messages[1].content"),
        (ChatRequest(messages=(Message("user", (TextPart("a"), TextPart("\ud800"))),)), "messages[0].content[1]"),
    ],
)
def test_what_cannot_cross_is_refused_by_name(request_: ChatRequest, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        DIALECT.encode_request(request_, stream=True)

    assert caught.value.param == param
    assert param in caught.value.message


def test_extra_nested_too_deep_is_refused() -> None:
    deep: Any = 1
    for _ in range(1000):
        deep = [deep]

    with pytest.raises(InvalidRequest, match="nested deeper than 64"):
        DIALECT.encode_request(ChatRequest(messages=ASK.messages, extra={"a": deep}), stream=True)


# --- images ---

DTYPES = ["?", "u1", "i1", "<u2", ">u2", "<i4", ">i8", "<u8", "<f2", ">f4", "<f8", "<c8", ">c16"]
SHAPES: list[tuple[int, ...]] = [(), (0,), (3, 0, 2), (1,), (5, 7), (40, 30, 3), (2, 1, 2, 1, 2)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_an_array_arrives_equal(dtype: str, shape: tuple[int, ...]) -> None:
    raw = np.random.default_rng(0).integers(0, 2 if dtype == "?" else 256, (*shape, np.dtype(dtype).itemsize), np.uint8)
    array = raw.view(dtype).reshape(shape)

    [got] = arrived(array)

    assert (got.dtype, got.shape, got.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert got.flags.c_contiguous


def test_a_view_arrives_as_what_it_shows() -> None:
    base = np.arange(4000, dtype=np.int32).reshape(40, 100)
    views = [base[::2, ::-3], base.T, np.asfortranarray(base), np.broadcast_to(base[0], (3, 100))]

    assert all(np.array_equal(*pair) for pair in zip(arrived(*views), views, strict=True))


def test_an_array_arrives_read_only_because_it_may_be_shared() -> None:
    [got] = arrived(np.zeros((4, 4, 3), np.uint8))

    with pytest.raises(ValueError, match="read-only"):
        got[0] = 1


@pytest.mark.parametrize(
    "array",
    [
        np.array([object()]),
        np.array(["x"]),
        np.array([b"x"]),
        np.zeros(2, "M8[s]"),
        np.zeros(2, [("a", "u1")]),
        np.zeros(2, "g"),
    ],
)
def test_an_array_of_anything_but_numbers_is_refused(array: Any) -> None:
    with pytest.raises(InvalidRequest, match="cannot be sent: convert it to bool, integers or floats"):
        DIALECT.encode_request(with_images(array), stream=True)


def test_a_masked_array_is_refused_rather_than_unmasked() -> None:
    with pytest.raises(InvalidRequest, match="masked"):
        DIALECT.encode_request(with_images(np.ma.masked_array([1, 2], [True, False])), stream=True)


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "LA", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "I", "F", "I;16"]
)
@pytest.mark.parametrize("size", [(1, 1), (33, 21), (0, 4)])
def test_a_picture_arrives_equal(mode: str, size: tuple[int, int]) -> None:
    length = len(Image.new(mode, size).tobytes())
    noise = np.random.default_rng(0).integers(0, 256, length, np.uint8)
    picture = Image.frombytes(mode, size, noise.tobytes()) if length else Image.new(mode, size)
    if mode == "P":
        picture.putpalette(bytes(range(256)) * 3)

    [got] = arrived(picture)

    assert (got.mode, got.size, got.tobytes()) == (picture.mode, picture.size, picture.tobytes())
    assert got.getpalette() == picture.getpalette()
    assert got == picture


def test_a_pictures_transparency_arrives() -> None:
    picture = Image.new("P", (4, 4), 2)
    picture.info["transparency"] = 2

    [got] = arrived(picture)

    assert got.convert("RGBA").tobytes() == picture.convert("RGBA").tobytes()


def test_two_requests_never_share_a_picture_that_can_be_changed() -> None:
    shelf, request = Shelf(), with_images(Image.new("L", (8, 8), 1))
    body = DIALECT.encode_request(request, stream=True)
    first: Any = Port(shelf).decode_request(body).request.messages[0].content
    first[1].image.putpixel((0, 0), 9)

    second: Any = Port(shelf).decode_request(
        b"".join(pack(request, parts := encode_parts(request), stream=True, leave_out={p.digest for _, p in parts}))
    )

    assert second.request.messages[0].content[1].image.getpixel((0, 0)) == 1


def test_a_path_arrives_as_its_files_bytes_name_and_type(tmp_path: Path) -> None:
    path = tmp_path / "shot.png"
    Image.new("RGB", (3, 3)).save(path)

    body = DIALECT.encode_request(with_images(path), stream=True)
    content: Any = DIALECT.decode_request(body).request.messages[0].content

    assert isinstance(content[1].image, ImageFile)
    assert (content[1].image, content[1].image.name, content[1].media_type) == (
        path.read_bytes(),
        "shot.png",
        "image/png",
    )
    assert str(tmp_path).encode() not in body


def test_a_path_that_is_not_there_is_refused_on_the_callers_side(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="is not there"):
        DIALECT.encode_request(with_images(tmp_path / "gone.png"), stream=True)


@pytest.mark.parametrize("size", [3, 5000])
def test_bytes_and_urls_arrive_as_they_were(size: int) -> None:
    images = [bytes(size), "data:image/png;base64," + "A" * size, "https://example.org/" + "a" * size, "/etc/passwd"]

    got = arrived(*images)

    assert got == images
    assert [type(each) for each in got] == [bytes, str, str, str]


def test_an_image_in_two_places_crosses_once() -> None:
    array = np.random.default_rng(0).integers(0, 256, 50_000, np.uint8)

    once, twice = (
        DIALECT.encode_request(with_images(*images), stream=True) for images in ([array], [array, array.copy()])
    )

    assert len(twice) < len(once) + 200
    assert all(np.array_equal(got, array) for got in arrived(array, array.copy()))


def test_noise_is_not_made_longer_by_compressing_it() -> None:
    noise = np.random.default_rng(0).integers(0, 256, 100_000, np.uint8)

    assert encode_part(noise).size < 100_200
    assert np.array_equal(arrived(noise)[0], noise)


def test_what_is_sent_does_not_change_with_the_array_it_came_from() -> None:
    noise = np.random.default_rng(0).integers(0, 256, 1000, np.uint8)
    part = encode_part(noise)

    noise[:] = 0

    assert hashlib.sha256(part.head + bytes(part.data)).digest() == part.digest


# --- parts by address ---


def test_a_kept_part_is_named_and_not_sent() -> None:
    shelf, array = Shelf(), np.random.default_rng(0).integers(0, 256, 50_000, np.uint8)
    request = with_images(array)
    parts = encode_parts(request)
    Port(shelf).decode_request(b"".join(pack(request, parts, stream=True)))

    body = b"".join(pack(request, parts, stream=True, leave_out={parts[0][1].digest}))
    content: Any = Port(shelf).decode_request(body).request.messages[0].content

    assert len(body) < 400
    assert np.array_equal(content[1].image, array)


@pytest.mark.parametrize("shelf", [None, Shelf()])
def test_a_part_that_is_not_kept_is_asked_for_by_its_address(shelf: Any) -> None:
    request = with_images(b"x" * 1000, b"y" * 1000)
    parts = encode_parts(request)
    digests = [part.digest for _, part in parts]

    with pytest.raises(MissingParts) as caught:
        Port(shelf).decode_request(b"".join(pack(request, parts, stream=True, leave_out=digests)))

    error = DIALECT.decode_error(409, DIALECT.encode_error(caught.value), {"content-type": DIALECT.response_type})
    assert isinstance(error, MissingParts)
    assert list(error.missing) == digests


def test_a_part_that_is_not_what_its_address_says_is_refused_and_not_kept() -> None:
    shelf = Shelf()
    body = bytearray(DIALECT.encode_request(with_images(bytes(1000) + b"z"), stream=True))
    body[-1] ^= 1

    with pytest.raises(InvalidRequest, match="SHA-256"):
        Port(shelf).decode_request(bytes(body))
    assert not shelf.parts


# --- hostile requests ---


def part_body(head: dict[str, Any], data: bytes) -> bytes:
    """A request whose one part is made by hand."""
    encoded = msgspec.msgpack.encode(head)
    payload = len(encoded).to_bytes(2, "big") + encoded + data
    reference = msgspec.msgpack.Ext(1, bytes(4))
    content = [{"type": "image", "image": reference}]
    envelope = msgspec.msgpack.encode(
        {
            "request": {"messages": [{"role": "user", "content": content}]},
            "parts": [[hashlib.sha256(payload).digest(), len(payload), True]],
        }
    )
    return b"mport\x01" + len(envelope).to_bytes(4, "big") + envelope + payload


ARRAY = {"kind": "array", "size": 4, "dtype": "|u1", "shape": [4]}


def test_a_part_made_by_hand_is_taken() -> None:
    content: Any = DIALECT.decode_request(part_body(ARRAY, b"abcd")).request.messages[0].content

    assert content[0].image.tolist() == [97, 98, 99, 100]


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "|O8"},
        {"dtype": "O"},
        {"dtype": "<V4"},
        {"dtype": "|u4"},
        {"dtype": "<u1"},
        {"dtype": "u1"},
        {"dtype": "|u1,|u1"},
        {"dtype": "|u²"},
        {"dtype": None},
        {"shape": [-4]},
        {"shape": [-2, -2]},
        {"shape": [5]},
        {"shape": [1 << 63]},
        {"shape": [0, 1 << 60]},
        {"shape": [1] * 33 + [4]},
        {"shape": None},
        {"size": -1},
        {"size": 1 << 62, "shape": [1 << 62]},
        {"kind": "pickle"},
        {"kind": "pil"},
        {"kind": "pil", "mode": "L", "shape": [4]},
        {"kind": "pil", "mode": "nope", "shape": [2, 2]},
        {"kind": "pil", "mode": "L", "shape": [2, 2], "palette": ["RGB", b"abc"]},
        {"kind": "pil", "mode": "P", "shape": [2, 2], "palette": ["what", b"abc"]},
        {"kind": "text", "size": 4, "packed": True},
        {"packed": True},
        {"unknown": 1},
    ],
)
def test_a_part_with_a_wrong_head_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        DIALECT.decode_request(part_body({**ARRAY, **change}, b"abcd"))


def test_text_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="not the text"):
        DIALECT.decode_request(part_body({"kind": "text", "size": 2}, b"\xff\xfe"))


def test_a_bomb_is_not_unpacked_beyond_what_it_says() -> None:
    bomb = bytes(_port_parts._compress(memoryview(bytes(50_000_000))))
    assert len(bomb) < 10_000

    for size in (4, 49_999_999, 50_000_001):
        with pytest.raises(InvalidRequest, match="does not unpack to"):
            DIALECT.decode_request(part_body({**ARRAY, "packed": True, "size": size, "shape": [size]}, bomb))


def test_a_part_that_says_to_be_too_large_is_refused_before_it_is_unpacked() -> None:
    size = _port_parts.MOST_PART + 1

    with pytest.raises(RequestTooLarge):
        DIALECT.decode_request(part_body({**ARRAY, "packed": True, "size": size, "shape": [size]}, b""))


def test_packed_data_must_be_one_frame_and_end_with_it() -> None:
    frame = bytes(_port_parts._compress(memoryview(b"abcd" * 100)))
    head = {**ARRAY, "packed": True, "size": 400, "shape": [400]}

    assert DIALECT.decode_request(part_body(head, frame)).request.messages
    for wrong in (frame[:-1], frame + b"x", frame + frame, b"no frame", b""):
        with pytest.raises(InvalidRequest):
            DIALECT.decode_request(part_body(head, wrong))


def envelope_body(envelope: Any, rest: bytes = b"", version: int = 1) -> bytes:
    data = msgspec.msgpack.encode(envelope)
    return b"mport" + bytes((version,)) + len(data).to_bytes(4, "big") + data + rest


MESSAGES = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not in modelport's port format"),
        (b'{"messages": []}', "not in modelport's port format"),
        (b"mport\x01\0\0", "not in modelport's port format"),
        (b"mport\x02\0\0\0\0", "version 2 of modelport's port format is not spoken here"),
        (b"mport\x01\0\0\1\0", "cut short"),
        (b"mport\x01\xff\xff\xff\xff", "more than"),
        (b"mport\x01\0\0\0\1\xc1", "envelope is broken"),
        (envelope_body({}), "envelope is broken"),
        (envelope_body({"request": {"messages": []}}), "messages is empty"),
        (envelope_body({"request": {}}), "messages is missing"),
        (envelope_body({"request": {"messages": MESSAGES, "n": 0}}), "^n must be a whole number >= 1"),
        (envelope_body({"request": {"messages": MESSAGES, "nope": 1}}), "nope is not a field"),
        (envelope_body({"request": {"messages": [{"role": "king"}]}}), r"messages\[0\]\.role"),
        (envelope_body({"request": {"messages": MESSAGES}}, b"more"), "goes on after its last part"),
        (envelope_body({"request": {"messages": MESSAGES}, "parts": [[b"x", 3, True]]}), "SHA-256"),
        (envelope_body({"request": {"messages": MESSAGES}, "parts": [[bytes(32), 3, True]]}, b"xx"), "within parts"),
        (envelope_body({"request": {"messages": MESSAGES}, "parts": [[bytes(32), -3, True]]}), "a size"),
        (
            envelope_body({"request": {"messages": MESSAGES}, "parts": [[bytes(32), 3, False]] * 1025}),
            "different images",
        ),
        (
            envelope_body({"request": {"messages": MESSAGES, "extra": {"x": msgspec.msgpack.Ext(1, bytes(4))}}}),
            "cannot be read",
        ),
        (
            envelope_body({"request": {"messages": [{"role": "user", "content": [{"type": "image", "image": [1]}]}]}}),
            "must be an image",
        ),
    ],
)
def test_a_broken_body_is_refused_with_what_is_wrong(body: bytes, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        DIALECT.decode_request(body)


def test_a_reference_may_stand_nowhere_but_for_an_image() -> None:
    payload = encode_part(np.zeros(3))
    data = payload.head + bytes(payload.data)
    request = {"messages": MESSAGES, "extra": {"x": msgspec.msgpack.Ext(1, bytes(4))}}

    with pytest.raises(InvalidRequest, match=r"extra\.x is of type ndarray"):
        DIALECT.decode_request(envelope_body({"request": request, "parts": [[payload.digest, len(data), True]]}, data))


def test_a_body_of_too_many_values_is_refused_before_it_is_decoded() -> None:
    request = {"messages": MESSAGES, "extra": {"x": [[]] * 1_000_000}}

    with pytest.raises(RequestTooLarge, match="more than 1000000 values"):
        DIALECT.decode_request(envelope_body({"request": request}))


def test_a_long_text_is_not_taken_for_many_values() -> None:
    request = ChatRequest(messages=(Message("user", "\x01" * 3_000_000),), extra={"b": bytes(3_000_000)})

    assert DIALECT.decode_request(DIALECT.encode_request(request, stream=True)).request == request


def test_nesting_too_deep_to_decode_is_refused() -> None:
    deep = b"\x91" * 100_000 + b"\xc0"
    envelope = b"\x81\xa7request\x82\xa8messages\x91\x82\xa4role\xa4user\xa7content\xa2hi\xa5extra\x81\xa1x" + deep

    with pytest.raises(InvalidRequest):
        DIALECT.decode_request(b"mport\x01" + len(envelope).to_bytes(4, "big") + envelope)


BODIES = [
    DIALECT.encode_request(FULL, stream=True),
    DIALECT.encode_request(with_images(np.zeros((4, 4, 3), np.uint8), Image.new("P", (4, 4)), b"x" * 600), stream=True),
]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(BODIES), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6), st.integers(0, 40)
)
def test_damaged_bodies_are_refused_or_taken_and_nothing_else(
    body: bytes, changes: list[tuple[float, int]], cut: int
) -> None:
    damaged = bytearray(body)
    for place, value in changes:
        damaged[int(place * (len(damaged) - 1))] = value

    with contextlib.suppress(InvalidRequest):
        DIALECT.decode_request(bytes(damaged[: len(damaged) - cut]))


@given(st.binary(max_size=200))
@example(b"\xdf\xff\xff\xff\xff")
def test_any_bytes_after_the_magic_are_refused(rest: bytes) -> None:
    with pytest.raises(InvalidRequest):
        DIALECT.decode_request(b"mport\x01" + len(rest).to_bytes(4, "big") + rest)


# --- streamed answers ---

EVENTS: list[Event] = [
    Started(model="m", id="x", cached=True),
    Emulated(("n", "stop")),
    ReasoningDelta("hm", 1),
    TextDelta("Grüße, "),
    TextDelta("世界\0", 1),
    ToolCallDelta(0, "c1", "f", '{"a":'),
    ToolCallDelta(0, arguments=" 1}"),
    Finish("tool_calls"),
    Finish("length", 1),
    Usage(3, 5, 9, 1, 2, 0.25, estimated=True),
]


def read(data: bytes, size: int) -> list[Event]:
    decoder = DIALECT.stream_decoder()
    events = [event for at in range(0, len(data), size) for event in decoder.feed(data[at : at + size])]
    return events + decoder.finish()


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
@pytest.mark.parametrize("together", [1, 3, 100])
def test_a_stream_survives_any_split_of_its_bytes(size: int, together: int) -> None:
    encoder = DIALECT.stream_encoder(ASKED, "m")
    pieces = [encoder.encode(EVENTS[at : at + together]) for at in range(0, len(EVENTS), together)]

    data = encoder.keep_alive.join(pieces) + encoder.finish()

    assert read(data, size) == EVENTS


_events = st.lists(
    st.builds(TextDelta, _text, st.integers(0, 3))
    | st.builds(ReasoningDelta, _text)
    | st.builds(ToolCallDelta, st.integers(0, 3), st.none() | _text, st.none() | _text, _text)
    | st.builds(Finish)
    | st.builds(Usage, st.none() | st.integers(0, 9), cost=st.none() | st.floats(0, 9)),
    max_size=8,
)


@given(_events, st.integers(1, 50))
def test_any_events_cross(events: list[Event], size: int) -> None:
    encoder = DIALECT.stream_encoder(ASKED, "m")

    assert read(encoder.encode(events) + encoder.finish(), size) == events


@pytest.mark.parametrize("size", [1, 10_000])
def test_a_failure_in_a_stream_comes_after_the_events_before_it(size: int) -> None:
    encoder, decoder = DIALECT.stream_encoder(ASKED, "m"), DIALECT.stream_decoder()
    data = encoder.encode(reply("par")) + encoder.fail(RateLimited("slow down", retry_after=3))
    events: list[Event] = []

    def read_all() -> None:
        for at in range(0, len(data), size):
            events.extend(decoder.feed(data[at : at + size]))
        decoder.finish()

    with pytest.raises(RateLimited, match="slow down") as caught:
        read_all()

    assert events == reply("par")
    assert caught.value.retry_after == 3


def test_a_stream_that_breaks_off_is_told_from_one_that_ends() -> None:
    encoder = DIALECT.stream_encoder(ASKED, "m")

    with pytest.raises(ConnectionFailed, match="in the middle of its answer"):
        read(encoder.encode(reply("par")), 100)
    with pytest.raises(ProtocolError, match="goes on after its end"):
        read(encoder.finish() + encoder.encode(reply("x")), 100)
    with pytest.raises(ProtocolError, match="goes on after its end"):
        read(encoder.finish() + b"\0", 100)


def test_the_object_of_a_users_class_never_crosses() -> None:
    secret = object()
    encoder = DIALECT.stream_encoder(ASKED, "m")
    response = fold([Started(raw=secret), *reply("x")])

    assert read(encoder.encode([Started(raw=secret)]) + encoder.finish(), 100) == [Started()]
    assert DIALECT.decode_response(DIALECT.encode_response(ASKED, response)).raw is None


def test_an_event_that_is_no_plain_data_is_the_models_fault() -> None:
    with pytest.raises(ContractBroken, match="no plain data"):
        DIALECT.stream_encoder(ASKED, "m").encode([TextDelta(object())])  # type: ignore[arg-type]


@given(st.binary(max_size=100), st.integers(1, 7))
@example(b"\xff\xff\xff\xff", 1)
@example(b"\0\0\0\x03\x91\x81\xa4", 2)
@example(b"<html>no</html>", 3)
def test_any_bytes_for_a_stream_give_events_or_typed_errors(data: bytes, size: int) -> None:
    with contextlib.suppress(ProtocolError, ConnectionFailed):
        read(data, size)


@given(st.integers(0, 1000), st.integers(0, 255))
def test_a_damaged_stream_gives_events_or_typed_errors(place: int, value: int) -> None:
    encoder = DIALECT.stream_encoder(ASKED, "m")
    data = bytearray(encoder.encode(EVENTS) + encoder.fail(Overloaded("x", retry_after=1)))
    data[place % len(data)] = value

    with contextlib.suppress(ModelportError):
        read(bytes(data), 50)


# --- whole answers and errors ---


def test_a_whole_answer_crosses() -> None:
    response = fold(EVENTS, "m")

    assert DIALECT.decode_response(DIALECT.encode_response(ASKED, response)) == response


@given(st.binary(max_size=60))
@example(b"<html>")
@example(msgspec.msgpack.encode(ChatResponse(id="", model="", created=0, choices=())))
def test_any_bytes_for_an_answer_are_a_protocol_error(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        DIALECT.decode_response(data)


@pytest.mark.parametrize(
    "error",
    [InvalidRequest("no", param="n"), RateLimited("later", retry_after=2.5), Unauthorized("who?"), Overloaded("full")],
)
def test_an_error_crosses_as_what_it_is(error: ModelportError) -> None:
    got = DIALECT.decode_error(error.status, DIALECT.encode_error(error), {"content-type": DIALECT.response_type})

    assert (type(got), got.message, got.param, got.retry_after) == (
        type(error),
        error.message,
        error.param,
        error.retry_after,
    )


@pytest.mark.parametrize(
    ("status", "kind", "body", "expected"),
    [
        (404, "text/html; charset=utf-8", b"<html>nginx</html>", ProtocolError),
        (200, "application/json", b'{"ok": true}', ProtocolError),
        (400, "application/vnd.modelport.v9", b"?", ProtocolError),
        (401, "text/plain", b"", Unauthorized),
        (429, "application/json", b"{}", RateLimited),
        (502, "text/html", b"bad gateway", ConnectionFailed),
        (503, "text/html", b"", Overloaded),
        (504, "text/html", b"", ModelTimeout),
    ],
)
def test_what_others_answer_is_named(status: int, kind: str, body: bytes, expected: type[ModelportError]) -> None:
    error = DIALECT.decode_error(status, body, {"content-type": kind, "retry-after": "7"})

    assert type(error) is expected
    assert f"answered {status} with {kind.partition(';')[0]}" in error.message
    assert error.retry_after == (7 if expected is not ProtocolError else None)


@given(st.binary(max_size=60))
def test_any_bytes_for_an_error_are_some_error(data: bytes) -> None:
    assert isinstance(DIALECT.decode_error(500, data, {"content-type": DIALECT.response_type}), ModelportError)
