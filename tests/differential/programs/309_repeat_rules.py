"""Repeated speakers: allowed, not allowed, allowed to some."""

import random

from autogen import ConversableAgent, GroupChat, GroupChatManager
from support import report


def chat(method, repeat, count=3):
    agents = [
        ConversableAgent(f"agent_{n}", human_input_mode="NEVER", default_auto_reply=f"I am {n}.") for n in range(count)
    ]
    allowed = [agents[n] for n in repeat] if isinstance(repeat, list) else repeat
    group = GroupChat(
        agents=agents, messages=[], max_round=9, speaker_selection_method=method, allow_repeat_speaker=allowed
    )
    random.seed(7)
    agents[0].initiate_chat(GroupChatManager(group), message="Begin.", silent=True)
    transitions = {
        who.name: [each.name for each in after] for who, after in group.allowed_speaker_transitions_dict.items()
    }
    return [[each["name"] for each in group.messages], transitions, group.allow_repeat_speaker]


report(
    **{
        f"{method}_{name}": chat(method, repeat)
        for method in ("random", "round_robin")
        for name, repeat in {"default": None, "yes": True, "no": False, "some": [1]}.items()
    },
    two=chat("random", False, 2),
    two_in_turn=chat("round_robin", True, 2),
)
