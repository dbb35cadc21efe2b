"""Chats that are saved as they go: what is in the file, and what the agents know when they go on."""

import asyncio
import json
import logging
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelport.agents import ChatResult, ConversableAgent
from modelport.agents.resuming import a_resume, resume
from modelport.agents.saved import SavedChat, load, load_all
from modelport.agents.saving import save_result
from modelport.errors import AgentError, AgentNameConflict
from modelport.storage.journal import Journal, JournalError, NotSaved, open_journal, read_journal
from tests.agents.chat_shapes import SHAPES, Shape, remembered
from tests.agents.talkers import echo, saying, talker, tool_call


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.journal"


def held(shape: Shape, path: Path, **arguments: Any) -> Any:
    return shape.initiator.initiate_chat(shape.recipient, save=path, **{**shape.arguments, **arguments})


def cut(path: Path, length: int, to: Path) -> Path:
    """The journal at *path*, as a process that was killed after *length* entries would have left it."""
    journal = Journal(to)
    for entry in read_journal(path):
        if entry.number <= length:
            journal.append(entry.kind, entry.data, chat=f"{entry.chat}-{length}")
    journal.close()
    return to


def said(result: Any) -> list[Any]:
    return [(turn.sender, turn.recipient, turn.message, turn.asks) for turn in result.turns]


# --- wherever it was killed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHAPES)
def test_a_chat_that_was_killed_anywhere_ends_as_if_it_had_not_been(name: str, path: Path, tmp_path: Path) -> None:
    whole = SHAPES[name]()
    wanted = held(whole, path)
    entries = len(list(read_journal(path)))

    for length in range(2, entries + 1):
        shape = SHAPES[name]()
        result = resume(cut(path, length, tmp_path / f"{length}.journal"), shape.agents)

        assert remembered(shape) == remembered(whole), length
        assert said(result) == said(wanted), length
        assert (result.summary, result.chat_history) == (wanted.summary, wanted.chat_history), length
        assert said(load(tmp_path / f"{length}.journal").result()) == said(wanted), length


@pytest.mark.parametrize("name", sorted(SHAPES.keys() - {"hooked"}))  # hooks that block are not called there
def test_an_awaited_chat_that_was_killed_ends_as_if_it_had_not_been(name: str, path: Path, tmp_path: Path) -> None:
    whole = SHAPES[name]()
    wanted = asyncio.run(whole.initiator.a_initiate_chat(whole.recipient, save=path, **whole.arguments))
    entries = len(list(read_journal(path)))

    for length in range(2, entries + 1, 3):
        shape = SHAPES[name]()
        result = asyncio.run(a_resume(cut(path, length, tmp_path / f"{length}.journal"), shape.agents))

        assert remembered(shape) == remembered(whole), length
        assert said(result) == said(wanted), length


@pytest.mark.parametrize("name", ["two", "with_tools", "group_with_introductions", "forgetful_group"])
def test_a_chat_may_be_killed_again_and_again(name: str, path: Path, tmp_path: Path) -> None:
    whole = SHAPES[name]()
    wanted = held(whole, path)
    entries = len(list(read_journal(path)))

    for first in range(2, entries, 3):
        shape = SHAPES[name]()
        once = cut(path, first, tmp_path / f"{first}.journal")
        resume(once, shape.agents)
        for second in range(first + 1, len(list(read_journal(once))), 4):
            shape = SHAPES[name]()
            result = resume(cut(once, second, tmp_path / f"{first}-{second}.journal"), shape.agents)

            assert remembered(shape) == remembered(whole), (first, second)
            assert said(result) == said(wanted), (first, second)


PROGRAM = str(Path(__file__).with_name("chat_shapes.py"))


def until_killed(name: str, path: Path, *, asked: int, turns: int) -> None:
    """Run the program whose models hang when asked for the *asked*-th time; kill it when *turns* are safe."""
    with subprocess.Popen([sys.executable, PROGRAM, name, str(path), str(asked)], stdin=subprocess.PIPE) as process:
        while not path.exists() or len(_main_turns(path)) < turns:
            assert process.poll() is None
        process.kill()


def _main_turns(path: Path) -> list[Any]:
    try:
        return [turn for turn in load(path).turns if not turn.relayed]
    except JournalError:  # not even the beginning was written
        return []


def to_the_end(name: str, path: Path) -> Any:
    done = subprocess.run(
        [sys.executable, PROGRAM, name, str(path)], stdout=subprocess.PIPE, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two", "two_for_some_turns:async", "with_tools", "group", "group:async"])
def test_a_program_that_is_killed_twice_and_run_again_ends_with_the_transcript_of_one_that_was_not(
    name: str, path: Path, tmp_path: Path
) -> None:
    wanted = to_the_end(name, tmp_path / "whole.journal")

    until_killed(name, path, asked=2, turns=2)
    until_killed(name, path, asked=2, turns=3)
    got = to_the_end(name, path)

    assert got == wanted
    assert said(load(path).result()) == said(load(tmp_path / "whole.journal").result())
    assert len(load_all(path)) == 1


# --- what is in the file ----------------------------------------------------------------------------------------------


def test_a_saved_chat_can_be_looked_at_without_its_agents(path: Path) -> None:
    result = held(SHAPES["two_for_some_turns"](), path)

    chat = load(path)

    assert isinstance(chat, SavedChat)
    assert (chat.initiator, chat.recipient, chat.agents) == ("ann", "bob", ("ann", "bob"))
    assert (chat.finished, chat.broken_off) == (True, None)
    assert (chat.summary, chat.chat_history) == (result.summary, result.chat_history)
    assert chat.turns == result.turns
    assert chat.result() == result


def test_one_file_holds_many_chats(path: Path) -> None:
    for name in ("two", "group"):
        held(SHAPES[name](), path)

    assert [chat.recipient for chat in load_all(path)] == ["bob", "chat_manager"]
    assert load(path, 0).recipient == "bob"
    assert load(path, load_all(path)[0].id).recipient == "bob"
    with pytest.raises(JournalError, match="there is no chat 2"):
        load(path, 2)


def test_many_chats_at_once_share_a_file(path: Path) -> None:
    shapes = [SHAPES["two_for_some_turns"]() for _ in range(50)]

    async def hold_all() -> list[Any]:
        return await asyncio.gather(
            *(shape.initiator.a_initiate_chat(shape.recipient, save=path, **shape.arguments) for shape in shapes)
        )

    results = asyncio.run(hold_all())

    chats = load_all(path)
    assert len(chats) == 50
    assert all(chat.finished and said(chat.result()) == said(results[0]) for chat in chats)


def test_an_image_in_a_message_is_there_when_the_chat_goes_on(path: Path, tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    shown: list[Any] = []

    def model(messages: list[dict[str, Any]], **_: Any) -> str:
        shown.extend(part["image"] for part in messages[-1]["content"] if isinstance(part, dict) and "image" in part)
        return "I see"

    def agents() -> tuple[ConversableAgent, ConversableAgent]:
        never: dict[str, Any] = {"human_input_mode": "NEVER", "is_termination_msg": lambda message: False}
        return ConversableAgent("ann", **never), ConversableAgent("bob", model=model, **never)

    ann, bob = agents()
    message = {"content": [{"type": "text", "text": "look"}, {"type": "image", "image": pixels}]}
    ann.initiate_chat(bob, message=message, max_turns=1, silent=True, save=path)
    shown.clear()

    resume(cut(path, 2, tmp_path / "cut.journal"), agents())

    assert len(shown) == 1
    assert np.array_equal(shown[0], pixels)


def test_what_is_no_data_is_kept_as_text_and_said_so(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ann, bob = talker("ann"), talker("bob", "fine")

    with caplog.at_level(logging.WARNING):
        ann.initiate_chat(
            bob, message={"content": "hi", "context": {"opened": object()}}, max_turns=1, silent=True, save=path
        )

    assert "message.context.opened: a object" in caplog.text
    assert isinstance(load(path).turns[0].message["context"]["opened"], NotSaved)


def test_a_result_can_be_saved_when_its_chat_is_over(path: Path) -> None:
    shape = SHAPES["two_for_some_turns"]()
    result = shape.initiator.initiate_chat(shape.recipient, **shape.arguments)

    save_result(result, path)

    assert load(path).result() == result
    again = SHAPES["two_for_some_turns"]()
    assert resume(path, again.agents).chat_history == result.chat_history
    assert resume(path, again.agents, message="one more", max_turns=1, silent=True).turns[-2].message["content"] == (
        "one more"
    )


def test_a_result_without_turns_is_not_saved(path: Path) -> None:
    with pytest.raises(ValueError, match="nothing was said"):
        save_result(ChatResult(), path)


# --- going on ---------------------------------------------------------------------------------------------------------


def test_a_chat_that_has_ended_is_given_as_it_ended_and_nobody_is_asked(path: Path) -> None:
    result = held(SHAPES["two_for_some_turns"](), path)
    ann, bob = talker("ann", *()), talker("bob", *())
    before = path.stat().st_size

    again = resume(path, [ann, bob])

    assert again == result
    assert ann.chat_messages[bob] == result.chat_history
    assert path.stat().st_size == before


def test_a_chat_that_has_ended_can_be_led_further(path: Path) -> None:
    def shape(turns: int) -> Shape:
        return Shape(
            ConversableAgent("ann", model=echo, human_input_mode="NEVER"),
            ConversableAgent("bob", model=echo, human_input_mode="NEVER"),
            message="hello",
            max_turns=turns,
        )

    held(shape(2), path)
    wanted = shape(5).initiator.initiate_chat(shape(5).recipient, **shape(5).arguments)

    result = resume(path, shape(2).agents, max_turns=5)

    assert said(result) == said(wanted)


def test_a_message_goes_on_with_a_chat_that_has_ended(path: Path) -> None:
    held(SHAPES["two_for_some_turns"](), path)
    shape = SHAPES["two_for_some_turns"]()

    result = resume(path, shape.agents, message="and then?", max_turns=1)

    assert [turn.sender for turn in result.turns[-2:]] == ["ann", "bob"]
    assert result.turns[-1].message["content"] == "bob has heard 10, lastly: and then?"
    assert load(path).finished


def test_a_message_goes_on_with_a_group_that_was_killed(path: Path, tmp_path: Path) -> None:
    held(SHAPES["group"](), path)
    turns = [entry.number for entry in read_journal(path, kinds=["turn"])]
    shape = SHAPES["group"]()

    result = resume(cut(path, turns[5], tmp_path / "cut.journal"), shape.agents, message="wait")

    names = [message["name"] for message in shape.recipient.groupchat.messages]
    assert names[:4] == ["ann", "bob", "ann", "bob"]
    assert shape.recipient.groupchat.messages[2]["content"] == "wait"
    assert len(names) == 2 + 7
    assert "wait" in str(result.chat_history)
    everybody = remembered(shape)
    once_more = SHAPES["group"]()
    resume(tmp_path / "cut.journal", once_more.agents)
    assert remembered(once_more) == everybody


def test_a_tool_whose_result_was_not_saved_is_run_again(path: Path, tmp_path: Path) -> None:
    ran: list[int] = []

    def note(n: int) -> str:
        ran.append(n)
        return "noted"

    def ann() -> ConversableAgent:
        return talker("ann", function_map={"note": note})

    held(Shape(ann(), talker("bob", tool_call("note", '{"n": 1}'), "done"), message="go", max_turns=2), path)
    model = saying("done")

    resume(
        cut(path, 3, tmp_path / "cut.journal"),
        [ann(), ConversableAgent("bob", model=model, human_input_mode="NEVER")],
    )

    assert ran == [1, 1]
    assert model.asked[0]["messages"][-1]["content"] == "noted"


def test_the_same_program_finds_its_chats_in_the_order_in_which_it_held_them(path: Path) -> None:
    def program() -> list[Any]:
        results = []
        for number in range(3):
            ann, bob = talker("ann"), talker("bob", f"reply {number}")
            results.append(
                ann.initiate_chat(bob, message=f"{number}?", max_turns=1, silent=True, save=path, resume=True).summary
            )
        return results

    source = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from tests.agents.talkers import talker
        for number in range(int(sys.argv[2])):
            ann, bob = talker("ann"), talker("bob", "from there " + str(number))
            ann.initiate_chat(bob, message="?", max_turns=1, silent=True, save=sys.argv[1], resume=True)
    """)
    subprocess.run([sys.executable, "-c", source, str(path), "2"], check=True, timeout=60)

    first = program()
    second = program()

    assert first == ["from there 0", "from there 1", "reply 2"]
    assert second == ["reply 0", "reply 1", "reply 2"]
    assert len(load_all(path)) == 6


def test_a_chat_that_an_error_ended_goes_on_in_the_same_process(path: Path) -> None:
    def model(messages: list[dict[str, Any]], **_: Any) -> str:
        if len(messages) == 4 and not mended:
            raise RuntimeError("the model is down")
        return f"{len(messages)}"

    mended: list[bool] = []

    def hold() -> Any:
        ann = ConversableAgent("ann", model=echo, human_input_mode="NEVER")
        bob = ConversableAgent("bob", model=model, human_input_mode="NEVER")
        return ann.initiate_chat(bob, message="hi", max_turns=3, silent=True, save=path, resume=True)

    with pytest.raises(Exception, match="the model is down"):
        hold()
    broken = load(path)
    mended.append(True)
    result = hold()

    assert "the model is down" in str(broken.broken_off)
    assert not broken.finished
    assert [turn.sender for turn in result.turns] == ["ann", "bob"] * 3
    assert len(load_all(path)) == 1


def test_what_persons_said_is_known_when_the_chat_goes_on(path: Path, tmp_path: Path) -> None:
    def shape(*words: str) -> Shape:
        ann = ConversableAgent("ann", human_input_mode="ALWAYS")
        left = iter(words)

        def typed(prompt: str) -> str:
            word = next(left)
            ann._human_input.append(word)
            return word

        ann.get_human_input = typed  # type: ignore[method-assign]
        return Shape(ann, ConversableAgent("bob", model=echo, human_input_mode="NEVER"), message="hello")

    wanted = held(shape("one", "two", "exit"), path)
    turns = [entry.number for entry in read_journal(path, kinds=["turn"])]

    result = resume(cut(path, turns[3], tmp_path / "cut.journal"), shape("two", "exit").agents)

    assert result.human_input == wanted.human_input == ["one", "two", "exit"]
    assert said(result) == said(wanted)


# --- what is refused --------------------------------------------------------------------------------------------------


def test_agents_are_matched_by_name(path: Path) -> None:
    held(SHAPES["group"](), path)
    shape = SHAPES["group"]()

    with pytest.raises(AgentError, match=r"between ann, chat_manager, bob, cy; missing: chat_manager, cy$"):
        resume(path, shape.recipient.groupchat.agents[:2])
    with pytest.raises(AgentError, match="not in it: zoe"):
        resume(path, [*shape.agents, talker("zoe")])
    with pytest.raises(AgentNameConflict, match="with the same name: bob"):
        resume(path, [*shape.agents, talker("bob")])


def test_a_summary_by_a_function_needs_the_function_again(path: Path, tmp_path: Path) -> None:
    def count_messages(sender: Any, recipient: Any, args: dict[str, Any]) -> str:
        return f"{len(sender.chat_messages[recipient])} messages"

    held(SHAPES["two_for_some_turns"](), path, summary_method=count_messages)
    killed = cut(path, 4, tmp_path / "cut.journal")
    agents = SHAPES["two_for_some_turns"]().agents

    with pytest.raises(AgentError, match=r"count_messages.*give it, or another, as summary_method"):
        resume(killed, agents)

    assert resume(killed, agents, summary_method=count_messages).summary == "8 messages"
    assert resume(path, agents).summary == "8 messages"


@pytest.mark.parametrize("save", ["", 3, ["x"]])
def test_save_must_be_a_path(save: Any) -> None:
    with pytest.raises(AgentError, match="save must be the path of a file"):
        talker("ann").initiate_chat(talker("bob"), message="hi", silent=True, save=save)


def test_a_journal_that_cannot_be_used_is_told_before_anything_is_said(tmp_path: Path) -> None:
    ann, bob = talker("ann"), talker("bob", "never said")

    with pytest.raises(JournalError, match="does not exist"):
        ann.initiate_chat(bob, message="hi", silent=True, save=tmp_path / "none" / "x.journal")

    assert ann.chat_messages == {}


def test_a_chat_whose_journal_fails_stops_with_what_is_not_in_it_and_forgets_nothing(path: Path) -> None:
    journal = open_journal(path)

    def model(messages: list[dict[str, Any]], **_: Any) -> str:
        if len(messages) == 4:
            journal.flush()
            journal._file._open().execute("PRAGMA query_only = ON")
        if len(messages) == 6:
            with pytest.raises(JournalError):
                journal.flush()
        return f"{len(messages)}"

    ann = ConversableAgent("ann", model=echo, human_input_mode="NEVER")
    bob = ConversableAgent("bob", model=model, human_input_mode="NEVER")

    with pytest.raises(JournalError, match="may not be written") as caught:
        ann.initiate_chat(bob, message="hi", max_turns=9, silent=True, save=path)

    assert [entry.data["sender"] for entry in caught.value.unwritten] == ["bob", "ann"]
    assert len(bob.chat_messages[ann]) == 6
    journal._file._open().execute("PRAGMA query_only = OFF")
    assert journal.flush()
    assert len(load(path).turns) == 5


def test_a_chat_that_another_process_is_holding_is_left_to_it(path: Path) -> None:
    with subprocess.Popen([sys.executable, PROGRAM, "two", str(path), "2"], stdin=subprocess.PIPE) as process:
        while not path.exists() or len(_main_turns(path)) < 2:
            assert process.poll() is None

        with pytest.raises(AgentError, match=f"is being held by process {process.pid}"):
            resume(path, SHAPES["two"]().agents)

        process.kill()
    assert resume(path, SHAPES["two"]().agents).summary


def test_a_chat_in_which_nothing_was_said_cannot_be_continued(path: Path, tmp_path: Path) -> None:
    held(SHAPES["two"](), path)
    empty = cut(path, 1, tmp_path / "cut.journal")

    with pytest.raises(AgentError, match="before anything was said"):
        resume(empty, SHAPES["two"]().agents)

    assert held(SHAPES["two"](), empty, resume=True).summary
    assert len(load_all(empty)) == 1


def test_a_journal_of_something_else_is_no_chat(path: Path) -> None:
    journal = open_journal(path)
    journal.append("turn", {"sender": 1}, chat="x").wait()

    with pytest.raises(JournalError, match=r"entry 1 is no turn of a chat|has no beginning"):
        load_all(path)


def test_saving_costs_the_chat_itself_next_to_nothing(path: Path) -> None:
    """Only that recording neither waits nor grows with the chat; how long it takes is bench/'s affair."""
    ann = talker("ann", default_auto_reply="a", max_consecutive_auto_reply=1000)
    bob = talker("bob", default_auto_reply="b", max_consecutive_auto_reply=1000)

    result = ann.initiate_chat(bob, message="hi", max_turns=300, silent=True, save=path)

    assert len(result.turns) == 600
    assert os.path.getsize(path) < 600 * 400  # noqa: PTH202
