"""Examples are those of the standard, section 9.2.6 and 9.2.7, in our own words where they are long."""

import itertools

import pytest
from hypothesis import given, strategies as st

from modelport.errors import ProtocolError
from modelport.sse import COMMENT, EventParser, ServerSentEvent, encode_event

LINE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"))
TEXT = st.text(st.characters(codec="utf-8"))


def parse(data: bytes, size: int | None = None) -> list[ServerSentEvent]:
    parser = EventParser()
    size = size or len(data) or 1
    return [event for at in range(0, len(data), size) for event in parser.feed(data[at : at + size])]


@pytest.mark.parametrize("newline", [b"\n", b"\r", b"\r\n"], ids=["lf", "cr", "crlf"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_lines_may_end_in_three_ways_and_be_split_anywhere(newline: bytes, size: int) -> None:
    stream = newline.join(
        [b": note", b"", b"event: add", b"data: YHOO", b"data: +2", b"data:10", b"", b"data: x", b"", b""]
    )

    assert parse(stream, size) == [ServerSentEvent("YHOO\n+2\n10", "add"), ServerSentEvent("x")]


def test_an_event_is_there_with_the_carriage_return_that_completes_it() -> None:
    parser = EventParser()

    assert parser.feed(b"data: x\r\r") == [ServerSentEvent("x")]
    assert parser.feed(b"\n") == []


def test_a_line_feed_after_a_carriage_return_is_the_same_line_end_even_when_it_comes_late() -> None:
    parser = EventParser()

    assert parser.feed(b"data: a\r") == []
    assert parser.feed(b"") == []
    assert parser.feed(b"\ndata: b\r") == []
    assert parser.feed(b"\n\r") == [ServerSentEvent("a\nb")]


def test_one_space_after_the_colon_is_dropped_and_no_more() -> None:
    assert parse(b"data:test\n\ndata: test\n\ndata:  test\n\n") == [
        ServerSentEvent("test"),
        ServerSentEvent("test"),
        ServerSentEvent(" test"),
    ]


def test_a_field_without_a_colon_has_an_empty_value() -> None:
    assert parse(b"data\n\ndata\ndata\n\ndata:") == [ServerSentEvent(""), ServerSentEvent("\n")]


def test_the_last_id_stays_until_another_comes() -> None:
    assert parse(b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\nid: x\0y\ndata: d\n\n") == [
        ServerSentEvent("a", last_id="1"),
        ServerSentEvent("b", last_id="1"),
        ServerSentEvent("c"),
        ServerSentEvent("d"),
    ]


def test_an_event_without_data_is_none_and_its_name_is_forgotten() -> None:
    assert parse(b"event: ping\n\ndata: x\n\n") == [ServerSentEvent("x")]


def test_an_event_that_the_stream_does_not_complete_is_dropped() -> None:
    assert parse(b"data: first\n\ndata: second\n") == [ServerSentEvent("first")]


def test_a_byte_order_mark_is_skipped_at_the_beginning_only() -> None:
    for size in (1, 2, 100):
        assert parse(b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\ndata: c\n\n", size) == [
            ServerSentEvent("a"),
            ServerSentEvent("c"),
        ]


def test_bytes_that_are_not_utf8_are_replaced() -> None:
    assert parse(b"data: a\xff\n\n") == [ServerSentEvent("a\ufffd")]


def test_the_retry_time_is_digits_only() -> None:
    parser = EventParser()
    parser.feed(b"retry: 10s\n\nretry: 9999999999999999999\n")
    assert parser.retry is None

    parser.feed(b"retry: 2500\n")

    assert parser.retry == 2500


@pytest.mark.parametrize("stream", [b"data: " + b"x" * 200, b"data: xxxxxxxxx\n" * 20, b"x" * 200], ids=len)
def test_an_event_without_end_is_refused(stream: bytes) -> None:
    parser = EventParser(most=100)

    with pytest.raises(ProtocolError, match="larger than 100 bytes"):
        list(map(parser.feed, (stream[at : at + 1] for at in range(len(stream)))))


def test_many_small_events_never_meet_the_bound() -> None:
    parser = EventParser(most=100)

    events = parser.feed(b"data: twenty characters..\n\n" * 50)

    assert len(events) == 50


def test_a_comment_is_no_event() -> None:
    assert parse(COMMENT) == []


def test_a_name_of_two_lines_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="event must be one line"):
        encode_event("x", event="a\nb")


@given(data=TEXT, event=LINE, last_id=LINE, cuts=st.lists(st.integers(0, 200)))
def test_what_is_written_is_read_again_however_it_is_split(
    data: str, event: str, last_id: str, cuts: list[int]
) -> None:
    stream = encode_event(data, event=event, last_id=last_id)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    parser = EventParser()

    events = [one for start, end in itertools.pairwise(edges) for one in parser.feed(stream[start:end])]

    expected = data.replace("\r\n", "\n").replace("\r", "\n")
    assert events == [ServerSentEvent(expected, event or "message", last_id)]
