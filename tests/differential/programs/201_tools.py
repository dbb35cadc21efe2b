"""register_function: a model calls a tool, the executor runs it, the model reads the result."""

from typing import Annotated, Literal

import autogen
from support import ScriptedClient, call, llm, report

asked = []
Operator = Literal["+", "-", "*", "/"]


def calculator(a: int, b: int, operator: Annotated[Operator, "what to do"]) -> int:
    return {"+": a + b, "-": a - b, "*": a * b, "/": int(a / b) if b else 0}[operator]


assistant = autogen.ConversableAgent(
    "assistant", system_message="You calculate. TERMINATE when done.", llm_config=llm(), human_input_mode="NEVER"
)
user = autogen.ConversableAgent(
    "user",
    llm_config=False,
    is_termination_msg=lambda message: message.get("content") is not None and "TERMINATE" in message["content"],
    human_input_mode="NEVER",
)
autogen.register_function(
    calculator, caller=assistant, executor=user, name="calculator", description="A simple calculator"
)
assistant.register_model_client(
    ScriptedClient,
    replies=[
        {"content": "I calculate.", "tool_calls": [call("calculator", {"a": 44232, "b": 13312, "operator": "+"})]},
        {"tool_calls": [call("calculator", {"a": 57544, "b": 2, "operator": "/"}, "call_2")]},
        "It is 28772. TERMINATE",
    ],
    requests=asked,
)
report(
    result=user.initiate_chat(assistant, message="What is (44232 + 13312) / 2?"),
    asked=asked,
    tools=assistant.llm_config["tools"],
    functions=sorted(user.function_map),
    assistant_history=assistant.chat_messages[user],
    still_callable=calculator(1, 2, "+"),
)
