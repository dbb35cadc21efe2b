"""A member of a group that asks another group, by a nested chat, before it answers."""

from autogen import ConversableAgent, GroupChat, GroupChatManager
from support import report


def agent(name, reply=None):
    return ConversableAgent(name, human_input_mode="NEVER", default_auto_reply=reply or f"{name} speaks")


experts = GroupChat(
    [agent("physicist"), agent("chemist", "it burns")], [], max_round=3, speaker_selection_method="round_robin"
)
expert_manager = GroupChatManager(experts, name="expert_manager")
asker, user, host = agent("asker"), agent("user"), agent("host")
asker.register_nested_chats(
    [{"recipient": expert_manager, "message": "What happens?", "max_turns": 1, "summary_method": "last_msg"}],
    trigger=lambda sender: sender is not expert_manager,
)
group = GroupChat([user, asker, host], [], max_round=3, speaker_selection_method="round_robin")
report(
    result=user.initiate_chat(GroupChatManager(group), message="Will it burn?"),
    group=group.messages,
    experts=experts.messages,
)
