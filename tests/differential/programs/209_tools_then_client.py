"""A tool registered after register_model_client: the client is kept."""

from typing import Annotated

from autogen import ConversableAgent
from support import ScriptedClient, attempt, call, llm, report

asked = []
bot = ConversableAgent("bot", llm_config=llm(), human_input_mode="NEVER")
user = ConversableAgent("user", human_input_mode="NEVER")
bot.register_model_client(
    ScriptedClient, replies=[{"tool_calls": [call("double", {"n": 4})]}, "TERMINATE"], requests=asked
)


@user.register_for_execution()
@bot.register_for_llm(description="Doubles")
def double(n: Annotated[int, "a number"]) -> int:
    return 2 * n


report(result=attempt(user.initiate_chat, bot, message="Double four."), asked=asked)
