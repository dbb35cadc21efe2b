"""Nested chats in an async conversation, which need a chat_id each."""

import asyncio

from autogen import ConversableAgent
from support import ScriptedClient, attempt, llm, report


def scripted(name, *replies):
    agent = ConversableAgent(name, llm_config=llm(), human_input_mode="NEVER")
    agent.register_model_client(ScriptedClient, replies=replies)
    return agent


outer, inner, second = scripted("outer", "unused"), scripted("inner", "thought one"), scripted("second", "thought two")
user = ConversableAgent("user", human_input_mode="NEVER", max_consecutive_auto_reply=0)
chats = [
    {"recipient": inner, "message": "think", "max_turns": 1, "chat_id": 1, "summary_method": "last_msg"},
    {"recipient": second, "message": "again", "max_turns": 1, "chat_id": 2, "prerequisites": [1]},
]
outer.register_nested_chats(chats, trigger=user, use_async=True)

report(
    result=asyncio.run(user.a_initiate_chat(outer, message="What now?", max_turns=1)),
    without_id=attempt(outer.register_nested_chats, [{"recipient": inner}], trigger=user, use_async=True),
    not_async=attempt(
        outer.register_nested_chats,
        [{"recipient": inner, "chat_id": 1}],
        trigger=user,
        use_async=True,
        reply_func_from_nested_chats=lambda *_: None,
    ),
    not_callable=attempt(
        outer.register_nested_chats, [{"recipient": inner}], trigger=user, reply_func_from_nested_chats="summary"
    ),
)
