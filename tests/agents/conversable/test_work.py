"""Tools, code and chats inside a chat, as replies."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from modelport.agents import ConversableAgent, register_function
from modelport.agents.code_execution import LocalCommandLineCodeExecutor
from tests.agents.talkers import saying, talker, tool_call


class Point(BaseModel):
    x: int
    y: int = 2


def pair(*replies: Any) -> tuple[ConversableAgent, ConversableAgent]:
    """Who asks for tools, saying *replies*, and who runs them."""
    return talker("caller", *replies), talker("executor", default_auto_reply="TERMINATE")


def test_a_tool_is_told_asked_for_run_and_answered() -> None:
    caller, executor = pair(tool_call("add", '{"a": 1, "b": {"x": 4}}'), "It is 7.")

    def add(a: Annotated[int, "the first"], b: Point) -> Point:
        return Point(x=a + b.x, y=a + b.y)

    register_function(add, caller=caller, executor=executor, description="Adds to both.")
    result = executor.initiate_chat(caller, message="add", max_turns=2)

    [_, call, answer, said] = result.chat_history
    assert call["tool_calls"][0]["function"]["name"] == "add"
    assert answer["tool_responses"] == [{"tool_call_id": "call_1", "role": "tool", "content": '{"x":5,"y":3}'}]
    assert said["content"] == "It is 7."
    told = caller.llm_config["model"].asked  # type: ignore[index]
    assert told[0]["tools"][0]["function"]["parameters"]["required"] == ["a", "b"]
    assert told[1]["messages"][-1] == {"tool_call_id": "call_1", "role": "tool", "content": '{"x":5,"y":3}'}


async def test_async_tools_of_one_message_run_at_once() -> None:
    together = asyncio.Barrier(2)

    async def meet(who: str) -> str:
        async with asyncio.timeout(5):
            await together.wait()
        return f"{who} met"

    calls = [tool_call("meet", f'{{"who": "{who}"}}', who)["tool_calls"][0] for who in "ab"]
    caller, executor = pair({"content": None, "tool_calls": calls}, "TERMINATE")
    register_function(meet, caller=caller, executor=executor, description="Meets.")

    result = await executor.a_initiate_chat(caller, message="go", max_turns=2)

    answers = result.chat_history[2]["tool_responses"]
    assert [each["content"] for each in answers] == ["a met", "b met"]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (tool_call("unknown", "{}"), "Error: Function unknown not found."),
        (tool_call("fails", "{}"), "Error: no such luck"),
        (tool_call("fails", "{broken"), "The argument must be in JSON format."),
        (tool_call("fails", '{"extra": 1}'), "unexpected keyword argument 'extra'"),
    ],
)
def test_what_goes_wrong_with_a_tool_is_told_to_the_model(call: dict[str, Any], expected: str) -> None:
    def fails() -> str:
        raise RuntimeError("no such luck")

    caller, executor = pair(call, "I see.")
    register_function(fails, caller=caller, executor=executor, description="Fails.")

    result = executor.initiate_chat(caller, message="go", max_turns=2)

    assert expected in result.chat_history[2]["content"]
    assert result.summary == "I see."


def test_a_tool_without_annotations_is_refused_by_name() -> None:
    def add(a, b: int) -> int:  # type: ignore[no-untyped-def]
        return int(a + b)

    with pytest.raises(TypeError, match=r"add.*'a'"):
        talker("caller", "x").register_for_llm(description="Adds.")(add)


def test_a_tool_needs_a_description_and_a_model() -> None:
    def add(a: int) -> int:
        return a

    with pytest.raises(ValueError, match=r"description is required, none found.*'add'"):
        talker("caller", "x").register_for_llm()(add)
    with pytest.raises(AssertionError, match=r"agent must have an llm_config.*'caller' has none"):
        talker("caller").register_for_llm(description="Adds.")(add)
    with pytest.raises(ValueError, match="Unsupported API style: rpc"):
        talker("caller", "x").register_for_llm(description="Adds.", api_style="rpc")(add)  # type: ignore[arg-type]


def test_tools_may_be_taken_away_again() -> None:
    caller, executor = pair("x")
    executor.register_function({"add": lambda: 1})
    caller.update_tool_signature({"type": "function", "function": {"name": "add"}})

    caller.update_tool_signature("add", is_remove=True)
    with pytest.warns(UserWarning, match="'add' is being overridden"):
        executor.register_function({"add": None})

    assert "tools" not in caller.llm_config  # type: ignore[operator]
    assert not executor.can_execute_function("add")
    with pytest.raises(AssertionError, match="doesn't have tool add"):
        caller.update_tool_signature("add", is_remove=True)


def test_a_tool_that_came_with_the_configuration_can_be_taken_away_from_the_model() -> None:
    tool = {"type": "function", "function": {"name": "add", "parameters": {}}}
    caller = ConversableAgent("caller", model=(model := saying("a", "b")), llm_config={"tools": [tool]})

    caller.generate_oai_reply([{"role": "user", "content": "add"}])
    caller.update_tool_signature("add", is_remove=True)
    caller.generate_oai_reply([{"role": "user", "content": "add"}])

    assert [len(asked.get("tools") or ()) for asked in model.asked] == [1, 0]


def test_functions_in_openais_older_form_work_too() -> None:
    caller, executor = pair("x")

    def add(a: int) -> int:
        return a + 1

    caller.register_for_llm(description="Adds.", api_style="function")(add)
    executor.register_for_execution()(add)
    call = {"content": None, "role": "assistant", "function_call": {"name": "add", "arguments": '{"a": 1}'}}
    caller.generate_reply(messages=[{"content": "go", "role": "user"}], sender=executor)

    assert executor.generate_reply(messages=[call], sender=caller) == {
        "content": "2",
        "name": "add",
        "role": "function",
    }
    assert caller.llm_config["model"].asked[0]["functions"][0]["name"] == "add"  # type: ignore[index]


# --- code ---

CODE = "Run this:\n```python\nprint(6 * 7)\n```"


def test_code_is_not_run_unless_asked_for() -> None:
    user = talker("user", default_auto_reply="not run")

    assert user.generate_reply(messages=[{"content": CODE, "role": "user"}], sender=talker("a")) == "not run"


def test_code_is_run_by_an_executor(tmp_path: Path) -> None:
    user = talker("user", code_execution_config={"executor": LocalCommandLineCodeExecutor(work_dir=tmp_path)})

    reply = user.generate_reply(messages=[{"content": CODE, "role": "user"}], sender=talker("a"))

    assert reply == "exitcode: 0 (execution succeeded)\nCode output: 42\n"


def test_code_is_run_in_autogens_older_way(tmp_path: Path) -> None:
    config = {"work_dir": str(tmp_path), "use_docker": False}
    user = talker("user", code_execution_config=config)

    reply = user.generate_reply(messages=[{"content": CODE, "role": "user"}], sender=talker("a"))

    assert reply == "exitcode: 0 (execution succeeded)\nCode output: \n42\n"
    assert config == {"work_dir": str(tmp_path), "use_docker": False}


@pytest.fixture
def runner(tmp_path: Path) -> ConversableAgent:
    return talker("user", code_execution_config={"executor": LocalCommandLineCodeExecutor(work_dir=tmp_path)})


async def test_running_code_does_not_hold_up_the_loop(runner: ConversableAgent, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    waits = f"```python\nimport os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\nprint('open')\n```"

    running = asyncio.ensure_future(
        runner.a_generate_reply(messages=[{"content": waits, "role": "user"}], sender=talker("a"))
    )
    await asyncio.sleep(0)
    gate.touch()

    assert "open" in str(await running)


def test_only_the_newest_messages_are_looked_at(tmp_path: Path) -> None:
    executor = LocalCommandLineCodeExecutor(work_dir=tmp_path)
    old = [{"content": CODE, "role": "user"}, {"content": "a", "role": "assistant"}, {"content": "b", "role": "user"}]

    def reply(last_n: Any) -> Any:
        config = {"executor": executor, "last_n_messages": last_n}
        return talker("user", code_execution_config=config, default_auto_reply="none").generate_reply(
            messages=old, sender=talker("a")
        )

    assert reply("auto") == "none"
    assert reply(2) == "none"
    assert "42" in reply(3)
    with pytest.raises(ValueError, match=r"last_n_messages must be either a non-negative integer.*got -1"):
        reply(-1)


@pytest.mark.parametrize("field", ["use_docker", "work_dir", "timeout"])
def test_what_an_executor_decides_is_not_given_twice(field: str, tmp_path: Path) -> None:
    executor = LocalCommandLineCodeExecutor(work_dir=tmp_path)

    with pytest.raises(ValueError, match=f"'{field}' in code_execution_config is not valid when 'executor' is set"):
        talker("user", code_execution_config={"executor": executor, field: 1})


def test_a_wrong_configuration_of_code_is_named() -> None:
    with pytest.raises(ValueError, match="code_execution_config must be a dict or False, got str"):
        talker("user", code_execution_config="yes")


# --- chats inside a chat ---


def test_a_reply_may_be_the_outcome_of_other_chats() -> None:
    thinker = talker("thinker")
    first, second = (
        talker("first", "draft"),
        ConversableAgent("second", model=saying("final"), human_input_mode="NEVER"),
    )
    thinker.register_nested_chats(
        [
            {"recipient": first, "max_turns": 1},
            {
                "recipient": second,
                "message": lambda recipient, messages, sender, config: f"improve for {sender.name}",
                "max_turns": 1,
            },
        ],
        trigger="user",
    )

    result = talker("user").initiate_chat(thinker, message="write", max_turns=1)

    assert result.summary == "final"
    assert first.chat_messages[thinker][0]["content"] == "write"
    assert second.chat_messages[thinker][0]["content"] == "improve for user\nContext: \ndraft"
    assert [turn.sender for turn in result.turns] == ["user", "thinker", "first", "thinker", "second", "thinker"]
    assert [turn.usage is None for turn in result.turns] == [True, True, False, True, False, True]


async def test_chats_inside_an_async_chat_run_by_their_ids() -> None:
    thinker, helper = talker("thinker"), talker("helper", "helped")
    thinker.register_nested_chats([{"chat_id": 1, "recipient": helper, "max_turns": 1}], trigger="user", use_async=True)

    result = await talker("user").a_initiate_chat(thinker, message="go", max_turns=1)

    assert result.summary == "helped"


def test_wrong_chats_inside_a_chat_are_refused() -> None:
    with pytest.raises(ValueError, match="chat_id is required for async nested chats"):
        talker("t").register_nested_chats([{"recipient": talker("h")}], trigger="user", use_async=True)
    with pytest.raises(ValueError, match="must be a callable, got 'thinking'"):
        talker("t").register_nested_chats([], trigger="user", reply_func_from_nested_chats="thinking")
