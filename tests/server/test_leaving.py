"""Whoever leaves costs no more than a delta: in every wire, streamed or whole, wherever the model runs. Real sockets.

A new dialect joins by itself.
"""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from modelport import as_model
from modelport.server import Options, create_app
from modelport.types import ChatRequest, Message
from modelport.workers import WorkerModel
from tests.dialects.wires import DIALECTS, WIRES, body_in
from tests.server import leaving
from tests.server.helpers import running


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    spec = f"{Path(leaving.__file__)}"
    models: dict[str, Any] = {
        "inline": as_model(leaving.waiting),
        "thread": as_model(leaving.items),
        "deaf-thread": as_model(leaving.deaf),
        "worker": WorkerModel.load(f"{spec}:items"),
        "deaf-worker": WorkerModel.load(f"{spec}:deaf"),
    }
    with running(create_app(models, Options(agentstudio_pickle=True))) as number:
        yield number


class Line:
    """Where a model tells how it fares."""

    def __init__(self, listener: socket.socket) -> None:
        self._sock, _ = listener.accept()
        self._sock.settimeout(15)
        self._file = self._sock.makefile("r", encoding="ascii")

    def hear(self) -> str:
        return self._file.readline().strip()

    def let_go(self) -> None:
        self._sock.sendall(b"g")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._sock.close()


def asked_and_left(port: int, name: str, model: str, *, stream: bool) -> Line:
    """The line to a model that was asked in this wire by somebody who left as soon as it had begun."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(15)
        here = str(listener.getsockname()[1])
        data = body_in(name, ChatRequest(messages=(Message("user", here),), model=model), stream=stream)
        assert data is not None
        dialect = DIALECTS[name]
        head = (
            f"POST {dialect.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {dialect.request_type}\r\n"
            f"Content-Length: {len(data)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", port), timeout=15) as client:
            client.sendall(head.encode() + data)
            line = Line(listener)
            assert line.hear() == "begun"
            if stream and not model.startswith("deaf"):
                assert client.recv(65536).startswith(b"HTTP/1.1 200")
    return line


@pytest.mark.parametrize(("name", "stream"), WIRES)
def test_an_async_models_answer_is_left_at_once(port: int, name: str, stream: bool) -> None:
    with asked_and_left(port, name, "inline", stream=stream) as line:
        assert line.hear() == "closed after 0"


@pytest.mark.parametrize("model", ["thread", "worker"])
@pytest.mark.parametrize(("name", "stream"), WIRES)
def test_a_generator_is_closed_after_the_delta_that_it_is_making(
    port: int, name: str, stream: bool, model: str
) -> None:
    with asked_and_left(port, name, model, stream=stream) as line:
        heard = line.hear()
        if heard == "told":  # it is making a delta
            line.let_go()
            assert line.hear() == "closed after 1"
        else:  # it had made one, and was not asked for the next
            assert heard == "closed after 0"


@pytest.mark.parametrize("model", ["deaf-thread", "deaf-worker"])
@pytest.mark.parametrize(("name", "stream"), WIRES)
def test_code_that_nobody_can_interrupt_is_told(port: int, name: str, stream: bool, model: str) -> None:
    with asked_and_left(port, name, model, stream=stream) as line:
        assert line.hear() == "told"
