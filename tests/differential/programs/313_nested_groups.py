"""A group chat within a group chat, and names looked up in both."""

from autogen import ConversableAgent, GroupChat, GroupChatManager
from support import attempt, report


def agent(name):
    return ConversableAgent(
        name, human_input_mode="NEVER", default_auto_reply=f"{name} speaks", description=f"is {name}"
    )


inner_agents = [agent("ann"), agent("bob")]
inner = GroupChat(inner_agents, [], max_round=3, speaker_selection_method="round_robin")
inner_manager = GroupChatManager(inner, name="inner_manager")
outer_agents = [agent("eve"), inner_manager, agent("bob")]
outer = GroupChat(outer_agents, [], max_round=4, speaker_selection_method="round_robin")
outer_manager = GroupChatManager(outer, name="outer_manager")

report(
    names=[outer.agent_names, [each.name for each in outer.nested_agents()]],
    found=[
        outer.agent_by_name("ann"),
        outer.agent_by_name("ann", recursive=True),
        outer.agent_by_name("nobody", recursive=True),
    ],
    clash=attempt(outer.agent_by_name, "bob", recursive=True, raise_on_name_conflict=True),
    no_clash=attempt(outer.agent_by_name, "bob", raise_on_name_conflict=True),
    result=outer_agents[0].initiate_chat(outer_manager, message="Begin."),
    inner=inner.messages,
    outer=outer.messages,
)
