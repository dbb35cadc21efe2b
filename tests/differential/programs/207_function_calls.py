"""The older function_call: function_map, signatures, errors of a function told to the model."""

from autogen import AssistantAgent, UserProxyAgent
from support import ScriptedClient, llm, report

asked = []
functions = [
    {
        "name": "add",
        "description": "Adds",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
    }
]
bot = AssistantAgent("bot", llm_config=llm(functions=functions))


def add(a, b):
    return a + b


def fail():
    raise KeyError("lost")


async def wait(n):
    return f"waited {n}"


user = UserProxyAgent(
    "user", human_input_mode="NEVER", code_execution_config=False, function_map={"add": add, "fail": fail, "wait": wait}
)
bot.register_model_client(
    ScriptedClient,
    replies=[
        {"content": "Adding.", "function_call": {"name": "add", "arguments": '{"a": 1,\n "b": 2}'}},
        {"function_call": {"name": "fail", "arguments": "{}"}},
        {"function_call": {"name": "subtract", "arguments": "{}"}},
        {"function_call": {"name": "add", "arguments": "{broken"}},
        {"function_call": {"name": "add", "arguments": '{"a": 1}'}},
        {"function_call": {"name": "wait", "arguments": '{"n": 5}'}},
        {"function_call": {"name": "odd name!", "arguments": "{}"}},
        "TERMINATE",
    ],
    requests=asked,
)
report(result=user.initiate_chat(bot, message="Add."), asked=asked, user_history=user.chat_messages[bot])
