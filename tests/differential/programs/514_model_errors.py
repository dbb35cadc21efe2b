"""A model that raises in the middle of a chat: the error comes through, and what was said is kept."""

import asyncio

from autogen import ConversableAgent
from support import ScriptedClient, attempt, failed, llm, report


class OutOfMemory(RuntimeError):
    """The model's own."""


def agents(*replies):
    bot = ConversableAgent("bot", llm_config=llm(), human_input_mode="NEVER")
    bot.register_model_client(ScriptedClient, replies=replies)
    return bot, ConversableAgent("user", human_input_mode="NEVER", default_auto_reply="go on")


bot, user = agents("fine", OutOfMemory("no more"))
error = attempt(user.initiate_chat, bot, message="Hi.")
report(error=error, kept=user.chat_messages[bot], usage=bot.get_total_usage())


async def twin():
    bot, user = agents("fine", OutOfMemory("no more"))
    try:
        await user.a_initiate_chat(bot, message="Hi.")
    except OutOfMemory as error:
        return [failed(error), user.chat_messages[bot]]


report(twin=asyncio.run(twin()))
bot, user = agents("fine", KeyError("lost"), TimeoutError("too slow"), "after it")
for name in ("key_error", "timeout"):
    report(**{name: attempt(user.initiate_chat, bot, message="Again.", clear_history=False)})
report(goes_on=user.initiate_chat(bot, message="Once more.", max_turns=1).summary)
