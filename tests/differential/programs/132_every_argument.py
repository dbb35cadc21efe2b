"""initiate_chat with every argument at once, sync and async, and what is left on the agents afterwards."""

import asyncio

from autogen import AssistantAgent, Cache, UserProxyAgent
from support import ScriptedClient, llm, report

asked = []


def agents():
    bot = AssistantAgent("bot", llm_config=llm())
    bot.register_model_client(
        ScriptedClient, replies=["cached answer", "the summary", "a fresh answer"], requests=asked
    )
    return bot, UserProxyAgent("user", human_input_mode="NEVER", code_execution_config=False, default_auto_reply="more")


def arguments(cache):
    return {
        "clear_history": True,
        "silent": False,
        "cache": cache,
        "max_turns": 1,
        "summary_method": "reflection_with_llm",
        "summary_args": {"summary_prompt": "In one word."},
        "message": "What is cached?",
        "carryover": ["a hint"],
        "unknown_to_all": 7,
    }


with Cache.disk(cache_seed=5, cache_path_root="answers") as cache:
    bot, user = agents()
    report(
        first=user.initiate_chat(bot, **arguments(cache)),
        caches=[bot.client_cache, user.client_cache, bot.previous_cache],
    )
    bot, user = agents()
    report(again=user.initiate_chat(recipient=bot, **arguments(cache)))
    bot, user = agents()
    report(twin=asyncio.run(user.a_initiate_chat(bot, **arguments(cache))))
report(asked=asked)
