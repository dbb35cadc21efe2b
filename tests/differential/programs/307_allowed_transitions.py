"""Who may speak after whom, as allowed transitions: followed, dead ends, one way out."""

import random

from autogen import ConversableAgent, GroupChat, GroupChatManager
from support import attempt, report


def agents():
    return [
        ConversableAgent(name, human_input_mode="NEVER", default_auto_reply=f"{name} speaks")
        for name in ("ann", "bob", "eve", "sam")
    ]


def chat(table, method="round_robin", kind="allowed", rounds=7, first=0):
    people = agents()
    named = {each.name: each for each in people}
    transitions = {named[who]: [named[each] for each in after] for who, after in table.items()}
    group = GroupChat(
        agents=people,
        messages=[],
        max_round=rounds,
        speaker_selection_method=method,
        allowed_or_disallowed_speaker_transitions=transitions,
        speaker_transitions_type=kind,
    )
    random.seed(0)
    outcome = attempt(people[first].initiate_chat, GroupChatManager(group), message="Begin.", silent=True)
    allowed = {who.name: [each.name for each in after] for who, after in group.allowed_speaker_transitions_dict.items()}
    return [[each["name"] for each in group.messages], outcome if isinstance(outcome, dict) else None, allowed]


ring = {"ann": ["bob"], "bob": ["eve"], "eve": ["sam"], "sam": ["ann"]}
report(
    ring=chat(ring),
    ring_at_random=chat(ring, "random"),
    choice=chat({"ann": ["bob", "eve"], "bob": ["eve", "sam"], "eve": ["ann"], "sam": ["ann", "sam"]}, "random"),
    in_turn=chat({"ann": ["bob", "sam"], "bob": ["ann"], "eve": ["ann"], "sam": ["bob", "eve"]}),
    dead_end=chat({"ann": ["bob"], "bob": ["eve"], "eve": [], "sam": ["ann"]}),
    not_in_the_table=chat({"ann": ["bob"], "bob": ["eve", "sam"]}, "random"),
    disallowed=chat({"ann": ["bob"], "bob": ["ann", "bob"]}, kind="disallowed"),
    disallowed_capitals=chat(
        {"ann": ["ann"], "bob": ["bob"], "eve": ["eve"], "sam": ["sam"]}, "random", kind="Disallowed"
    ),
    self_only=chat({"ann": ["ann"], "bob": ["ann"], "eve": ["bob"], "sam": ["eve"]}, rounds=3),
)
