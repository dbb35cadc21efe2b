"""Nested chats: an agent thinks with two others before it answers."""

from autogen import AssistantAgent, ConversableAgent, UserProxyAgent
from support import ScriptedClient, llm, report

asked = []


def scripted(name, *replies, kind=AssistantAgent, **settings):
    agent = kind(name, llm_config=llm(), human_input_mode="NEVER", **settings)
    agent.register_model_client(ScriptedClient, replies=replies, requests=asked)
    return agent


writer = scripted("writer", "Draft one.", "Draft two.")
critic = scripted("critic", "Too short.", "Better.", system_message="You find faults.")
lawyer = scripted("lawyer", "No objection.", system_message="You know the law.")
user = UserProxyAgent("user", human_input_mode="NEVER", code_execution_config=False, max_consecutive_auto_reply=1)


def question(recipient, messages, sender, config):
    return f"{sender.name} wrote to {recipient.name}: {messages[-1]['content']} ({config})"


user.register_nested_chats(
    [
        {"recipient": critic, "message": question, "max_turns": 1, "summary_method": "last_msg"},
        {"recipient": lawyer, "message": "Is that legal?", "max_turns": 1},
    ],
    trigger=writer,
)
report(result=user.initiate_chat(writer, message="Write a poem.", max_turns=2), asked=asked)

quiet = ConversableAgent("quiet", human_input_mode="NEVER", default_auto_reply="No chat was run.")
quiet.register_nested_chats(
    [{"recipient": critic, "message": lambda *_: "", "max_turns": 1}], trigger=lambda sender: True
)
report(nothing_to_say=quiet.generate_reply([{"role": "user", "content": "hi"}], user))


def own_reply(chat_queue, recipient, messages, sender, config):
    return True, f"{len(chat_queue)} chats for {sender.name}: {messages[-1]['content']}"


own = ConversableAgent("own", human_input_mode="NEVER")
own.register_nested_chats([{"recipient": critic}], trigger="user", reply_func_from_nested_chats=own_reply)
report(own=own.generate_reply([{"role": "user", "content": "hi"}], user))
