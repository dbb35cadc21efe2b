"""Without the package: an error that says what to install, and no cost to those who do not ask."""

import sys

import pytest

from modelport.agents.iostream.websockets import IOWebsockets


class Nobody:
    def send(self, message: str) -> None: ...

    def recv(self, timeout: float | None = None) -> str:
        return ""

    def close(self, code: int = 1000, reason: str = "") -> None: ...


def test_without_the_package_an_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "websockets", None)
    monkeypatch.setitem(sys.modules, "websockets.sync.server", None)

    with pytest.raises(ImportError, match=r"modelport\[websockets\]"):
        IOWebsockets(Nobody())
