"""Async reply functions among sync ones, many chats on one loop, and the order of what they say."""

import asyncio

from autogen import Agent, ConversableAgent
from support import report


async def think(recipient, messages=None, sender=None, config=None):
    await asyncio.sleep(0)
    return False, None


def quick(recipient, messages=None, sender=None, config=None):
    return True, f"{recipient.name} heard {messages[-1]['content']} from {sender.name}"


def pair(number):
    a = ConversableAgent(f"a{number}", human_input_mode="NEVER", default_auto_reply=f"next {number}")
    b = ConversableAgent(f"b{number}", human_input_mode="NEVER")
    b.register_reply([Agent, None], quick)
    b.register_reply([Agent, None], think)
    return a.a_initiate_chat(b, message=f"hello {number}", max_turns=2, silent=True)


async def main():
    return await asyncio.gather(*(pair(number) for number in range(20)))


report(results=asyncio.run(main()))
