"""Carryover: text, a list, chats' summaries as dicts, with a dict message, with parts, and of a wrong type."""

from autogen import ConversableAgent
from support import attempt, report

a = ConversableAgent("a", llm_config=False, human_input_mode="NEVER")
b = ConversableAgent("b", llm_config=False, human_input_mode="NEVER", default_auto_reply="Thanks.")


def first_message(message, carryover):
    result = attempt(a.initiate_chat, b, message=message, max_turns=1, carryover=carryover)
    return result if isinstance(result, dict) else result.chat_history[0]["content"]


parts = [{"type": "text", "text": "What is this?"}]
report(
    text=first_message("Task.", "It rains."),
    list=first_message("Task.", ["It rains.", "It is cold."]),
    dicts=first_message("Task.", [{"content": "It rains.", "role": "user"}, {"summary": "no content"}, 7]),
    none=first_message("Task.", None),
    empty=first_message("Task.", []),
    in_dict=first_message({"content": "Task."}, "It rains."),
    in_parts=first_message({"content": parts}, ["It rains."]),
    wrong_type=first_message("Task.", {"weather": "rain"}),
    number=first_message("Task.", 42),
    wrong_type_in_dict=first_message({"content": "Task."}, 42),
    message_number=attempt(a.generate_init_message, 42, carryover="It rains."),
    callable=first_message(lambda sender, recipient, context: f"{sender.name} {recipient.name} {context}", "kept"),
)
