"""A person picks the speaker: a number, wrong numbers, nothing."""

from autogen import ConversableAgent, GroupChat, GroupChatManager
from support import report, typing_in


def chat(*lines, **settings):
    agents = [
        ConversableAgent(name, human_input_mode="NEVER", default_auto_reply=f"{name} speaks")
        for name in ("ann", "bob", "eve")
    ]
    group = GroupChat(agents=agents, messages=[], max_round=3, speaker_selection_method="manual", **settings)
    with typing_in(lines) as prompts:
        agents[0].initiate_chat(GroupChatManager(group), message="Who?")
    return [[each["name"] for each in group.messages], prompts]


report(
    numbers=chat("3", "2"),
    wrong=chat("7", "bob", "2"),
    nothing=chat("", "q"),
    too_often=chat("x", "0", "-1", "9", "1", "1"),
    no_repeat=chat("1", "2", allow_repeat_speaker=False),
)
