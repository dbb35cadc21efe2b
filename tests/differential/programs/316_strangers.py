"""Somebody from outside starts a group chat; a stranger may not be picked; names may clash."""

from autogen import ConversableAgent, GroupChat, GroupChatManager
from support import attempt, report


def agent(name):
    return ConversableAgent(name, human_input_mode="NEVER", default_auto_reply=f"{name} speaks")


outsider, ann, bob, eve = (agent(name) for name in ("outsider", "ann", "bob", "eve"))


def chat(agents, method="round_robin"):
    group = GroupChat(agents, [], max_round=4, speaker_selection_method=method)
    outcome = attempt(outsider.initiate_chat, GroupChatManager(group), message="Hello?")
    return [[each["name"] for each in group.messages], outcome]


group = GroupChat([ann, bob, eve], [])
report(
    from_outside=chat([ann, bob, eve]),
    same_names=chat([ann, agent("ann"), bob]),
    picked_stranger=chat([ann, bob], lambda last, group: eve),
    next_of_all=[group.next_agent(each) for each in (ann, eve, outsider)],
    next_of_some=[group.next_agent(ann, [eve]), group.next_agent(eve, [bob, eve]), group.next_agent(outsider, [bob])],
    next_of_strangers=attempt(group.next_agent, ann, [outsider]),
    next_of_nobody=attempt(group.next_agent, ann, []),
    same_name_raises=attempt(GroupChat([ann, agent("ann")], []).agent_by_name, "ann", raise_on_name_conflict=True),
    same_name=GroupChat([ann, agent("ann")], []).agent_by_name("ann") is ann,
)
