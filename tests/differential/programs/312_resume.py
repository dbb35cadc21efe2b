"""A group chat that is resumed from its messages, as a list and as text, and goes on."""

import asyncio
import json

from autogen import ConversableAgent, GroupChat, GroupChatManager
from support import attempt, report

PAST = [
    {"content": "Write code.", "role": "user", "name": "user"},
    {"content": "print(1)", "role": "user", "name": "coder"},
    {"content": "Good. TERMINATE", "role": "user", "name": "critic"},
]


def people():
    agents = [
        ConversableAgent(name, human_input_mode="NEVER", default_auto_reply=f"{name} goes on")
        for name in ("user", "coder", "critic")
    ]
    group = GroupChat(agents, [], max_round=3, speaker_selection_method="round_robin", send_introductions=True)
    return agents, group, GroupChatManager(group, is_termination_msg=lambda message: "TERMINATE" in message["content"])


agents, group, manager = people()
agent, message = manager.resume(messages=PAST, remove_termination_string="TERMINATE")
report(
    resumed=[agent, message],
    prepared=list(group.messages),
    of_coder=list(agents[1].chat_messages[manager]),
    untouched=PAST,
    introductions=group.send_introductions,
)
report(goes_on=agent.initiate_chat(recipient=manager, message=message, clear_history=False), group=group.messages)

agents, group, manager = people()
text = manager.messages_to_string(PAST)
agent, message = manager.resume(
    text, remove_termination_string=lambda content: content.replace("Good. TERMINATE", "Bad."), silent=True
)
report(from_text=[agent, message, json.loads(text)], parsed=manager.messages_from_string(text))

agents, group, manager = people()
agent, message = asyncio.run(manager.a_resume(PAST[:2]))
report(
    twin=[agent, message],
    twin_group=group.messages,
    goes_on_async=asyncio.run(agent.a_initiate_chat(manager, message=message, clear_history=False)),
)

agents, group, manager = people()
report(
    by_manager=attempt(
        manager.resume,
        [{"content": "no name", "role": "user"}, {"content": "by admin", "role": "user", "name": "chat_manager"}],
    ),
    stranger=attempt(manager.resume, [{"content": "hi", "role": "user", "name": "mallory"}]),
    nothing=attempt(manager.resume, []),
    no_json=attempt(manager.resume, "{"),
    wrong_type=attempt(manager.resume, 7),
    list_of_texts=attempt(manager.resume, ["hi"]),
)
