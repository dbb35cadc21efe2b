"""A folder to work in, and an interpreter that forgets what a test imported from it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """``sys.path`` and ``sys.modules`` are afterwards as they were."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        origin = getattr(sys.modules[name], "__file__", None) or ""
        if name.startswith("modelport_files_") or "pytest-" in origin:
            del sys.modules[name]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(here: Path) -> Write:
    """``write(name, text)``: a file below the working directory."""

    def write(name: str, text: str = "") -> Path:
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write


FUNCTION = """
    def reply(messages, **params):
        return "heard " + messages[-1]["content"]
"""

STUDIO = """
    class Studio:
        name = "studio"

        def __init__(self, device="cpu"):
            self.device = device

        def compose_messages(self, intermedia_msg):
            return intermedia_msg

        def generate_response(self, messages, **kwargs):
            return f"on {self.device}", {"total_tokens": 3}
"""

CLIENT = """
    class CustomModelClient:
        def __init__(self, config, **kwargs):
            self.config = config

        def create(self, params):
            return f"config {sorted(self.config)}"

        def message_retrieval(self, response):
            return [choice.message.content for choice in response.choices]

        def cost(self, response):
            return 0

        @staticmethod
        def get_usage(response):
            return {}
"""
