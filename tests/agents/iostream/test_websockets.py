"""A chat over a WebSocket: what is said goes out, a person's messages come in, and strangers stay outside."""

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from modelport.agents.iostream import IOStream, colored
from modelport.agents.iostream.websockets import IOWebsockets

client = pytest.importorskip("websockets.sync.client", reason="the extra 'websockets' is not installed")
exceptions = pytest.importorskip("websockets.exceptions", reason="the extra 'websockets' is not installed")


def connect(address: str, **options: Any) -> Any:
    return client.connect(address, proxy=None, **options)


def greet(stream: IOWebsockets) -> None:
    name = IOStream.get_default().input("Who is there?")
    stream.print("Hello", name, sep=", ", end="!\n", flush=True)


def test_a_print_is_a_message_and_an_input_takes_one() -> None:
    with IOWebsockets.run_server_in_thread(port=0, on_connect=greet) as address, connect(address) as websocket:
        asked = websocket.recv()
        websocket.send("Ada")
        told = websocket.recv()

    assert (asked, told) == ("Who is there?", "Hello, Ada!\n")


def test_bytes_are_taken_for_text() -> None:
    with IOWebsockets.run_server_in_thread(port=0, on_connect=greet) as address, connect(address) as websocket:
        websocket.recv()
        websocket.send(b"Ad\xc3\xa9\xff")

        assert websocket.recv() == "Hello, Adé\ufffd!\n"


def test_a_page_gets_no_colours_of_a_terminal() -> None:
    def show(stream: IOWebsockets) -> None:
        stream.print(colored("ada", "yellow", force_color=True), "(to bob):")

    with IOWebsockets.run_server_in_thread(port=0, on_connect=show) as address, connect(address) as websocket:
        assert websocket.recv() == "ada (to bob):\n"


def test_each_connection_has_its_own_stream() -> None:
    with (
        IOWebsockets.run_server_in_thread(port=0, on_connect=greet) as address,
        connect(address) as first,
        connect(address) as second,
    ):
        second.recv()
        second.send("two")
        first.recv()
        first.send("one")

        assert (first.recv(), second.recv()) == ("Hello, one!\n", "Hello, two!\n")


def test_a_message_that_is_too_long_ends_the_connection() -> None:
    with IOWebsockets.run_server_in_thread(port=0, on_connect=greet) as address, connect(address) as websocket:
        websocket.recv()
        websocket.send("x" * ((1 << 20) + 1))

        with pytest.raises(exceptions.ConnectionClosed) as caught:
            websocket.recv()

    assert caught.value.rcvd.code == 1009


def test_a_connection_too_many_is_turned_away_and_one_that_ended_makes_room() -> None:
    with IOWebsockets.run_server_in_thread(port=0, on_connect=greet, max_connections=1) as address:
        with connect(address) as first:
            first.recv()
            with connect(address) as second, pytest.raises(exceptions.ConnectionClosed) as caught:
                second.recv()
            first.send("Ada")
            first.recv()
            with pytest.raises(exceptions.ConnectionClosed):
                first.recv()
        with connect(address) as third:
            assert third.recv() == "Who is there?"

    assert caught.value.rcvd.code == 1013


def test_leaving_closes_what_is_still_open_and_waits_for_it() -> None:
    ended, opened = threading.Event(), ExitStack()

    def wait(stream: IOWebsockets) -> None:
        stream.print("ready")
        try:
            stream.input()
        finally:
            ended.set()

    with IOWebsockets.run_server_in_thread(port=0, on_connect=wait) as address:
        websocket = opened.enter_context(connect(address))
        websocket.recv()

    assert ended.is_set()
    with opened, pytest.raises(exceptions.ConnectionClosed):
        websocket.recv()


def test_what_fails_in_on_connect_is_logged_and_the_next_is_served(caplog: pytest.LogCaptureFixture) -> None:
    failing = [True]

    def fail_once(stream: IOWebsockets) -> None:
        if failing.pop() if failing else False:
            raise ValueError("no such agent")
        greet(stream)

    with caplog.at_level(logging.WARNING), IOWebsockets.run_server_in_thread(port=0, on_connect=fail_once) as address:
        with connect(address) as first, pytest.raises(exceptions.ConnectionClosed):
            first.recv()
        with connect(address) as second:
            assert second.recv() == "Who is there?"

    assert "no such agent" in caplog.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://127.0.0.1@evil.example"},
        {"Origin": "chrome-extension://localhost"},
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example:80"},
    ],
)
def test_pages_of_other_sites_are_turned_away(headers: dict[str, str]) -> None:
    with IOWebsockets.run_server_in_thread(port=0, on_connect=greet) as address:
        assert status(address, headers) == 403


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://localhost:3000"}, {"Origin": "https://127.0.0.1"}, {"Origin": "http://[::1]:8080"}],
)
def test_programs_and_pages_of_this_machine_are_let_in(headers: dict[str, str]) -> None:
    with IOWebsockets.run_server_in_thread(port=0, on_connect=greet) as address:
        assert status(address, headers) == 101


def test_origins_that_the_caller_names_replace_the_rule_but_not_the_check_of_the_host() -> None:
    with IOWebsockets.run_server_in_thread(port=0, on_connect=greet, origins=["https://chat.example"]) as address:
        assert status(address, {"Origin": "https://chat.example"}) == 101
        assert status(address, {"Origin": "http://localhost"}) == 403
        assert status(address, {"Origin": "https://chat.example", "Host": "evil.example"}) == 403


def status(address: str, headers: dict[str, str]) -> int:
    """What a handshake with *headers* is answered, spoken by hand: a client library would mend them."""
    host, _, port = address.removeprefix("ws://").rpartition(":")
    sent = {
        "Host": f"{host}:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
        **headers,
    }
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        connection.sendall(f"GET / HTTP/1.1\r\n{lines}\r\n".encode())
        return int(connection.recv(4096).split(b" ", 2)[1])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.org", "192.168.0.1", ""])
def test_more_than_loopback_is_refused_without_a_password(host: str) -> None:
    with (
        pytest.raises(ValueError, match="process_request"),
        IOWebsockets.run_server_in_thread(host=host, port=0, on_connect=greet),
    ):
        pass


def test_more_than_loopback_is_served_to_those_who_know_the_password() -> None:
    server = pytest.importorskip("websockets.sync.server")
    guard: Callable[..., Any] = server.basic_auth(credentials=("ada", "lovelace"))

    with IOWebsockets.run_server_in_thread(host="0.0.0.0", port=0, on_connect=greet, process_request=guard) as address:
        here = address.replace("0.0.0.0", "127.0.0.1")
        assert status(here, {}) == 401
        assert status(here, {"Authorization": "Basic YWRhOmxvdmVsYWNl", "Host": "chat.example"}) == 101
        assert status(here, {"Authorization": "Basic YWRhOmxvdmVsYWNl", "Origin": "http://evil.example"}) == 403


def test_a_port_that_is_taken_is_an_error_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError), IOWebsockets.run_server_in_thread(port=port, on_connect=greet):
            pass
