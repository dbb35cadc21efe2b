"""The first message: text, a dict, a function of sender, recipient and context, and asked of a person."""

import asyncio

from autogen import ConversableAgent
from support import plain, report, typing_in

a = ConversableAgent("a", human_input_mode="NEVER", default_auto_reply="and?")
b = ConversableAgent("b", human_input_mode="NEVER", default_auto_reply="ok")


def compose(sender, recipient, context):
    return {"content": f"{sender.name} to {recipient.name}: {context['topic']} {sorted(context)}", "name": "compose"}


report(
    text=plain(a.initiate_chat(b, message="text", max_turns=1).chat_history),
    a_dict=plain(a.initiate_chat(b, message={"content": "dict", "role": "system"}, max_turns=1).chat_history),
    function=plain(a.initiate_chat(b, message=compose, max_turns=1, topic="trees", carryover="ignored").chat_history),
    nothing_said=plain(a.initiate_chat(b, message=lambda *_: None, max_turns=1).chat_history),
)
with typing_in(["typed by hand", "typed again", "typed for async"]) as prompts:
    report(
        asked=plain(a.initiate_chat(b, max_turns=1, carryover="with a hint")),
        init=a.generate_init_message(None),
        twin=asyncio.run(a.a_initiate_chat(b, max_turns=1)).chat_history,
        prompts=prompts,
    )
