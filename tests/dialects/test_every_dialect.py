"""What every dialect promises, in one test each; a new file joins by itself."""

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from modelport.dialects import Dialect
from modelport.errors import ConnectionFailed, InvalidRequest, ModelError, ModelportError, UnsupportedField
from modelport.registry import Registry
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Emulated,
    Event,
    Finish,
    FinishReason,
    Message,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
    fold,
)

DIALECTS = Registry("dialect", "modelport.dialects", "DIALECT")
ASK = ChatRequest(messages=(Message("user", "hi"),), model="m")


def asks(name: str, *, stream: bool) -> bool:
    """Whether a chat can be asked for in this dialect, whole or streamed."""
    try:
        DIALECTS.load(name).encode_request(ASK, stream=stream)
    except (AttributeError, UnsupportedField):
        return False
    return True


ASKED = [name for name in DIALECTS.names() if asks(name, stream=False)]
STREAMED = [name for name in ASKED if asks(name, stream=True)]
JSON = [name for name in ASKED if DIALECTS.load(name).request_type == "application/json"]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
WORDS = st.builds(TextDelta, TEXT) | st.builds(ReasoningDelta, TEXT.filter(bool))


@st.composite
def answers(draw: st.DrawFn) -> list[Event]:
    """The settled events of one answer, as a model could give them: thoughts and words, then calls, an end, usage."""
    events: list[Event] = [Started(model=draw(st.sampled_from(["m", "other"])), cached=draw(st.booleans()))]
    if draw(st.booleans()):
        events.append(Emulated(("stop",)))
    events += draw(st.lists(WORDS, max_size=5))
    calls = draw(st.integers(0, 2))
    events += [ToolCallDelta(number, f"call_{number}", f"tool_{number}") for number in range(calls)]
    numbers = [*range(calls), *range(calls)] if draw(st.booleans()) else sorted([*range(calls), *range(calls)])
    begun: set[int] = set()
    for number in numbers:
        events.append(ToolCallDelta(number, arguments=' "é"}' if number in begun else '{"a":'))
        begun.add(number)
    reasons: list[FinishReason] = ["tool_calls"] if calls else ["stop", "length"]
    events.append(Finish(draw(st.sampled_from(reasons))))
    if draw(st.booleans()):
        events.append(Usage(draw(st.integers(0, 9)), draw(st.integers(0, 9))))
    return events


def streamed(dialect: Dialect, events: list[Event], cuts: Iterable[int]) -> ChatResponse:
    """The answer, through a stream whose bytes come in pieces of these sizes."""
    encoder = dialect.stream_encoder(dialect.decode_request(dialect.encode_request(ASK, stream=True)), "m")
    data = b"".join(encoder.encode([event]) for event in events) + encoder.finish()
    decoder = dialect.stream_decoder()
    out: list[Event] = []
    for size in cuts:
        out += decoder.feed(data[:size])
        data = data[size:]
    out += decoder.feed(data)
    out += decoder.finish()
    return fold(out)


def told(response: ChatResponse) -> tuple[Any, ...]:
    return response.model, response.choices, response.usage, response.emulated, response.cached


@pytest.mark.parametrize("name", STREAMED)
@given(events=answers(), cuts=st.lists(st.integers(1, 40), max_size=20))
def test_a_streamed_answer_folds_to_the_whole_one(name: str, events: list[Event], cuts: list[int]) -> None:
    dialect: Dialect = DIALECTS.load(name)

    whole = dialect.encode_response(dialect.decode_request(dialect.encode_request(ASK, stream=False)), fold(events))

    assert told(streamed(dialect, events, cuts)) == told(dialect.decode_response(whole))


@pytest.mark.parametrize("name", STREAMED)
def test_a_stream_that_ends_too_early_is_not_an_answer(name: str) -> None:
    dialect: Dialect = DIALECTS.load(name)
    encoder = dialect.stream_encoder(dialect.decode_request(dialect.encode_request(ASK, stream=True)), "m")
    decoder = dialect.stream_decoder()

    decoder.feed(encoder.encode([Started(model="m"), TextDelta("hal")]))

    with pytest.raises(ConnectionFailed):
        decoder.finish()


@pytest.mark.parametrize("name", STREAMED)
@pytest.mark.parametrize("begun", [False, True])
def test_an_error_within_a_stream_is_raised_at_its_other_end(name: str, begun: bool) -> None:
    dialect: Dialect = DIALECTS.load(name)
    encoder = dialect.stream_encoder(dialect.decode_request(dialect.encode_request(ASK, stream=True)), "m")
    data = (encoder.encode([TextDelta("hal")]) if begun else b"") + encoder.fail(ModelError("the model is gone"))
    decoder = dialect.stream_decoder()

    with pytest.raises(ModelportError, match="the model is gone"):
        [decoder.feed(data[at : at + 1]) for at in range(len(data))]


@pytest.mark.parametrize(("name", "stream"), [*((name, False) for name in ASKED), *((name, True) for name in STREAMED)])
def test_a_request_is_read_as_it_was_written(name: str, stream: bool) -> None:
    dialect: Dialect = DIALECTS.load(name)

    asked = dialect.decode_request(dialect.encode_request(ASK, stream=stream))

    assert (tuple(asked.request.messages), asked.request.model, asked.stream) == (ASK.messages, "m", stream)


PLAIN = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | TEXT
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


@st.composite
def bodies(draw: st.DrawFn, name: str) -> bytes:
    """A request in this dialect with some of its fields spoilt, or none of it at all."""
    dialect = DIALECTS.load(name)
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=30))
    body: bytes = dialect.encode_request(ASK, stream=name in STREAMED and draw(st.booleans()))
    if name not in JSON:
        at = draw(st.integers(0, len(body)))
        return body[:at] + draw(st.binary(max_size=4)) + body[at:]
    value = msgspec.json.decode(body)
    fields = [*getattr(import_module(f"modelport.dialects.{name}"), "FATES", {}), *value, "no_such_field"]
    for field in draw(st.lists(st.sampled_from(fields), max_size=3)):
        value[field] = draw(VALUES)
    return msgspec.json.encode(value)


@pytest.mark.parametrize("name", ASKED)
@given(data=st.data())
def test_whatever_comes_is_a_request_or_refused(name: str, data: st.DataObject) -> None:
    dialect: Dialect = DIALECTS.load(name)
    body = data.draw(bodies(name))

    messages: Sequence[Message] = ()
    refusal = b""
    try:
        messages = dialect.decode_request(body).request.messages
    except InvalidRequest as error:
        refusal = dialect.encode_error(error)

    assert bool(messages) is not bool(refusal)


@pytest.mark.parametrize("name", JSON)
def test_a_field_that_nobody_knows_is_refused_by_name(name: str) -> None:
    dialect: Any = DIALECTS.load(name)
    body = msgspec.json.decode(dialect.encode_request(ASK, stream=False))

    with pytest.raises(InvalidRequest) as caught:
        dialect.decode_request(msgspec.json.encode({**body, "no_such_field": 1}))

    assert caught.value.param == "no_such_field"
    assert "no_such_field" in caught.value.message


FATED = [name for name in JSON if hasattr(import_module(f"modelport.dialects.{name}"), "FATES")]
KINDS = ("honoured", "emulated", "rejected")


@pytest.mark.parametrize("name", FATED)
def test_every_fate_is_one_of_three_and_a_refusal_says_why(name: str) -> None:
    fates: dict[str, str] = import_module(f"modelport.dialects.{name}").FATES

    assert {fate.partition(":")[0] for fate in fates.values()} <= set(KINDS)
    assert [field for field, fate in fates.items() if fate.strip() == "rejected"] == []


@pytest.mark.parametrize("name", FATED)
def test_no_field_of_the_table_is_unknown_to_the_decoder(name: str) -> None:
    dialect: Any = DIALECTS.load(name)
    body = msgspec.json.decode(dialect.encode_request(ASK, stream=False))

    unknown = []
    for field in import_module(f"modelport.dialects.{name}").FATES:
        try:
            dialect.decode_request(msgspec.json.encode({**body, field: {"no": "such"}}))
        except InvalidRequest as error:
            unknown += [field] if "known here" in error.message and error.param == field else []

    assert unknown == []
