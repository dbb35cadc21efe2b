"""Tools of MCP servers: real servers, made with the SDK, in processes of their own."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from modelport.agents import ConversableAgent
from modelport.agents.tools.mcp import MCPSettings, MCPTools, _valid_name, mcp_tools
from modelport.errors import AgentError, ConfigError, ConnectionFailed, ModelTimeout

SERVER = str(Path(__file__).with_name("mcp_server.py"))
FAST = MCPSettings(call_seconds=0.5)

pytestmark = pytest.mark.slow  # each starts a Python with the SDK in it


def stdio(*args: str, **options: Any) -> MCPTools:
    return mcp_tools(sys.executable, [SERVER, *args], **options)


@contextmanager
def http_server() -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    with subprocess.Popen(
        [sys.executable, SERVER, "http"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/mcp", process
        finally:
            process.kill()


def nothing_is_left() -> bool:
    left = [thread for thread in threading.enumerate() if thread.name == "modelport-mcp"]
    for thread in left:
        thread.join(5)
    return not any(thread.is_alive() for thread in left)


# --- over stdio ---


def test_a_servers_tools_are_there_with_its_schemas_and_valid_names() -> None:
    with stdio() as tools:
        add = next(iter(tools))
        names = [tool.name for tool in tools]

    assert add.schema == {
        "type": "function",
        "function": {
            "name": "add",
            "description": "Adds two numbers.",
            "parameters": {
                "type": "object",
                "properties": {
                    "a": {"title": "A", "type": "integer"},
                    "b": {"default": 1, "title": "B", "type": "integer"},
                },
                "required": ["a"],
                "title": "addArguments",
            },
        },
    }
    assert names[1:3] == ["odd_name_with_dots", "odd_name_with_dots_2"]
    assert len(tools.schemas) == len(tools) == len(set(names))
    assert nothing_is_left()


def test_results_are_text_and_say_what_they_leave_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODELPORT_TEST_SECRET", "hunter2")
    settings = MCPSettings(result_characters=100, cwd=tmp_path)

    with stdio(env={"GIVEN": "yes"}, settings=settings) as tools:
        assert tools.call("add", {"a": 1, "b": 2}) == "3"
        assert tools.call("odd_name_with_dots_2") == "twin"
        assert tools.call("mixed") == "see:\n[resource file:///a.txt]\ninside"
        assert tools.call("picture") == "[image, image/png, 13 bytes: not shown, as a tool answers in text]"
        assert "2" in tools.call("table")
        assert tools.call("long", {"length": 1234}) == "x" * 100 + "\n[cut: the first 100 of 1,234 characters]"
        assert tools.call("variable", {"name": "MODELPORT_TEST_SECRET"}) == "(not set)"
        assert tools.call("variable", {"name": "GIVEN"}) == "yes"
        assert Path(tools.call("directory")).samefile(tmp_path)


def test_what_goes_wrong_is_an_error_and_the_server_lives_on() -> None:
    with stdio() as tools:
        with pytest.raises(AgentError, match="fail"):
            tools.call("fail")
        with pytest.raises(AgentError, match="valid integer"):
            tools.call("add", {"a": "x"})
        with pytest.raises(AgentError, match=r"has no tool 'nope' \(it has: add, "):
            tools.call("nope")

        assert tools.call("add", {"a": 1}) == "2"


def test_a_server_that_dies_ends_the_call_and_those_after_it() -> None:
    with stdio() as tools:
        with pytest.raises(ConnectionFailed, match="is gone, die did not answer"):
            tools.call("die")
        with pytest.raises(ConnectionFailed, match="is gone"):
            tools.call("add", {"a": 1})


def test_a_server_that_does_not_start_is_told_with_what_it_said() -> None:
    with pytest.raises(ConnectionFailed, match=r"(?s)could not be used.*cannot find the database"), stdio("broken"):
        pass
    with pytest.raises(ConnectionFailed, match="No such file"), mcp_tools("/nowhere/at/all"):
        pass
    with (
        pytest.raises(ModelTimeout, match=r"(?s)was not ready within 0\.9 s.*I will not answer"),
        stdio("mute", settings=MCPSettings(connect_seconds=0.9)),
    ):
        pass

    assert nothing_is_left()


def test_only_the_tools_that_were_asked_for_are_taken() -> None:
    with stdio(settings=MCPSettings(only=["add"], prefix="math-")) as tools:
        assert [tool.name for tool in tools] == ["math-add"]
        assert tools.call("math-add", {"a": 1}) == "2"
    with pytest.raises(ConfigError, match="has no tool subtract"), stdio(settings=MCPSettings(only=["subtract"])):
        pass
    with pytest.raises(AgentError, match="more than 3 tools"), stdio(settings=MCPSettings(most_tools=3)):
        pass


async def test_calls_from_an_event_loop_run_at_once_and_can_be_cancelled() -> None:
    async with stdio(settings=MCPSettings(call_seconds=15)) as tools:
        stalled = asyncio.create_task(tools.a_call("stall"))
        results = await asyncio.gather(*(tools.a_call("add", {"a": n}) for n in range(20)))
        stalled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stalled

        assert results == [str(n + 1) for n in range(20)]
        assert await tools.a_call("add", {"a": 1}) == "2"


async def test_leaving_ends_the_calls_under_way() -> None:
    async with stdio(settings=MCPSettings(call_seconds=15)) as tools:
        stalled = asyncio.create_task(tools.a_call("stall"))
        assert await tools.a_call("add", {"a": 1}) == "2"

    with pytest.raises(ConnectionFailed):
        await stalled
    with pytest.raises(ConnectionFailed, match="is closed"):
        await tools.a_call("add", {"a": 1})
    assert nothing_is_left()


# --- agents ---


@pytest.fixture
def pair() -> tuple[ConversableAgent, ConversableAgent]:
    caller = ConversableAgent("caller", llm_config={"config_list": [{"provider": "eliza"}]})
    executor = ConversableAgent("executor", llm_config=False, human_input_mode="NEVER")
    return caller, executor


def asked(name: str, arguments: str) -> list[dict[str, Any]]:
    function = {"name": name, "arguments": arguments}
    return [{"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": function}]}]


async def test_an_agents_model_sees_the_tools_and_another_agent_runs_them(
    pair: tuple[ConversableAgent, ConversableAgent],
) -> None:
    caller, executor = pair

    async with stdio(settings=FAST) as tools:
        tools.register(caller=caller, executor=executor)
        replies = [
            # A blocking chat inside a running loop, and an async one.
            executor.generate_tool_calls_reply(asked("add", '{"a": 1}')),
            await executor.a_generate_tool_calls_reply(asked("add", '{"a": 1}')),
            await executor.a_generate_tool_calls_reply(asked("stall", "{}")),
            await executor.a_generate_tool_calls_reply(asked("die", "{}")),
        ]

    assert isinstance(caller.llm_config, dict)
    assert caller.llm_config["tools"] == tools.schemas
    contents = [reply["content"] for _, reply in replies if isinstance(reply, dict)]
    assert contents[:2] == ["2", "2"]
    assert contents[2].startswith("Error: the MCP server ")
    assert "did not answer stall" in contents[2]
    assert "is gone" in contents[3]


def test_a_name_that_is_taken_is_refused_before_anything_is_registered(
    pair: tuple[ConversableAgent, ConversableAgent],
) -> None:
    caller, executor = pair
    executor.register_function({"add": lambda: "mine"})

    with stdio() as tools, pytest.raises(ConfigError, match=r"names are taken: add; set a prefix"):
        tools.register(caller=caller, executor=executor)

    assert list(executor.function_map) == ["add"]


# --- over HTTP ---


def test_a_server_at_an_address_answers_until_it_dies() -> None:
    with http_server() as (url, _), mcp_tools(url=url, headers={"X-Key": "k"}, settings=FAST) as tools:
        assert tools.call("add", {"a": 1}) == "2"
        with pytest.raises(ModelTimeout, match=r"did not answer stall within 0\.5 s"):
            tools.call("stall")
        with pytest.raises(ConnectionFailed, match="is gone, die did not answer"):
            tools.call("die")
        with pytest.raises(ConnectionFailed, match="add"):
            tools.call("add", {"a": 1})


async def test_an_address_without_a_server_is_told() -> None:
    with pytest.raises(ConnectionFailed, match=r"http://127\.0\.0\.1:9/mcp could not be used"):
        async with mcp_tools(url="http://user:secret@127.0.0.1:9/mcp?key=secret"):
            pass


# --- what is wrong with the configuration ---


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "exactly one"),
        ({"command": "x", "url": "http://x"}, "exactly one"),
        ({"command": "x", "headers": {}}, "headers are for"),
        ({"url": "http://x", "args": ["y"]}, "args and env"),
        ({"url": "http://x", "env": {}}, "args and env"),
        ({"url": "file:///etc/passwd"}, "expected http"),
        ({"url": "http://"}, "expected http"),
    ],
)
def test_a_server_is_a_command_or_an_address(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        mcp_tools(**arguments)


def test_tools_are_called_while_their_server_is_entered_and_it_is_entered_once() -> None:
    tools = mcp_tools("true" if os.name == "posix" else "cmd")

    with pytest.raises(ConnectionFailed, match="inside the with block"):
        tools.call("add")
    with pytest.raises(ConnectionFailed), tools:
        pass
    with pytest.raises(ConfigError, match="entered already"), tools:
        pass


def test_names_are_made_valid_short_and_unique() -> None:
    assert _valid_name("a.b c/d", ()) == "a_b_c_d"
    assert _valid_name("", ()) == "tool"
    assert _valid_name("x" * 70, ["x" * 64]) == "x" * 62 + "_2"
