"""Histories that are put in place, read and edited by hand, as programs that save chats do."""

import copy
import json

from autogen import ConversableAgent
from support import ScriptedClient, llm, report

asked = []


def agents():
    bot = ConversableAgent("bot", system_message="Be kind.", llm_config=llm(), human_input_mode="NEVER")
    bot.register_model_client(ScriptedClient, replies=["one", "two", "three"], requests=asked)
    return bot, ConversableAgent("user", human_input_mode="NEVER", max_consecutive_auto_reply=0)


bot, user = agents()
user.initiate_chat(bot, message="first")
saved = json.dumps([bot.chat_messages[user], user.chat_messages[bot]])
same = bot.chat_messages is bot._oai_messages

bot, user = agents()
bot._oai_messages[user], user._oai_messages[bot] = json.loads(saved)
result = user.initiate_chat(bot, message="second", clear_history=False)
report(restored=result, asked=list(asked), same=same)

bot.chat_messages[user].pop()
bot.chat_messages[user][-1]["content"] = "edited"
bot.update_system_message("Be brief.")
user.send("third", bot, request_reply=True)
report(edited=bot.chat_messages[user], system=bot._oai_system_message, last=asked[-1])

copied = copy.copy(bot)
report(
    copied=[copied.name, copied.chat_messages is bot.chat_messages],
    hashable=len({bot, user, copied}),
    counter=dict(bot._consecutive_auto_reply_counter),
    at_receive=dict(bot.reply_at_receive),
    human_input=bot._human_input,
    appended=bot._append_oai_message({"content": "by hand"}, "user", user, is_sending=False),
    refused=bot._append_oai_message({"role": "user"}, "user", user, is_sending=False),
    as_dict=[bot._message_to_dict("text"), bot._message_to_dict({"content": "a"})],
)
