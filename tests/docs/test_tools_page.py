"""docs/tools.md: its settings are those of the code, its names are there, and its rows do what they say."""

import functools
import re
from collections.abc import Callable
from typing import Any

import pytest

from modelport import ConversableAgent
from modelport.agents.tools import get_function_schema, mcp
from modelport.agents.tools.mcp import MCPSettings
from tests.docs.tables import code_in, page, table


def test_every_setting_of_a_server_is_listed_with_its_default() -> None:
    listed = {code_in(row[0])[0]: code_in(row[1])[0] for row in table("tools.md", "## MCP servers")}

    defaults = MCPSettings()
    assert listed == {
        name: f'"{value}"' if isinstance(value := getattr(defaults, name), str) else str(value)
        for name in MCPSettings.__struct_fields__
    }


def test_the_bounds_in_the_text_are_those_of_the_code() -> None:
    text = page("tools.md")

    assert f"together may have {mcp._SCHEMA_LENGTH:,} characters" in text
    assert f"at most {mcp._NAME_LENGTH}" in text


def partial() -> Callable[..., Any]:
    def send(text: str, key: str) -> str:
        return text + key

    return functools.partial(send, key="mine")


def test_a_partials_keyword_is_left_out() -> None:
    schema = get_function_schema(partial(), description="Sends.")

    assert list(schema["function"]["parameters"]["properties"]) == ["text"]


def test_the_names_that_are_refused_are_those_that_the_page_says() -> None:
    [most] = set(re.findall(r"at most (\d+)", page("tools.md")))
    agent = ConversableAgent("agent", model="eliza")

    agent.register_function({"a" * int(most): print, "Ab_9-": print})

    for name in ("a" * (int(most) + 1), "a.b", "a b", ""):
        with pytest.raises(ValueError, match="Invalid name"):
            agent.register_function({name: print})
