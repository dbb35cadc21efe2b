"""Ctrl-C while somebody speaks: the admin takes over, or the chat ends."""

from autogen import ConversableAgent, GroupChat, GroupChatManager
from support import failed, report


class Interrupted(ConversableAgent):
    def generate_reply(self, messages=None, sender=None, **kwargs):
        raise KeyboardInterrupt("from the keyboard")


def chat(**settings):
    agents = [
        ConversableAgent(name, human_input_mode="NEVER", default_auto_reply=f"{name} speaks")
        for name in ("ann", "Admin")
    ]
    agents.insert(1, Interrupted("slow", human_input_mode="NEVER"))
    group = GroupChat(agents, [], max_round=4, speaker_selection_method="round_robin", **settings)
    try:
        agents[0].initiate_chat(GroupChatManager(group), message="Begin.")
    except KeyboardInterrupt as error:
        return [failed(error), group.messages]
    return group.messages


report(admin=chat(), nobody=chat(admin_name="Boss"))
