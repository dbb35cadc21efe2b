"""generate_reply on its own: with messages, without a sender, from what was received; and its async twin."""

import asyncio

from autogen import AssistantAgent, ConversableAgent
from support import ScriptedClient, attempt, llm, report

asked = []
bot = AssistantAgent("bot", system_message="Be brief.", llm_config=llm(max_tokens=7))
bot.register_model_client(ScriptedClient, replies=[f"reply {n}" for n in range(9)], requests=asked)
user = ConversableAgent("user", human_input_mode="NEVER")

history = [
    {"role": "user", "content": "hello"},
    {"role": "assistant", "content": "hi"},
    {"role": "user", "content": "why?"},
]
user.send("received before", bot, request_reply=False)
report(
    of_messages=bot.generate_reply(messages=history),
    of_sender=bot.generate_reply(sender=user),
    of_both=bot.generate_reply(messages=history, sender=user),
    excluded=bot.generate_reply(messages=history, exclude=[ConversableAgent.generate_oai_reply]),
    terminated=bot.generate_reply(messages=[{"role": "user", "content": "TERMINATE"}]),
    twin=asyncio.run(bot.a_generate_reply(messages=history)),
    twin_of_sender=asyncio.run(bot.a_generate_reply(sender=user)),
    neither=attempt(bot.generate_reply),
    direct=bot.generate_oai_reply(history),
    without_model=user.generate_oai_reply(history),
    history=history,
    asked=asked,
)
report(empty=attempt(bot.generate_reply, messages=[]))
