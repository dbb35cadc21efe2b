"""Chats: how they begin, go on and end."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from modelport.agents import AssistantAgent, ChatResult, ConversableAgent, UserProxyAgent, initiate_chats, load_chat
from modelport.agents.chat import a_initiate_chats
from modelport.agents.iostream import IOStream
from modelport.errors import AgentError, InvalidCarryOverType
from tests.agents.talkers import Terminal, echo, saying, talker


def texts(result: ChatResult) -> list[str]:
    return [each["content"] for each in result.chat_history]


def test_two_agents_take_turns_until_the_limit() -> None:
    one, other = talker("one", "b", "d"), talker("other", "a2", "c", "e")

    result = one.initiate_chat(other, message="a", max_turns=3)

    assert texts(result) == ["a", "a2", "b", "c", "d", "e"]
    assert result.summary == "e"
    assert [each["role"] for each in result.chat_history] == ["assistant", "user"] * 3
    assert [each["name"] for each in other.chat_messages[one]] == ["one", "other"] * 3


async def test_the_async_twin_says_the_same() -> None:
    one, other = talker("one", "b", "d"), talker("other", "a2", "c", "e")

    result = await one.a_initiate_chat(other, message="a", max_turns=3)

    assert texts(result) == ["a", "a2", "b", "c", "d", "e"]
    assert result.summary == "e"


def test_without_a_limit_a_termination_message_ends_the_chat() -> None:
    one, other = talker("one", "more"), talker("other", "yes", "TERMINATE")

    result = one.initiate_chat(other, message="go")

    assert texts(result) == ["go", "yes", "more", "TERMINATE"]
    assert result.summary == ""


def test_a_long_chat_needs_no_deep_stack() -> None:
    one, other = talker("one", *"ab" * 600), talker("other", *"cd" * 600)
    for agent in (one, other):
        agent.update_max_consecutive_auto_reply(1100)

    result = one.initiate_chat(other, message="go", silent=True)

    assert len(result.chat_history) > 2000


def test_an_agent_that_sends_in_its_own_way_is_asked_to() -> None:
    sent = []

    class Careful(ConversableAgent):
        def send(self, message: Any, recipient: Any, request_reply: Any = None, silent: Any = False) -> None:
            sent.append(message)
            super().send(message, recipient, request_reply, silent)

    one = Careful("one", model=saying("b"), human_input_mode="NEVER")
    other = talker("other", "a2", "TERMINATE")

    one.initiate_chat(other, message="a")

    assert sent == ["a", "b"]


@pytest.mark.parametrize("turns", [0, -1])
def test_no_turns_say_nothing(turns: int) -> None:
    one, other = talker("one"), talker("other", "never")

    with pytest.warns(UserWarning, match="Cannot extract summary"):
        result = one.initiate_chat(other, message="a", max_turns=turns)

    assert texts(result) == []


@pytest.mark.parametrize("wrong", ["3", 2.5])
def test_a_wrong_limit_is_named(wrong: Any) -> None:
    with pytest.raises(AgentError, match=r"max_turns must be a whole number or None for no limit, got"):
        talker("one").initiate_chat(talker("other"), message="a", max_turns=wrong)


def test_a_recipient_that_is_no_agent_is_named() -> None:
    with pytest.raises(AgentError, match="recipient must be a ConversableAgent, got 'other'"):
        talker("one").initiate_chat("other", message="a")


def test_the_first_message_may_be_made_by_a_function() -> None:
    def opening(sender: Any, recipient: Any, context: dict[str, Any]) -> str:
        return f"{sender.name} to {recipient.name}: {context['topic']}"

    result = talker("one").initiate_chat(talker("other", "ok"), message=opening, max_turns=1, topic="rain")

    assert texts(result) == ["one to other: rain", "ok"]


async def test_the_first_message_may_be_awaited() -> None:
    async def opening(sender: Any, recipient: Any, context: dict[str, Any]) -> str:
        await asyncio.sleep(0)
        return "from afar"

    result = await talker("one").a_initiate_chat(talker("other", "ok"), message=opening, max_turns=1)

    assert texts(result) == ["from afar", "ok"]
    with pytest.raises(AgentError, match="only a_initiate_chat"):
        talker("one").initiate_chat(talker("other", "ok"), message=opening, max_turns=1)


def test_a_person_is_asked_for_the_first_message() -> None:
    terminal = Terminal("typed")
    with IOStream.set_default(terminal):
        result = talker("one").initiate_chat(talker("other", "ok"), max_turns=1)

    assert texts(result) == ["typed", "ok"]
    assert result.human_input == ["typed"]
    assert terminal.asked == [">"]


@pytest.mark.parametrize(
    ("carryover", "expected"),
    [
        ("was sunny", "hi\nContext: \nwas sunny"),
        (["a", {"content": "b"}, 3], "hi\nContext: \na\nb\n3"),
        ("", "hi"),
        ([], "hi"),
    ],
)
def test_carryover_is_put_at_the_end_of_the_first_message(carryover: Any, expected: str) -> None:
    result = talker("one").initiate_chat(talker("other", "ok"), message="hi", carryover=carryover, max_turns=1)

    assert texts(result)[0] == expected


def test_carryover_joins_a_dict_and_a_list_of_parts() -> None:
    one = talker("one")

    assert one.generate_init_message({"content": "hi", "name": "x"}, carryover="c") == {
        "content": "hi\nContext: \nc",
        "name": "x",
    }
    parts = [{"type": "text", "text": "hi"}]
    assert one.generate_init_message({"content": parts}, carryover="c") == {
        "content": [{"type": "text", "text": "\nContext: \nc"}, *parts]
    }


@pytest.mark.parametrize("wrong", [{"a": 1}, 3, ("a",)])
def test_carryover_of_another_type_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidCarryOverType, match=type(wrong).__name__):
        talker("one").initiate_chat(talker("other", "ok"), message="hi", carryover=wrong, max_turns=1)


def test_a_chat_that_fails_leaves_the_agents_as_they_were() -> None:
    def broken(messages: Any, **_: Any) -> str:
        raise RuntimeError("no power")

    one, other = talker("one"), ConversableAgent("other", model=broken, human_input_mode="NEVER")
    one.client_cache = "mine"

    with pytest.raises(Exception, match="no power"):
        one.initiate_chat(other, message="a", max_turns=1, cache="memory")

    assert one.client_cache == "mine"
    assert one.previous_cache is None


async def test_a_summary_may_be_awaited_in_an_async_chat_only() -> None:
    class Slowly:
        async def __call__(self, sender: Any, recipient: Any, args: Any) -> str:
            return f"{sender.name} and {recipient.name}"

    one, other = talker("one"), talker("other", "ok", "ok")

    awaited = await one.a_initiate_chat(other, message="a", max_turns=1, summary_method=Slowly(), silent=True)

    assert awaited.summary == "one and other"
    with pytest.raises(AgentError, match="summary_method is a coroutine function, which only a_initiate_chat"):
        one.initiate_chat(other, message="a", max_turns=1, summary_method=Slowly(), silent=True)
    assert len(one.chat_messages[other]) == 2


def test_a_chat_inside_a_chat_gives_both_agents_their_caches_back() -> None:
    one, other = talker("one"), talker("other")
    one.client_cache = "mine"
    seen: list[Any] = []

    def inside(sender: Any, recipient: Any, context: Any) -> str:
        sender.initiate_chat(recipient, message="b", max_turns=1, cache="inner", silent=True)
        seen.append((one.client_cache, other.client_cache))
        return "a"

    one.initiate_chat(other, message=inside, max_turns=1, cache="outer", silent=True)

    assert seen == [("outer", "outer")]
    assert (one.client_cache, one.previous_cache, other.client_cache) == ("mine", None, None)


def test_what_came_of_a_chat_stays_when_the_next_one_begins() -> None:
    one, other = talker("one"), talker("other", "ok", "again")

    first = one.initiate_chat(other, message="first", max_turns=1)
    one.initiate_chat(other, message="second", max_turns=1)

    assert [message["content"] for message in first.chat_history] == ["first", "ok"]


def test_a_second_chat_forgets_the_first_unless_told_to_keep_it() -> None:
    one, other = talker("one"), ConversableAgent("other", model=echo, human_input_mode="NEVER")

    first = texts(one.initiate_chat(other, message="a", max_turns=1))
    again = texts(one.initiate_chat(other, message="b", max_turns=1))
    more = texts(one.initiate_chat(other, message="c", max_turns=1, clear_history=False))

    assert first == ["a", "2: a"]
    assert again == ["b", "2: b"]
    assert more == ["b", "2: b", "c", "4: c"]


def test_the_summary_may_be_a_reflection_of_the_model() -> None:
    other = talker("other", "ok", "all is well")
    one = talker("one")

    result = one.initiate_chat(
        other,
        message="hi",
        max_turns=1,
        summary_method="reflection_with_llm",
        summary_args={"summary_prompt": "Sum up.", "summary_role": "user"},
    )

    assert result.summary == "all is well"
    asked = other.llm_config["model"].asked[-1]["messages"]  # type: ignore[index]
    assert asked[-1] == {"role": "user", "content": "Sum up."}
    assert [each["content"] for each in asked[:-1]] == ["hi", "ok"]


async def test_the_reflection_is_awaited_in_an_async_chat() -> None:
    other = talker("other", "ok", "all is well")

    result = await talker("one").a_initiate_chat(other, message="hi", max_turns=1, summary_method="reflection_with_llm")

    assert result.summary == "all is well"


def test_the_summary_may_be_a_function_or_none() -> None:
    def shout(sender: Any, recipient: Any, args: dict[str, Any]) -> str:
        return f"{sender.last_message(recipient)['content'].upper()}{args['end']}"

    one = talker("one")

    assert (
        one.initiate_chat(
            talker("o", "ok"), message="a", max_turns=1, summary_method=shout, summary_args={"end": "!"}
        ).summary
        == "OK!"
    )
    assert one.initiate_chat(talker("o", "ok"), message="a", max_turns=1, summary_method=None).summary == ""


def test_a_summary_that_cannot_be_made_is_refused_before_the_chat() -> None:
    one, other = talker("one"), talker("other")

    with pytest.raises(AssertionError, match="llm client must be set"):
        one.initiate_chat(other, message="a", summary_method="reflection_with_llm")
    with pytest.raises(AssertionError, match="got 'mood'"):
        one.initiate_chat(other, message="a", summary_method="mood")
    assert other.chat_messages == {}


def test_chats_in_a_row_carry_their_summaries_over() -> None:
    one = talker("one")
    first, second = talker("first", "f"), ConversableAgent("second", model=echo, human_input_mode="NEVER")

    results = one.initiate_chats(
        [
            {"recipient": first, "message": "a", "max_turns": 1},
            {"recipient": second, "message": "b", "max_turns": 1, "carryover": "mine"},
        ]
    )

    assert [each.summary for each in results] == ["f", "2: b\nContext: \nmine\nf"]
    assert one.get_chat_results(0) is results[0]


def test_a_chat_without_sender_or_recipient_is_refused() -> None:
    with pytest.raises(AssertionError, match="sender must be provided"):
        initiate_chats([{"recipient": talker("x")}])
    with pytest.raises(AssertionError, match="recipient must be provided"):
        initiate_chats([{"sender": talker("x")}])


async def test_chats_side_by_side_wait_for_their_prerequisites_only() -> None:
    gate, order = asyncio.Event(), []

    def model(name: str, waits: bool) -> Any:
        async def say(messages: list[dict[str, Any]], **_: Any) -> str:
            if waits:
                await gate.wait()
            else:
                gate.set()
            order.append(name)
            return name

        return ConversableAgent(name, model=say, human_input_mode="NEVER")

    one = talker("one")
    results = await one.a_initiate_chats(
        [
            {"chat_id": 1, "recipient": model("slow", True), "message": "a", "max_turns": 1},
            {"chat_id": 2, "recipient": model("after", False), "message": "b", "max_turns": 1, "prerequisites": []},
            {"chat_id": 3, "recipient": model("last", False), "message": "c", "max_turns": 1, "prerequisites": [1]},
        ]
    )

    assert order == ["after", "slow", "last"]
    assert {number: each.summary for number, each in results.items()} == {1: "slow", 2: "after", 3: "last"}
    assert results[3].chat_history[0]["content"] == "c\nContext: \nslow"
    assert results[3].chat_id == 3


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ([{}, {"chat_id": 1}], "must have a unique id"),
        ([{"chat_id": 1}, {"chat_id": 1}], "1 is there twice"),
        ([{"chat_id": 1, "prerequisites": ["2"]}, {"chat_id": 2}], "waits for '2'"),
        ([{"chat_id": 1, "prerequisites": [7]}, {"chat_id": 2}], r"waits for 7, and there are only \[1, 2\]"),
        ([{"chat_id": 1, "prerequisites": [2]}, {"chat_id": 2, "prerequisites": [1]}], r"in a circle: \[1, 2\]"),
    ],
)
async def test_wrong_prerequisites_are_named(changes: list[dict[str, Any]], error: str) -> None:
    one = talker("one")
    chats = [
        {"sender": one, "recipient": talker(f"r{n}"), "message": "a", **change} for n, change in enumerate(changes)
    ]

    with pytest.raises((ValueError, AgentError), match=error):
        await a_initiate_chats(chats)


async def test_a_hundred_chats_at_once_are_all_in_flight() -> None:
    together = asyncio.Barrier(100)

    async def model(messages: list[dict[str, Any]], **_: Any) -> str:
        async with asyncio.timeout(10):
            await together.wait()
        return "ok"

    async def chat(number: int) -> ChatResult:
        one, other = talker(f"one{number}"), ConversableAgent(f"o{number}", model=model, human_input_mode="NEVER")
        return await one.a_initiate_chat(other, message=str(number), max_turns=2, silent=True)

    results = await asyncio.gather(*(chat(number) for number in range(100)))

    assert [each.chat_history[0]["content"] for each in results] == [str(number) for number in range(100)]
    assert {len(each.chat_history) for each in results} == {4}


async def test_one_agent_may_hold_many_chats_at_once() -> None:
    async def model(messages: list[dict[str, Any]], **_: Any) -> str:
        await asyncio.sleep(0)
        return f"to {messages[1]['content']}"

    assistant = ConversableAgent("assistant", model=model, human_input_mode="NEVER")
    users = [talker(f"user{number}") for number in range(20)]

    results = await asyncio.gather(
        *(user.a_initiate_chat(assistant, message=user.name, max_turns=3, silent=True) for user in users)
    )

    assert [each.summary for each in results] == [f"to {user.name}" for user in users]


def test_presets_have_their_settings() -> None:
    assistant, user = AssistantAgent("a"), UserProxyAgent("u")

    assert assistant.human_input_mode == "NEVER"
    assert assistant.description == AssistantAgent.DEFAULT_DESCRIPTION
    assert "TERMINATE" in assistant.system_message
    assert AssistantAgent("a", system_message="s").description == "s"
    assert user.human_input_mode == "ALWAYS"
    assert user.description == UserProxyAgent.DEFAULT_USER_PROXY_AGENT_DESCRIPTIONS["ALWAYS"]
    assert user.use_docker is None


def test_turns_tell_what_each_message_took() -> None:
    one, other = talker("one"), ConversableAgent("other", model="eliza", human_input_mode="NEVER")

    result = one.initiate_chat(other, message="I feel stuck.", max_turns=1)

    first, second = result.turns
    assert (first.sender, first.recipient, first.seconds, first.usage) == ("one", "other", None, None)
    assert (second.sender, second.model) == ("other", "eliza")
    assert second.seconds is not None
    assert second.seconds > 0
    assert second.usage is not None
    assert second.usage.total == result.cost["usage_including_cached_inference"]["eliza"]["total_tokens"]
    assert second.message["content"] == result.summary


def test_a_chat_is_printed_written_as_a_page_and_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = talker("one"), ConversableAgent("other", model="eliza", human_input_mode="NEVER")
    chat = one.initiate_chat(other, message="I feel <b>stuck</b>.", max_turns=1, silent=True)

    chat.print()
    chat.html(tmp_path / "chat.html", title="Stuck")
    chat.save(tmp_path / "chat.db")

    assert "one → other" in capsys.readouterr().out
    page = (tmp_path / "chat.html").read_text(encoding="utf-8")
    assert "<title>Stuck</title>" in page
    assert "&lt;b&gt;stuck" in page
    assert load_chat(tmp_path / "chat.db").summary == chat.summary


async def test_an_agent_that_asks_in_its_own_way_reflects_in_it_too() -> None:
    class Own(ConversableAgent):
        def _generate_oai_reply_from_client(self, llm_client: Any, messages: Any, cache: Any) -> Any:
            return f"own: {messages[-1]['content']}"

    user = Own("user", model=echo, human_input_mode="NEVER")

    result = await user.a_initiate_chat(
        talker("other", "ok"),
        message="hi",
        max_turns=1,
        summary_method="reflection_with_llm",
        summary_args={"summary_prompt": "Sum up."},
    )

    assert result.summary == "own: Sum up."
