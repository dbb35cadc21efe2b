"""What every test is kept from, without asking: the network beyond loopback, blocking the event loop, ambient keys.

Code under test may catch any exception (a client falls back on any), so a refusal alone could pass unseen. Each guard
therefore also writes down what it refused, and fails the test at its end.
"""

import functools
import importlib
import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

import blockbuster.blockbuster as blockbuster_module
import pytest
from blockbuster import BlockBuster

__all__ = ("NetworkRefused", "anyio_backend", "clean_environment", "no_blocking_calls", "no_network")

# Environment that would make a developer's machine answer differently from CI.
AMBIENT_PREFIXES = ("ANTHROPIC_", "AUTOGEN_", "AZURE_", "GEMINI_", "GOOGLE_", "GROQ_", "MODELPORT_", "OPENAI_")
AMBIENT_SUFFIXES = ("_API_KEY",)
AMBIENT_NAMES = ("OAI_CONFIG_LIST",)

# HTTP clients in subprocesses, and in languages that Python cannot see into, are sent to a closed port instead.
DEAD_END = "http://127.0.0.1:9"
PROXIES = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), DEAD_END)
LOOPBACK = "localhost,127.0.0.1,::1"

# Not counted as blocking, each for a reason.
MAY_BLOCK = {
    # A short critical section is cheaper than a hop to a thread; a real deadlock meets the per-test timeout.
    "threading.Lock.acquire",
    "threading.Lock.acquire_lock",
}


class NetworkRefused(OSError):
    """A test reached for something that is not this machine."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, the one loop that modelport supports."""
    return "asyncio"


@pytest.fixture(autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No key, config list or setting of the developer's own reaches a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(AMBIENT_PREFIXES) or name.endswith(AMBIENT_SUFFIXES) or name in AMBIENT_NAMES:
                patch.delenv(name)
        for name, value in PROXIES.items():
            patch.setenv(name, value)
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.getbasetemp() / "data"))
        patch.delenv("XDG_RUNTIME_DIR", raising=False)
        patch.setenv("NO_PROXY", LOOPBACK)
        patch.setenv("no_proxy", LOOPBACK)
        yield


# --- the network ---


@pytest.fixture(autouse=True)
def no_network() -> Iterator[list[str]]:
    """Only loopback can be reached. Gives what was refused, newest last; a test about the guard empties it."""
    _WATCH.refused = []
    try:
        yield _WATCH.refused
        refused = list(_WATCH.refused)
    finally:
        _WATCH.refused = None
    if refused:
        pytest.fail(f"this test tried to leave the machine: {', '.join(refused)}", pytrace=False)


class _Watch:
    """Listens to Python's audit events, which no import order and no C-level socket can slip past."""

    refused: list[str] | None = None  # None while no test runs

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if self.refused is None or not event.startswith("socket."):
            return
        if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
            sock, address = args[0], args[1]
            if sock.family in {socket.AF_INET, socket.AF_INET6} and address is not None:
                self.check(address[0])
        elif event in {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}:
            self.check(args[0], resolving=True)

    def check(self, host: object, *, resolving: bool = False) -> None:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if self.refused is None or name is None or _is_here(str(name), resolving=resolving):
            return
        self.refused.append(str(name))
        raise NetworkRefused(f"tests may reach loopback only, not {name!r}: use a server on 127.0.0.1")


def _is_here(host: str, *, resolving: bool) -> bool:
    if host in {"", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False  # a name: asking for its address would leave the machine
    # Writing a number down is not reaching it; connecting to 0.0.0.0 or :: reaches this machine.
    return resolving or address.is_loopback or address.is_unspecified


_WATCH = _Watch()
sys.addaudithook(_WATCH)


def _guard_uvloop() -> None:
    """uvloop's sockets are libuv's: check the host before it gets one."""
    try:
        loop: Any = importlib.import_module("uvloop").Loop
    except ImportError:  # Windows
        return
    connect = loop.create_connection

    async def guarded(self: Any, protocol_factory: Any, host: Any = None, *args: Any, **kwargs: Any) -> Any:
        _WATCH.check(host)
        return await connect(self, protocol_factory, host, *args, **kwargs)

    loop.create_connection = guarded


_guard_uvloop()


# --- blocking calls ---


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[list[str]]:
    """modelport never blocks a running event loop. Gives the calls that did; a test about the guard empties it.

    Only calls with modelport's code on the stack count: what a test does in its own loop is its own affair.
    """
    blocked: list[str] = []

    class Recorded(blockbuster_module.BlockingError):
        def __init__(self, func: str) -> None:
            super().__init__(func)
            blocked.append(func)

    watch = _blockbuster()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blockbuster_module, "BlockingError", Recorded)
        watch.activate()
        try:
            yield blocked
        finally:
            watch.deactivate()
    if blocked:
        pytest.fail(f"modelport blocked the event loop: {', '.join(blocked)}", pytrace=False)


@functools.cache  # ten milliseconds to make, a third of one to switch on
def _blockbuster() -> BlockBuster:
    watch = BlockBuster(scanned_modules=["modelport"])
    for name in MAY_BLOCK:
        watch.functions.pop(name)
    return watch
