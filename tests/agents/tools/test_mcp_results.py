"""What an MCP tool gives, as text that hides nothing."""

from types import SimpleNamespace
from typing import Any

import pytest
from mcp.types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ResourceLink,
    TextContent,
)

from modelport.agents.tools._mcp_results import render, told


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (TextContent(text="plain"), "plain"),
        (
            AudioContent(data="AAAA", mime_type="audio/wav"),
            "[audio, audio/wav, 3 bytes: not shown, as a tool answers in text]",
        ),
        (ResourceLink(name="log", uri="file:///log"), "[resource log: file:///log]"),
        (ResourceLink(name="log", uri="file:///log", description="today's"), "[resource log: file:///log] today's"),
        (
            EmbeddedResource(resource=BlobResourceContents(uri="file:///b", blob="AA==")),
            "[resource file:///b, unknown type, 1 bytes: not shown]",
        ),
    ],
)
def test_each_kind_of_content_is_shown_or_named(content: Any, text: str) -> None:
    assert render(CallToolResult(content=[content]), 100) == text


def test_structured_content_is_shown_where_there_is_no_other() -> None:
    assert render(CallToolResult(content=[], structured_content={"é": [1]}), 100) == '{"é": [1]}'
    assert render(CallToolResult(content=[]), 100) == ""


def test_content_of_a_later_protocol_is_named() -> None:
    result: Any = SimpleNamespace(content=[SimpleNamespace(type="smell")], structured_content=None)

    assert render(result, 100) == "[smell: not shown, as its form is not known]"


def test_an_error_without_words_is_told_by_its_name() -> None:
    assert told(KeyError()) == "KeyError"
    assert told(ValueError("why")) == "why"
