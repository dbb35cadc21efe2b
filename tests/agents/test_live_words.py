"""Words that are shown while they come make the same transcript as words that are printed when they are all there."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from modelport.agents import ConversableAgent, GroupChat, GroupChatManager
from tests.agents.talkers import tool_call

Chat = tuple[Any, Any, dict[str, Any]]


def words(messages: list[dict[str, Any]], **_: Any) -> Iterator[str]:
    yield "one "
    yield "two"


async def a_words(messages: list[dict[str, Any]], **_: Any) -> AsyncIterator[str]:
    yield "one "
    await asyncio.sleep(0)
    yield "two"


def with_a_call(messages: list[dict[str, Any]], **_: Any) -> Any:
    return "after" if messages[-1]["role"] == "tool" else {**tool_call("f", "{}"), "content": "calling"}


def agent(name: str, model: Any = None, **options: Any) -> ConversableAgent:
    return ConversableAgent(name, model=model, human_input_mode="NEVER", **options)


def two(model: Any, live: bool) -> Chat:
    return agent("user", model, stream=live), agent("bot", model, stream=live), {"max_turns": 2}


def a_silent_chat(model: Any, live: bool) -> Chat:
    return agent("user"), agent("bot", model, stream=live), {"max_turns": 2, "silent": True}


def a_silent_agent(model: Any, live: bool) -> Chat:
    return agent("user"), agent("bot", model, stream=live, silent=True), {"max_turns": 2}


def a_tool(model: Any, live: bool) -> Chat:
    user = agent("user")
    user.register_function({"f": lambda: "42"})
    return user, agent("bot", with_a_call, stream=live), {"max_turns": 2}


def a_group(model: Any, live: bool, *, silent: bool = False) -> Chat:
    user, bot = agent("user", model, stream=live), agent("bot", model, stream=live)
    group = GroupChat([user, bot], [], max_round=4, speaker_selection_method="round_robin")
    return user, GroupChatManager(group, silent=silent), {}


def a_group_with_a_silent_manager(model: Any, live: bool) -> Chat:
    return a_group(model, live, silent=True)


def a_group_whose_model_picks(model: Any, live: bool) -> Chat:
    user, bot, other = agent("user", model, stream=live), agent("bot", model, stream=live), agent("other")
    picks = iter(["bot", "user"])
    group = GroupChat([user, bot, other], [], max_round=3)
    return user, GroupChatManager(group, model=lambda messages, **_: next(picks), stream=live), {}


def a_chat_inside_a_chat(model: Any, live: bool) -> Chat:
    user, bot, inner = agent("user"), agent("bot"), agent("inner", model, stream=live)
    bot.register_nested_chats([{"recipient": inner, "max_turns": 1}], trigger=user)
    return user, bot, {"max_turns": 1}


SHAPES = (
    two,
    a_silent_chat,
    a_silent_agent,
    a_tool,
    a_group,
    a_group_with_a_silent_manager,
    a_group_whose_model_picks,
    a_chat_inside_a_chat,
)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("model", [words, a_words])
@pytest.mark.parametrize("awaited", [False, True])
def test_shown_while_it_comes_or_afterwards_the_transcript_is_the_same(
    shape: Callable[[Any, bool], Chat], model: Any, awaited: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = []
    for live in (False, True):
        sender, recipient, options = shape(model, live)
        if awaited:
            asyncio.run(sender.a_initiate_chat(recipient, message="hi", **options))
        else:
            sender.initiate_chat(recipient, message="hi", **options)
        printed.append(capsys.readouterr().out)

    assert printed[0] == printed[1]
