"""A person who types something instead of letting a tool run: the calls are answered as interrupted."""

import asyncio

from autogen import AssistantAgent, UserProxyAgent
from support import ScriptedClient, call, llm, report, typing_in

asked = []


def chat():
    bot = AssistantAgent("bot", llm_config=llm())
    bot.register_model_client(
        ScriptedClient,
        replies=[
            {"tool_calls": [call("delete", {"file": "a"}, "1"), call("delete", {"file": "b"}, "2")]},
            {"function_call": {"name": "delete", "arguments": "{}"}},
            {"tool_calls": [call("delete", {"file": "c"}, "3")]},
            "As you wish.",
        ],
        requests=asked,
    )
    return bot, UserProxyAgent(
        "user", code_execution_config=False, function_map={"delete": lambda file: f"deleted {file}"}
    )


bot, user = chat()
with typing_in(["no, wait", "not that either", "", "exit"]) as prompts:
    report(result=user.initiate_chat(bot, message="Clean up."), prompts=list(prompts))
bot, user = chat()
with typing_in(["no, wait", "exit"]):
    report(twin=asyncio.run(user.a_initiate_chat(bot, message="Clean up.")))
report(asked=asked)
