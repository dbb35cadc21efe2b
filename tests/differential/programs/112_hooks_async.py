"""Hooks in async chats: only the async ones run there."""

import asyncio

from autogen import ConversableAgent
from support import ScriptedClient, llm, report

asked = []
bot = ConversableAgent("bot", llm_config=llm(), human_input_mode="NEVER")
bot.register_model_client(ScriptedClient, replies=["reply one", "reply two"], requests=asked)
user = ConversableAgent(
    "user", llm_config=False, human_input_mode="NEVER", default_auto_reply="next", max_consecutive_auto_reply=1
)


async def shout(content):
    await asyncio.sleep(0)
    return content.upper()


async def number(messages):
    return [{**each, "content": f"{i}: {each['content']}"} for i, each in enumerate(messages)]


async def sign(sender, message, recipient, silent):
    return f"{message} -- {sender.name} {silent}"


def never(content):
    raise AssertionError("a sync hook ran in an async chat")


bot.register_hook("a_process_last_received_message", shout)
bot.register_hook("a_process_all_messages_before_reply", number)
bot.register_hook("a_process_message_before_send", sign)
bot.register_hook("process_last_received_message", never)

report(result=asyncio.run(user.a_initiate_chat(bot, message="hello")), asked=asked, bot_history=bot.chat_messages[user])
