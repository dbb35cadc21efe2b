"""Silence: a silent chat, a silent agent, and an agent that is never silent."""

from autogen import ConversableAgent
from support import report


def pair(**settings):
    made = [
        ConversableAgent(
            name, llm_config=False, human_input_mode="NEVER", default_auto_reply=f"from {name}", **settings
        )
        for name in ("a", "b")
    ]
    return made


a, b = pair()
print("== a silent chat")
a.initiate_chat(b, message="silent chat", max_turns=2, silent=True)
a, b = pair(silent=True)
print("== silent agents")
a.initiate_chat(b, message="silent agents", max_turns=2)
a, b = pair(silent=False)
print("== agents that are not silent, in a silent chat")
a.initiate_chat(b, message="loud agents", max_turns=1, silent=True)
a, b = pair()
b.silent = True
print("== one of the two")
result = a.initiate_chat(b, message="one is silent", max_turns=2)
report(history=result.chat_history)
