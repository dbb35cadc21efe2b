"""Answers to what never became a request: the connection itself gives them, below the app. Knows no connection."""

import http
import re
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from modelport.types import mint_id

__all__ = (
    "HEAD_TOO_LARGE",
    "HEAD_TOO_SLOW",
    "MALFORMED",
    "NO_PROXY",
    "PLAIN_HTTP",
    "TOO_MANY_AHEAD",
    "TOO_MANY_HEADERS",
    "UNEVEN",
    "UNKNOWN_CODING",
    "Refusal",
    "busy",
    "identify",
    "refusal_bytes",
)

_GIVEN = re.compile(rb"[A-Za-z0-9._:/+=@~-]{1,128}").fullmatch  # nothing that a log, a header or a page would obey


class Refusal(Struct, frozen=True):
    """Why a connection is given up; in OpenAI's form, because nobody knows yet whose was meant."""

    status: int
    code: str
    message: str
    kind: str = "invalid_request_error"


MALFORMED = Refusal(400, "malformed_http", "what came is not an HTTP/1.1 request")
HEAD_TOO_LARGE = Refusal(431, "head_too_large", "the request's line and its headers are too long: 64 KiB is the most")
TOO_MANY_HEADERS = Refusal(431, "head_too_large", "the request has more than 256 headers, the most that are taken")
UNEVEN = Refusal(400, "malformed_http", "a body's chunks have more around them than in them")
UNKNOWN_CODING = Refusal(400, "malformed_http", "no Transfer-Encoding but chunked, of HTTP/1.1, is read here")
TOO_MANY_AHEAD = Refusal(400, "malformed_http", "too many requests were sent ahead of their answers")
NO_PROXY = Refusal(400, "malformed_http", "a request's target is a path here: this server is no proxy")
PLAIN_HTTP = Refusal(400, "tls_expected", "this server speaks TLS: write https:// in its address, not http://")
HEAD_TOO_SLOW = Refusal(408, "request_timeout", "the request's headers did not come in time: send it without pauses")


def busy(most: int) -> Refusal:
    """For a connection past the bound, where none of the others can be closed for it."""
    return Refusal(503, "overloaded", f"{most} connections are being answered already: try again", "server_error")


def identify(headers: Iterable[tuple[bytes, bytes]] = ()) -> str:
    """The id of a request with these *headers*: the caller's own where it is well formed, else a fresh one."""
    given = next((value for name, value in headers if name == b"x-request-id"), None)
    return mint_id("req_") if given is None or not _GIVEN(given) else given.decode("ascii")


def refusal_bytes(refusal: Refusal, identity: str) -> bytes:
    """*refusal* as all of an HTTP/1.1 answer, after which the connection is closed."""
    error = {"message": refusal.message, "type": refusal.kind, "param": None, "code": refusal.code}
    body = msgspec.json.encode({"error": error})
    phrase = http.HTTPStatus(refusal.status).phrase
    head = (
        f"HTTP/1.1 {refusal.status} {phrase}\r\nconnection: close\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nx-request-id: {identity}\r\n\r\n"
    )
    return head.encode("ascii") + body
