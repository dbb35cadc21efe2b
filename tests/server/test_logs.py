"""The log of a server: what its lines are, and that nobody waits for whoever should read them."""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextvars import copy_context
from io import StringIO
from typing import Any

import pytest

from modelport.secret import Secret
from modelport.server.logs import JsonLines, LogWriter, TextLines, current_request

SECRET = 'sk-"quoted"\\and/long'


def record(message: str, *args: object, level: int = logging.INFO, **more: Any) -> logging.LogRecord:
    made = logging.LogRecord("modelport.test", level, __file__, 1, message, args, more.pop("exc_info", None))
    made.__dict__.update(more)
    return made


def failing(message: str) -> Any:
    try:
        raise RuntimeError(message)
    except RuntimeError:
        return sys.exc_info()


# --- lines ---


def test_a_json_line_is_one_object_with_time_level_logger_and_message() -> None:
    line = JsonLines().format(record("first\nsecond %s", "third", level=logging.WARNING, request_id="req_1"))

    told = json.loads(line)
    assert "\n" not in line
    stamp = told.pop("time")
    assert time.strptime(stamp.partition(".")[0], "%Y-%m-%dT%H:%M:%S")
    assert stamp.endswith("Z")
    assert told == {
        "level": "warning",
        "logger": "modelport.test",
        "message": "first\nsecond third",
        "request_id": "req_1",
    }


def test_a_traceback_is_in_the_same_json_line() -> None:
    told = json.loads(JsonLines().format(record("it failed", exc_info=failing("the canary"))))

    assert told["exception"].startswith("Traceback")
    assert told["exception"].endswith("RuntimeError: the canary")


@pytest.mark.parametrize("lines", [JsonLines, TextLines])
def test_secrets_are_masked_wherever_they_stand(lines: Any) -> None:
    fields = {"path": f"/v1/{SECRET}", "status": 200, "key": None, "model": SECRET}
    made = record("asked with %s", SECRET, exc_info=failing(SECRET), modelport_fields=fields)

    line = lines([Secret(SECRET)]).format(made)

    assert "***" in line
    for form in (SECRET, json.dumps(SECRET)[1:-1], repr(SECRET)[1:-1]):
        assert form not in line


@pytest.mark.parametrize("text", ["half \ud83d", "\x1b[31m", "\u2028", "naïve ☃"])
def test_any_text_can_be_told_as_json(text: str) -> None:
    told = json.loads(JsonLines().format(record("%s", text)))

    assert told["message"] == text.encode("utf-8", "backslashreplace").decode()


def test_a_line_of_text_has_its_fields_behind_it_and_nothing_of_those_that_are_not_known() -> None:
    fields = {"client": "x", "model": "m", "key": None, "stream": True, "left": False, "bytes": 12}

    line = TextLines().format(record("x GET / 200", modelport_fields=fields, request_id="req_1"))

    assert line.endswith("INFO modelport.test: x GET / 200 model=m stream bytes=12")


def test_nothing_that_is_told_begins_a_line_of_text_or_is_obeyed_by_a_terminal() -> None:
    line = TextLines().format(
        record("%s failed", "/v1/responses/x\n2026-01-01 INFO modelport: all is well\r\x1b[2J\x9b1m")
    )

    assert line.endswith("/v1/responses/x\\n2026-01-01 INFO modelport: all is well\\r\\x1b[2J\\x9b1m failed")
    assert line.isprintable()


def test_what_an_error_says_cannot_look_like_a_record_and_no_terminal_obeys_it() -> None:
    forged = "2026-01-01 00:00:00,000 INFO modelport.access: 127.0.0.1:1 GET / 200"

    first, *rest = TextLines().format(record("it failed", exc_info=failing(f"x\x1b[31m\n{forged}"))).split("\n")

    assert first.endswith("it failed")
    assert all(line.startswith("  ") for line in rest)
    assert rest[0] == "  Traceback (most recent call last):"
    assert rest[-2:] == ["  RuntimeError: x\\x1b[31m", f"  {forged}"]


def test_a_line_of_text_has_the_request_that_it_belongs_to() -> None:
    told = TextLines().format(record("req_1: it failed", request_id="req_1"))
    beside = TextLines().format(record("a model's own words", request_id="req_1"))

    assert told.endswith("req_1: it failed")
    assert beside.endswith("a model's own words request_id=req_1")


# --- writing ---


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.Logger("modelport.test")  # noqa: LOG001  (nobody else has it)
    yield logger
    for handler in logger.handlers:
        handler.close()


def test_what_is_logged_is_written_in_order_with_its_request(logger: logging.Logger) -> None:
    stream = StringIO()
    writer = LogWriter(stream)
    writer.setFormatter(JsonLines())
    logger.addHandler(writer)

    def answer() -> None:
        current_request.set("req_7")
        thread = threading.Thread(target=copy_context().run, args=(logger.info, "%s of %d", "from a thread", 2))
        thread.start()
        thread.join()

    logger.info("first")
    copy_context().run(answer)
    logger.info("%d last", "not a number")
    writer.flush()

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line.get("request_id") for line in lines] == [None, "req_7", None]
    assert lines[0]["message"] == "first"
    assert lines[1]["message"] == "from a thread of 2"
    assert lines[2]["message"] == "'%d last' cannot be logged: TypeError"


def test_nobody_waits_for_a_pipe_that_is_not_read_and_what_is_left_out_is_told(logger: logging.Logger) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream, os.fdopen(reading, "rb") as reader:
        writer = LogWriter(stream, most=50)
        writer.setFormatter(TextLines())
        logger.addHandler(writer)

        for number in range(5000):
            logger.info("%d %s", number, "x" * 200)
        told, left_out = 0, 0
        while told + left_out < 5000:
            line = reader.readline().decode()
            if line.endswith("records are left out: nobody took the log in time\n"):
                left_out += int(line.partition("modelport.log: ")[2].split()[0])
            else:
                told += 1

    assert told + left_out == 5000
    assert left_out > 4000


def test_a_reader_who_left_is_no_error(logger: logging.Logger) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        writer = LogWriter(stream)
        logger.addHandler(writer)

        logger.info("hello")
        writer.flush()

    assert not writer._records
