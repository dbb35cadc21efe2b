"""What tools return, as the model reads it: text, numbers, containers, models, nothing."""

import datetime

from autogen import ConversableAgent
from autogen.function_utils import serialize_to_str
from pydantic import BaseModel
from support import attempt, call, report


class Point(BaseModel):
    x: int = 1
    name: str = "Grüße"


values = {
    "text": "plain", "empty": "", "number": 7, "fraction": 0.5, "yes": True, "none": None, "a_list": [1, "two", None],
    "a_dict": {"b": 1, "a": "Grüße"}, "a_tuple": (1, 2), "model": Point(), "nested": {"p": [1, {"q": 2}]},
}  # fmt: skip
user = ConversableAgent("user", human_input_mode="NEVER")
bot = ConversableAgent("bot", human_input_mode="NEVER")
for name, value in values.items():

    def tool(value=value) -> str:
        return value

    user.register_for_execution(name=name)(tool)
user.register_for_execution(name="date")(lambda: datetime.date(2020, 1, 2))
raw = ConversableAgent(
    "raw", human_input_mode="NEVER", function_map={name: (lambda value=value: value) for name, value in values.items()}
)

ask = {"role": "assistant", "content": None, "tool_calls": [call(name, {}, f"id_{name}") for name in [*values, "date"]]}
report(
    wrapped=user.generate_tool_calls_reply([ask]),
    raw=raw.generate_tool_calls_reply([{**ask, "tool_calls": ask["tool_calls"][:-1]}]),
    serialized={name: attempt(serialize_to_str, value) for name, value in values.items()},
    unserializable={"error": attempt(serialize_to_str, object())["error"]},
    no_calls=user.generate_tool_calls_reply([{"role": "assistant", "content": "none"}]),
    no_ids=user.generate_tool_calls_reply(
        [{"content": None, "tool_calls": [{"function": {"name": "text", "arguments": "{}"}}]}]
    ),
)
