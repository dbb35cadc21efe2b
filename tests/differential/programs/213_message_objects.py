"""A model client that returns message objects, as OpenAI's client does, with calls whose names need mending."""

from types import SimpleNamespace
from typing import Any, List, Optional

from autogen import ConversableAgent
from pydantic import BaseModel
from support import llm, report


class Function(BaseModel):
    name: str
    arguments: str


class ToolCall(BaseModel):
    id: Optional[str] = None
    type: Optional[str] = "function"
    function: Function


class Message(BaseModel):
    role: str = "assistant"
    content: Optional[str] = None
    function_call: Optional[Function] = None
    tool_calls: Optional[List[ToolCall]] = None


class ObjectClient:
    def __init__(self, config, script=()):
        self.script = list(script)

    def create(self, params):
        return SimpleNamespace(choices=[SimpleNamespace(message=self.script.pop(0))], model="objects")

    def message_retrieval(self, response) -> List[Any]:
        message = response.choices[0].message
        return [message if message.tool_calls or message.function_call else message.content]

    def cost(self, response):
        response.cost = 0.5
        return 0.5

    @staticmethod
    def get_usage(response):
        return {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 0.5, "model": "objects"}


config = llm()
config["config_list"] = [{"model": "objects", "model_client_cls": "ObjectClient"}]
bot = ConversableAgent("bot", llm_config=config, human_input_mode="NEVER")
user = ConversableAgent("user", human_input_mode="NEVER", function_map={"my_tool": lambda: "from my tool"})
bot.register_model_client(
    ObjectClient,
    script=[
        Message(tool_calls=[ToolCall(id="1", function=Function(name="my.tool", arguments="{}"))]),
        Message(tool_calls=[ToolCall(function=Function(name="my tool", arguments="{}"), type=None)]),
        Message(function_call=Function(name="my:tool", arguments="{}")),
        Message(content="TERMINATE"),
    ],
)
report(result=user.initiate_chat(bot, message="Use your tool."), of_bot=bot.chat_messages[user])
