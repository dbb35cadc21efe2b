"""``modelport ps``: the servers of this user on this machine, and whether they answer."""

import argparse
import hashlib
import ssl
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from msgspec import DecodeError, Struct, json

from modelport.server.endpoints import INQUIRY_HEADER, REQUESTS_HEADER
from modelport.storage.running import RunningServer, running_servers
from modelport.terminal import one_line

HELP = "list the servers that you run on this machine"

__all__ = ("HELP", "configure", "run")

_LONGEST = 64 * 1024  # bytes of an answer
_EPILOG = """\
A server is "ready", "not ready" (while a model loads, and on the way down; the reason follows), or gives "no answer"
within --timeout. "isolation" is where a model runs: in a worker process, in a thread of the server, or inline, on its
event loop.

exit status: 0 whether or not there are any, 2 the command line was wrong

examples:
  modelport ps
  modelport ps --json
"""


class _State(Struct, frozen=True):
    state: str
    reason: str | None = None
    requests: int | None = None  # that have ended


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``modelport ps``."""
    parser.epilog = _EPILOG
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--timeout", type=_seconds, default=1.0, help="seconds for a server to answer (default: %(default)g)"
    )


def run(args: argparse.Namespace) -> int:
    """0, however many there are."""
    servers = running_servers()
    rows = [_row(*each) for each in zip(servers, _ask_all(servers, args.timeout), strict=True)]
    if args.json:
        print(json.format(json.encode(rows), indent=2).decode())
    elif rows:
        _print(rows)
    else:
        print("none of your servers runs on this machine: start one with modelport serve")
    return 0


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0, up to 3600")
    return number


# --- showing ----------------------------------------------------------------------------------------------------------


def _row(server: RunningServer, state: _State) -> dict[str, Any]:
    return {
        "url": server.url,
        "pid": server.pid,
        "since": datetime.fromtimestamp(server.since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "state": state.state,
        "reason": state.reason,
        "requests": state.requests,
        "models": [{"name": name, "isolation": isolation} for name, isolation in server.models.items()],
        "tls_fingerprint": server.tls_fingerprint,
    }


def _print(rows: Sequence[dict[str, Any]]) -> None:
    lines = [("URL", "PID", "SINCE", "STATE", "REQUESTS", "MODELS")]
    for row in rows:
        models = ", ".join(f"{model['name']} ({model['isolation']})" for model in row["models"])
        requests = "-" if row["requests"] is None else str(row["requests"])
        since = f"{row['since'][:10]} {row['since'][11:16]} UTC"
        lines.append((one_line(row["url"]), str(row["pid"]), since, row["state"], requests, one_line(models)))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        shown = "  ".join(f"{text:{width}}" for text, width in zip(line, widths, strict=True)).rstrip()
        reason = rows[number - 1]["reason"] if number else None
        print(shown if reason is None else f"{shown}: {one_line(reason)}")


# --- asking -----------------------------------------------------------------------------------------------------------


def _ask_all(servers: Sequence[RunningServer], timeout: float) -> list[_State]:
    """Of all at once; whoever takes too long, in however small pieces, has given no answer."""
    states = [_State("no answer")] * len(servers)

    def ask(number: int) -> None:
        states[number] = _ask(servers[number], timeout)

    threads = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(len(servers))]
    for thread in threads:
        thread.start()
    end = time.monotonic() + timeout
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return list(states)


def _ask(server: RunningServer, timeout: float) -> _State:
    connection: HTTPConnection | None = None
    try:
        connection = _connect(server, timeout)
        # "localhost" is a name that every server goes by, whatever address it listens on.
        headers = {"Host": "localhost", INQUIRY_HEADER.decode(): server.inquiry}
        connection.request("GET", "/ready", headers=headers)
        return _state(connection.getresponse())
    except (OSError, HTTPException, ValueError):
        return _State("no answer")
    finally:
        if connection is not None:
            connection.close()


def _connect(server: RunningServer, timeout: float) -> HTTPConnection:
    address = urlsplit(server.url)
    host = address.hostname or ""
    if address.scheme == "http":
        return HTTPConnection(host, address.port, timeout=timeout)
    # It is known by its fingerprint, and by no name; and nothing is told to it before that was looked at.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = HTTPSConnection(host, address.port, timeout=timeout, context=context)
    connection.connect()
    certificate = connection.sock.getpeercert(binary_form=True) or b""
    if server.tls_fingerprint != f"sha256:{hashlib.sha256(certificate).hexdigest()}":
        connection.close()
        raise ssl.SSLError("another certificate")
    return connection


def _state(answer: HTTPResponse) -> _State:
    body = answer.read(_LONGEST)
    counted = answer.headers.get(REQUESTS_HEADER.decode(), "")
    requests = int(counted) if counted.isascii() and counted.isdigit() and len(counted) < 20 else None
    if answer.status == 200:
        return _State("ready", None, requests)
    if answer.status != 503:
        return _State("no answer")
    try:
        reason = json.decode(body)["error"]["message"]
    except (DecodeError, UnicodeDecodeError, LookupError, TypeError):
        reason = None
    return _State("not ready", reason if isinstance(reason, str) else None, requests)
