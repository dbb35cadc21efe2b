"""CLEAR HISTORY, said in a group chat that allows it: for all, for one, with some messages kept."""

from autogen import ConversableAgent, GroupChat, GroupChatManager, UserProxyAgent
from support import report, typing_in


def chat(command, enabled=True):
    ann, bob = (
        ConversableAgent(name, human_input_mode="NEVER", default_auto_reply=f"{name} speaks") for name in ("ann", "bob")
    )
    user = UserProxyAgent("user", code_execution_config=False)
    group = GroupChat(
        [user, ann, bob], [], max_round=5, speaker_selection_method="round_robin", enable_clear_history=enabled
    )
    manager = GroupChatManager(group)
    with typing_in([command, "exit"]):
        result = user.initiate_chat(manager, message="Begin.")
    return [
        group.messages,
        ann.chat_messages[manager],
        bob.chat_messages[manager],
        user.chat_messages[manager],
        result.summary,
    ]


report(
    everything=chat("clear history"),
    in_a_sentence=chat("please CLEAR HISTORY and go on"),
    of_one=chat("CLEAR HISTORY ann thanks"),
    with_comma=chat("CLEAR HISTORY ann, thanks"),
    keep_two=chat("CLEAR HISTORY 2"),
    of_one_keep_one=chat("CLEAR HISTORY bob 1"),
    not_enabled=chat("CLEAR HISTORY", enabled=False),
)
