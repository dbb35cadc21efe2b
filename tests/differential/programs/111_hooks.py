"""Hooks: on the last received message, on all messages before a reply, and before sending."""

from autogen import ConversableAgent
from support import ScriptedClient, attempt, llm, report

asked = []
bot = ConversableAgent("bot", llm_config=llm(), human_input_mode="NEVER")
bot.register_model_client(ScriptedClient, replies=["reply one", "reply two", "reply three"], requests=asked)
user = ConversableAgent(
    "user", llm_config=False, human_input_mode="NEVER", default_auto_reply="next", max_consecutive_auto_reply=1
)
sent = []


def shout(content):
    return content.upper()


def shout_twice(content):
    return f"{content}!!"


def keep_two(messages):
    return messages[-2:]


def sign(sender, message, recipient, silent):
    sent.append([sender.name, recipient.name, silent])
    text = message if isinstance(message, str) else message["content"]
    return f"{text} -- {sender.name}"


async def too_late(content):
    return content


bot.register_hook("process_last_received_message", shout)
bot.register_hook("process_last_received_message", shout_twice)
bot.register_hook("process_all_messages_before_reply", keep_two)
bot.register_hook(hookable_method="process_message_before_send", hook=sign)
user.register_hook("process_message_before_send", sign)

report(
    result=user.initiate_chat(bot, message="hello"),
    bot_history=bot.chat_messages[user],
    asked=asked,
    sent=sent,
    unknown=attempt(bot.register_hook, "before_breakfast", shout),
    twice={
        "error": ["AssertionError"]
        if "error" in attempt(bot.register_hook, "process_last_received_message", shout)
        else []
    },
    async_in_sync=attempt(user.register_hook, "process_last_received_message", too_late),
    hookable=sorted(bot.hook_lists),
)
