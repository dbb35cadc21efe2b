"""Chats of many shapes, the same each time they are held: to be saved, killed, continued and compared.

Run as a program, ``chat_shapes.py SHAPE PATH [HANGS_AT]`` holds one with ``save=PATH, resume=True``, and prints what
everybody remembers at its end. With a number, its models hang when they are asked for the so-manieth time.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

from modelport.agents import ConversableAgent, GroupChat, GroupChatManager
from modelport.agents.saving import participants

__all__ = ("SHAPES", "Shape", "remembered")

_asked = count(1)
_hangs_at = 0
if __name__ == "__main__" and len(sys.argv) > 3:
    _hangs_at = int(sys.argv[3])


def _was_asked() -> None:
    """A model was asked: hang, if it is time."""
    if next(_asked) == _hangs_at:
        sys.stdin.read()  # until the end of days


class Shape:
    """Who begins a chat with whom, and how."""

    def __init__(self, initiator: Any, recipient: Any, **arguments: Any) -> None:
        self.initiator: Any = initiator
        self.recipient: Any = recipient
        self.arguments: dict[str, Any] = {"silent": True, **arguments}

    @property
    def agents(self) -> list[Any]:
        return [self.initiator, self.recipient]


def remembered(shape: Shape) -> dict[str, Any]:
    """What the agents of a chat know at its end."""
    agents = participants(*shape.agents)
    return {
        name: {
            "histories": {
                other.name: list(past) for other, past in agent._oai_messages.items() if other.name in agents
            },
            "auto": {
                other.name: number
                for other, number in agent._consecutive_auto_reply_counter.items()
                if number and other.name in agents
            },
            "group": list(agent.groupchat.messages) if hasattr(agent, "groupchat") else None,
        }
        for name, agent in agents.items()
    }


def _talks(name: str) -> Callable[..., Any]:
    """Says who it is and how much it has heard: one message more or fewer, and it says something else."""

    def model(messages: list[dict[str, Any]], **_: Any) -> str:
        _was_asked()
        return f"{name} has heard {len(messages)}, lastly: {str(messages[-1]['content'])[:40]}"

    return model


def _talker(name: str, **options: Any) -> ConversableAgent:
    return ConversableAgent(name, model=_talks(name), human_input_mode="NEVER", **options)


def _long(message: dict[str, Any]) -> bool:
    return "has heard 9" in str(message.get("content"))


def two() -> Shape:
    return Shape(_talker("ann", is_termination_msg=_long), _talker("bob"), message="hello")


def two_with_counters() -> Shape:
    return Shape(_talker("ann", max_consecutive_auto_reply=3), _talker("bob"), message="hello")


def two_for_some_turns() -> Shape:
    return Shape(_talker("ann"), _talker("bob"), message="hello", max_turns=4)


def two_with_a_past() -> Shape:
    ann, bob = _talker("ann"), _talker("bob")
    ann.send("before", bob, request_reply=False, silent=True)
    return Shape(ann, bob, message="hello", max_turns=3, clear_history=False)


def with_tools() -> Shape:
    def model(messages: list[dict[str, Any]], **_: Any) -> Any:
        _was_asked()
        if len(messages) < 8 and messages[-1]["role"] != "tool":
            calls = [
                {
                    "id": f"call_{number}",
                    "type": "function",
                    "function": {"name": "add", "arguments": f'{{"a": {number}}}'},
                }
                for number in (len(messages), len(messages) + 1)
            ]
            return {"content": None, "tool_calls": calls}
        return f"after {len(messages)}: {messages[-1]['content']}"

    bob = ConversableAgent("bob", model=model, human_input_mode="NEVER")
    ann = ConversableAgent(
        "ann", human_input_mode="NEVER", function_map={"add": lambda a: a + 1}, default_auto_reply="go on"
    )
    return Shape(ann, bob, message="add", max_turns=5)


def hooked() -> Shape:
    ann, bob = _talker("ann"), _talker("bob")
    bob.register_hook("process_last_received_message", lambda content: f"<{content}>")
    ann.register_hook("process_message_before_send", lambda sender, message, recipient, silent: f"{message}!")
    return Shape(ann, bob, message="hello", max_turns=3)


def nested() -> Shape:
    ann, bob, critic = _talker("ann"), _talker("bob"), _talker("critic")
    bob.register_nested_chats([{"recipient": critic, "max_turns": 2, "silent": True}], trigger=ann)
    return Shape(ann, bob, message="hello", max_turns=3)


def _group(**options: Any) -> tuple[list[ConversableAgent], GroupChatManager]:
    agents = [_talker(name, description=f"{name} talks") for name in ("ann", "bob", "cy")]
    options = {"max_round": 7, "speaker_selection_method": "round_robin", **options}
    group = GroupChat(agents=list(agents), messages=[], **options)
    return agents, GroupChatManager(group, silent=True)


def group() -> Shape:
    agents, manager = _group()
    return Shape(agents[0], manager, message="hello")


def group_with_introductions() -> Shape:
    agents, manager = _group(send_introductions=True)
    return Shape(agents[0], manager, message="hello")


def group_from_outside_twice() -> Shape:
    _, manager = _group(max_round=4)
    return Shape(_talker("zoe"), manager, message="hello", max_turns=2)


def forgetful_group() -> Shape:
    def model(messages: list[dict[str, Any]], **_: Any) -> Any:
        _was_asked()
        heard = [each["content"] for each in messages if each["role"] != "system"]
        return {"content": f"heard {len(heard)}{' CLEAR HISTORY' if len(heard) == 4 else ''}"}

    ann, cy = _talker("ann"), _talker("cy")
    group = GroupChat(
        agents=[ann, ConversableAgent("bob", model=model, human_input_mode="NEVER"), cy],
        messages=[],
        max_round=9,
        speaker_selection_method="round_robin",
        enable_clear_history=True,
    )
    return Shape(ann, GroupChatManager(group, silent=True), message="hello")


def group_in_a_group() -> Shape:
    inner = GroupChat(
        agents=[_talker("dan"), _talker("eve")], messages=[], max_round=3, speaker_selection_method="round_robin"
    )
    manager = GroupChatManager(inner, name="team", silent=True)
    ann, bob = _talker("ann"), _talker("bob")
    outer = GroupChat(agents=[ann, manager, bob], messages=[], max_round=6, speaker_selection_method="round_robin")
    return Shape(ann, GroupChatManager(outer, silent=True), message="hello")


SHAPES: dict[str, Callable[[], Shape]] = {
    make.__name__: make
    for make in (
        two,
        two_with_counters,
        two_for_some_turns,
        two_with_a_past,
        with_tools,
        hooked,
        nested,
        group,
        group_with_introductions,
        group_from_outside_twice,
        forgetful_group,
        group_in_a_group,
    )
}


def main() -> None:
    """Hold one of them; the async way where the shape's name ends with ``:async``."""
    name, _, way = sys.argv[1].partition(":")
    shape = SHAPES[name]()
    if way:
        asyncio.run(shape.initiator.a_initiate_chat(shape.recipient, save=sys.argv[2], resume=True, **shape.arguments))
    else:
        shape.initiator.initiate_chat(shape.recipient, save=sys.argv[2], resume=True, **shape.arguments)
    print(json.dumps(remembered(shape)))


if __name__ == "__main__":
    main()
