"""Chats in notebooks, under uvloop, on two loops, in many threads; and nothing that keeps agents alive afterwards."""

import asyncio
import gc
import importlib.util
import subprocess
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from modelport.agents import ChatResult, ConversableAgent, GroupChat, GroupChatManager
from modelport.errors import ModelportError
from tests.agents.talkers import tool_call


def said(messages: list[dict[str, Any]], **_: Any) -> str:
    return str(len(messages))


async def a_said(messages: list[dict[str, Any]], **_: Any) -> str:
    await asyncio.sleep(0)
    return str(len(messages))


def words(messages: list[dict[str, Any]], **_: Any) -> Iterator[str]:
    yield from str(len(messages))


async def a_words(messages: list[dict[str, Any]], **_: Any) -> AsyncIterator[str]:
    for word in str(len(messages)):
        await asyncio.sleep(0)
        yield word


MODELS = pytest.mark.parametrize("model", [said, a_said, words, a_words])
SIX = ["hi", "2", "", "4", "", "6"]


def agent(name: str, model: Any = None) -> ConversableAgent:
    return ConversableAgent(name, model=model, human_input_mode="NEVER")


def chat(model: Any, bot: ConversableAgent | None = None) -> ChatResult:
    return agent("user").initiate_chat(bot or agent("bot", model), message="hi", max_turns=3, silent=True)


async def a_chat(model: Any, bot: ConversableAgent | None = None) -> ChatResult:
    return await agent("user").a_initiate_chat(bot or agent("bot", model), message="hi", max_turns=3, silent=True)


def contents(result: ChatResult) -> list[Any]:
    return [message["content"] for message in result.chat_history]


@MODELS
async def test_a_notebook_cell_may_hold_a_blocking_chat(model: Any) -> None:
    assert contents(chat(model)) == SIX


async def test_a_blocking_chat_in_a_running_loop_runs_async_tools() -> None:
    async def double(x: int) -> int:
        await asyncio.sleep(0)
        return 2 * x

    def asks(messages: list[dict[str, Any]], **_: Any) -> Any:
        return "done" if messages[-1]["role"] == "tool" else tool_call("double", '{"x": 21}')

    user = agent("user")
    user.register_function({"double": double})

    result = user.initiate_chat(agent("bot", asks), message="hi", max_turns=2, silent=True)

    assert contents(result)[2:] == ["42", "done"]


@pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="uvloop is not for this platform")
@MODELS
def test_many_chats_at_once_under_uvloop(model: Any) -> None:
    import uvloop

    async def main() -> list[ChatResult]:
        return [*await asyncio.gather(*(a_chat(model) for _ in range(20))), chat(model)]

    results = uvloop.run(main())

    assert [contents(each) for each in results] == [SIX] * 21


@MODELS
def test_an_agent_is_bound_to_no_loop(model: Any) -> None:
    bot = agent("bot", model)

    results = [asyncio.run(a_chat(model, bot)), chat(model, bot), asyncio.run(a_chat(model, bot))]

    assert [contents(each) for each in results] == [SIX] * 3


@MODELS
@pytest.mark.parametrize("awaited", [False, True])
def test_a_hundred_threads_chat_with_one_agent(model: Any, awaited: bool) -> None:
    bot = agent("bot", model)
    results: list[list[Any]] = []

    def work() -> None:
        results.append(contents(asyncio.run(a_chat(model, bot)) if awaited else chat(model, bot)))

    threads = [threading.Thread(target=work) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [SIX] * 100


@MODELS
def test_agents_are_freed_when_they_are_dropped(model: Any) -> None:
    user, bot = agent("user", model), agent("bot", model)
    manager = GroupChatManager(
        GroupChat([user, bot], [], max_round=3, speaker_selection_method="round_robin"), silent=True
    )
    for other in (bot, manager):
        user.initiate_chat(other, message="hi", max_turns=2, silent=True)
        asyncio.run(user.a_initiate_chat(other, message="hi", max_turns=2, silent=True))

    left = [weakref.ref(each) for each in (user, bot, manager)]
    del user, bot, manager, other

    assert gone(left)


def test_agents_are_freed_after_a_chat_that_failed() -> None:
    def fails(messages: list[dict[str, Any]], **_: Any) -> str:
        raise ValueError("no")

    bot = agent("bot", fails)
    with pytest.raises(ModelportError, match="no"):
        chat(fails, bot)
    with pytest.raises(ModelportError, match="no"):
        asyncio.run(a_chat(fails, bot))

    left = [weakref.ref(bot)]
    del bot

    assert gone(left)


def gone(left: list[Any]) -> bool:
    """Whether nothing keeps them: the background loop may be a moment behind."""
    moment = threading.Event()
    for _ in range(100):
        gc.collect()
        if not any(each() for each in left):
            return True
        moment.wait(0.02)
    return False


def test_the_first_chat_of_a_program_is_freed_like_any_other() -> None:
    # The background loop is made in the context of whoever needs it first, and lives as long as the process.
    program = """
import asyncio, gc, weakref
from modelport import ConversableAgent

async def model(messages, **params):
    await asyncio.sleep(0)
    return "x"

user = ConversableAgent("user", human_input_mode="NEVER")
bot = ConversableAgent("bot", model=model, human_input_mode="NEVER")
for _ in range(2):
    user.initiate_chat(bot, message="hi", max_turns=1, silent=True)
left = weakref.ref(bot)
del user, bot
# whatever the loop does next, it has left the chat behind by then
other = ConversableAgent("other", model=model, human_input_mode="NEVER")
ConversableAgent("user", human_input_mode="NEVER").initiate_chat(other, message="hi", max_turns=1, silent=True)
gc.collect()
print(left())
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "None\n"
