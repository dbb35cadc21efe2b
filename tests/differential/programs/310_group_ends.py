"""How group chats end: max_round, a termination message, an agent without an answer, too few agents."""

from autogen import ConversableAgent, GroupChat, GroupChatManager
from support import attempt, report


def chat(*replies, rounds=6, count=None, **settings):
    agents = [
        ConversableAgent(f"agent_{n}", human_input_mode="NEVER", default_auto_reply=reply)
        for n, reply in enumerate(replies)
    ][:count]
    group = GroupChat(agents=agents, messages=[], max_round=rounds, speaker_selection_method="round_robin")
    manager = GroupChatManager(group, **settings)
    outcome = attempt(agents[0].initiate_chat, manager, message="Begin.")
    return [outcome, group.messages]


report(
    rounds=chat("a", "b", rounds=3),
    one_round=chat("a", "b", rounds=1),
    no_rounds=chat("a", "b", rounds=0),
    said_so=chat("a", "TERMINATE", "c", is_termination_msg=lambda message: "TERMINATE" in message["content"]),
    by_default=chat("a", "b TERMINATE", "TERMINATE"),
    no_answer=chat("a", None, "c"),
    alone=chat("a"),
    said_at_once=chat("a", "b", is_termination_msg=lambda message: True),
    auto_reply_limit=chat("a", "b", "c", max_consecutive_auto_reply=1),
    human_at_the_manager=chat("a", "b", human_input_mode="NEVER", name="boss", system_message="You manage."),
)
