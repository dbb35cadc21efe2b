"""Async tools in async and in sync chats, beside sync ones."""

import asyncio
from typing import Annotated

from autogen import ConversableAgent
from support import ScriptedClient, call, llm, report

asked, log = [], []


def agents():
    bot = ConversableAgent("bot", llm_config=llm(), human_input_mode="NEVER")
    user = ConversableAgent("user", human_input_mode="NEVER")

    @user.register_for_execution()
    @bot.register_for_llm(description="Waits a little")
    async def timer(number: Annotated[int, "of the timer"]) -> str:
        log.append(f"start {number}")
        await asyncio.sleep(0.01 * (3 - number))
        log.append(f"stop {number}")
        return f"timer {number} is done"

    @user.register_for_execution()
    @bot.register_for_llm(description="Does not wait")
    def stopwatch(number: Annotated[int, "of the stopwatch"]) -> str:
        return f"stopwatch {number}"

    @user.register_for_execution()
    @bot.register_for_llm(description="Fails")
    async def failing() -> str:
        raise RuntimeError("the timer is broken")

    calls = [
        call("timer", {"number": 1}, "a"),
        call("timer", {"number": 2}, "b"),
        call("stopwatch", {"number": 3}, "c"),
        call("failing", {}, "d"),
    ]
    bot.register_model_client(ScriptedClient, replies=[{"tool_calls": calls}, "TERMINATE"], requests=asked)
    return bot, user


bot, user = agents()
report(twin=asyncio.run(user.a_initiate_chat(bot, message="Start them.")))
log.append("-- sync")
bot, user = agents()
report(sync=user.initiate_chat(bot, message="Start them."), log=log, tools=bot.llm_config["tools"], asked=asked)
