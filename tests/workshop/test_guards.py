"""The guards around every test, attacked."""

import asyncio
import http.client
import socket
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.guards import NetworkRefused

OUTSIDE = "203.0.113.7"  # a documentation address (RFC 5737): nobody answers there
ROOT = Path(__file__).parents[2]
CONFTEST = f"import sys; sys.path.insert(0, {str(ROOT)!r}); pytest_plugins = ('tests.guards',)"


def test_connecting_to_an_outside_address_is_refused(no_network: list[str]) -> None:
    with socket.socket() as sock, pytest.raises(NetworkRefused, match="loopback only"):
        sock.connect((OUTSIDE, 80))

    assert no_network == [OUTSIDE]
    no_network.clear()


def test_connect_ex_is_no_way_around(no_network: list[str]) -> None:
    with socket.socket() as sock, pytest.raises(NetworkRefused):
        sock.connect_ex((OUTSIDE, 80))

    no_network.clear()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 in this Python")
def test_ipv6_is_no_way_around(no_network: list[str]) -> None:
    with socket.socket(socket.AF_INET6) as sock, pytest.raises(NetworkRefused):
        sock.connect(("2001:db8::1", 80, 0, 0))

    no_network.clear()


@pytest.mark.parametrize("method", ["sendto", "sendmsg"])
def test_datagrams_are_no_way_around(method: str, no_network: list[str]) -> None:
    arguments: Any = {"sendto": (b"x", (OUTSIDE, 53)), "sendmsg": ([b"x"], [], 0, (OUTSIDE, 53))}[method]

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(NetworkRefused):
        getattr(sock, method)(*arguments)

    no_network.clear()


def test_the_class_below_socket_is_no_way_around(no_network: list[str]) -> None:
    raw: Any = socket.socket.__base__

    sock = raw(socket.AF_INET, socket.SOCK_STREAM)
    with pytest.raises(NetworkRefused):
        sock.connect((OUTSIDE, 80))

    sock.close()
    no_network.clear()


@pytest.mark.parametrize("name", ["example.com", b"example.com", "localhost.example.com", "127.0.0.1.example.com"])
def test_asking_for_an_outside_name_is_refused(name: str | bytes, no_network: list[str]) -> None:
    with pytest.raises(NetworkRefused):
        socket.getaddrinfo(name, 80)

    no_network.clear()


def test_a_thread_is_no_way_around(no_network: list[str]) -> None:
    def attack() -> None:
        with socket.socket() as sock, pytest.raises(NetworkRefused):
            sock.connect((OUTSIDE, 80))

    thread = threading.Thread(target=attack)
    thread.start()
    thread.join()

    assert no_network == [OUTSIDE]
    no_network.clear()


def test_the_standard_library_clients_are_refused(no_network: list[str]) -> None:
    with pytest.raises(NetworkRefused):
        http.client.HTTPConnection("example.com", timeout=1).request("GET", "/")
    with pytest.raises(OSError, match="refused"):  # sent to the closed port by the proxy settings
        urllib.request.urlopen("http://example.com/", timeout=1)

    no_network.clear()


async def test_asyncio_connections_are_refused(no_network: list[str]) -> None:
    with pytest.raises(NetworkRefused):
        await asyncio.open_connection(OUTSIDE, 80)

    no_network.clear()


def test_uvloop_connections_are_refused(no_network: list[str]) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def attack() -> None:
        await asyncio.open_connection(OUTSIDE, 80)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, pytest.raises(NetworkRefused):
        runner.run(attack())

    no_network.clear()


def test_a_swallowed_refusal_still_fails_the_test(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        """
        import contextlib, socket

        def test_falls_back() -> None:
            with contextlib.suppress(Exception), socket.socket() as sock:
                sock.connect(("203.0.113.7", 80))
        """
    )

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*tried to leave the machine: 203.0.113.7*"])


def test_loopback_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("localhost", port), timeout=5) as sock:
            assert sock.getpeername()[1] == port


def test_no_key_or_setting_of_the_developer_reaches_a_test(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        """
        import os

        def test_environment_is_clean() -> None:
            for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OAI_CONFIG_LIST", "MODELPORT_SEED", "ACME_API_KEY"):
                assert name not in os.environ
        """
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OAI_CONFIG_LIST", "MODELPORT_SEED", "ACME_API_KEY"):
            patch.setenv(name, "from the developer's shell")
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=1)


async def test_modelport_blocking_the_loop_is_noticed_even_when_swallowed(no_blocking_calls: list[str]) -> None:
    blocking = _code_inside_modelport("import time\ndef block(): time.sleep(0)")

    with pytest.raises(Exception, match=r"Blocking call to time\.sleep"):
        blocking()

    assert no_blocking_calls == ["time.sleep"]
    no_blocking_calls.clear()


async def test_blocking_is_allowed_off_the_loop() -> None:
    blocking = _code_inside_modelport("import time\ndef block(): time.sleep(0)")

    await asyncio.to_thread(blocking)


async def test_a_tests_own_blocking_is_its_own_affair() -> None:
    time.sleep(0)  # noqa: ASYNC251 - the point of this test
    assert Path("/").stat()  # noqa: ASYNC240 - likewise


def _code_inside_modelport(source: str) -> Any:
    """A function that looks as if it had been written in a file of modelport's."""
    import modelport

    namespace: dict[str, Any] = {}
    exec(compile(source, f"{modelport.__path__[0]}/_pretended.py", "exec"), namespace)
    return namespace["block"]
