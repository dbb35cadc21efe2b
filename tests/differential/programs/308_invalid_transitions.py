"""Transitions that cannot be: wrong types, strangers, both kinds of rules at once."""

from autogen import ConversableAgent, GroupChat
from support import attempt, report

ann, bob, mallory = (ConversableAgent(name, human_input_mode="NEVER") for name in ("ann", "bob", "mallory"))


def group(**settings):
    made = attempt(GroupChat, agents=[ann, bob], messages=[], **settings)
    return made if isinstance(made, dict) else "fine"


def transitions(table, kind="allowed", **settings):
    return group(allowed_or_disallowed_speaker_transitions=table, speaker_transitions_type=kind, **settings)


report(
    fine=transitions({ann: [bob], bob: [ann]}),
    no_kind=transitions({ann: [bob]}, None),
    unknown_kind=transitions({ann: [bob]}, "maybe"),
    both=transitions({ann: [bob]}, allow_repeat_speaker=False),
    not_a_dict=transitions([ann, bob]),
    not_lists=transitions({ann: bob}),
    strangers=transitions({ann: [mallory], mallory: [ann]}),
    stranger_after=transitions({ann: [mallory], bob: [ann]}),
    nobody=transitions({ann: [], bob: []}),
    empty=transitions({}),
    twice=transitions({ann: [bob, bob], bob: [ann]}),
    isolated=transitions({ann: [ann]}),
    repeat_of_wrong_type=group(allow_repeat_speaker="yes"),
)
