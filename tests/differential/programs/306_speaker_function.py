"""A function picks the speaker: an agent, a way of picking, nobody."""

import random

from autogen import ConversableAgent, GroupChat, GroupChatManager
from support import attempt, report

seen = []


def chat(function, **settings):
    agents = [
        ConversableAgent(name, human_input_mode="NEVER", default_auto_reply=f"{name} speaks")
        for name in ("ann", "bob", "eve")
    ]
    group = GroupChat(agents=agents, messages=[], max_round=4, speaker_selection_method=function, **settings)
    outcome = attempt(agents[0].initiate_chat, GroupChatManager(group), message="Who?")
    return [[each["name"] for each in group.messages], outcome]


def backwards(last_speaker, group):
    seen.append([last_speaker.name, len(group.messages)])
    return group.agents[group.agents.index(last_speaker) - 1]


def by_method(last_speaker, group):
    return "round_robin" if len(group.messages) < 2 else "random"


def nobody_after_two(last_speaker, group):
    return group.agents[1] if len(group.messages) < 2 else None


random.seed(4)
report(
    agents=chat(backwards),
    methods=chat(by_method),
    nobody=chat(nobody_after_two),
    stranger=chat(lambda last, group: ConversableAgent("mallory")),
    number=chat(lambda last, group: 7),
    unknown_method=chat(lambda last, group: "by_height"),
    unknown_word=chat("by_height"),
    raising=chat(lambda last, group: {}["missing"]),
    seen=seen,
)
