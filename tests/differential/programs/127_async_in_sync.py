"""An async reply function in a sync chat is an error, unless it says that it may be ignored there."""

import asyncio

from autogen import Agent, ConversableAgent
from support import attempt, report


async def slow(recipient, messages=None, sender=None, config=None):
    await asyncio.sleep(0)
    return True, f"slowly: {messages[-1]['content']}"


def agents(**settings):
    a = ConversableAgent("a", human_input_mode="NEVER", max_consecutive_auto_reply=1)
    b = ConversableAgent("b", human_input_mode="NEVER", default_auto_reply="quickly")
    b.register_reply([Agent, None], slow, **settings)
    return a, b


a, b = agents()
report(refused=attempt(a.initiate_chat, b, message="hello", max_turns=1))
report(awaited=asyncio.run(a.a_initiate_chat(b, message="hello", max_turns=1)))
a, b = agents(ignore_async_in_sync_chat=True)
report(ignored=a.initiate_chat(b, message="hello", max_turns=1))
