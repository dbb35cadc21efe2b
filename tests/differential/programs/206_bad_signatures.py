"""Tools with annotations missing, without a description, with a wrong name or an unknown style."""

from typing import Annotated

from autogen import ConversableAgent, register_function
from autogen.function_utils import get_function_schema
from support import attempt, llm, report

bot = ConversableAgent("bot", llm_config=llm(), human_input_mode="NEVER")
user = ConversableAgent("user", human_input_mode="NEVER")


def bare(a, b):
    return a


def half(a: int, b=2) -> int:
    return a


def no_return(a: int):
    return a


def whole(a: Annotated[int, "a number"]) -> int:
    return a


report(
    bare=attempt(get_function_schema, bare, description="x"),
    half=attempt(get_function_schema, half, description="x"),
    no_return=attempt(get_function_schema, no_return, description="x"),
    registered_bare=attempt(register_function, bare, caller=bot, executor=user, description="x"),
    no_description=attempt(lambda: bot.register_for_llm()(whole)),
    bad_name=attempt(register_function, whole, caller=bot, executor=user, name="not a name", description="x"),
    long_name=attempt(lambda: bot.register_for_llm(name="n" * 65, description="x")(whole)),
    bad_style=attempt(lambda: bot.register_for_llm(name="w", description="x", api_style="telepathy")(whole)),
    no_llm_config=attempt(lambda: user.register_for_llm(name="w", description="x")(whole)),
    bad_map=attempt(ConversableAgent, "x", function_map={"no good": whole}),
    bad_register=attempt(user.register_function, {"no good": whole}),
    tools=bot.llm_config.get("tools"),
    functions=sorted(user.function_map),
)
