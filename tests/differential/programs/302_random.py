"""A group chat in random order, from a known seed, with and without repeated speakers."""

import random

from autogen import ConversableAgent, GroupChat, GroupChatManager
from support import report


def run(seed, **settings):
    agents = [
        ConversableAgent(f"agent_{n}", human_input_mode="NEVER", default_auto_reply=f"I am {n}.") for n in range(4)
    ]
    group = GroupChat(agents=agents, messages=[], max_round=8, speaker_selection_method="random", **settings)
    random.seed(seed)
    agents[0].initiate_chat(GroupChatManager(group), message="Begin.", silent=True)
    return [each["name"] for each in group.messages]


report(repeats=run(1), no_repeats=run(2, allow_repeat_speaker=False), capitals=run(3))
