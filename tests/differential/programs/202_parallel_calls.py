"""Several tool calls in one message: each gets its answer, under its id; some are unknown or broken."""

from typing import Annotated

from autogen import ConversableAgent
from support import ScriptedClient, call, llm, report

asked = []
bot = ConversableAgent("bot", llm_config=llm(), human_input_mode="NEVER")
user = ConversableAgent("user", human_input_mode="NEVER")


@user.register_for_execution()
@bot.register_for_llm(description="Weather of a city")
def weather(city: Annotated[str, "its name"], days: Annotated[int, "how many"] = 1) -> str:
    if city == "Atlantis":
        raise ValueError("no such city: Atlantis")
    return f"{days} days of rain in {city}"


bot.register_model_client(
    ScriptedClient,
    replies=[
        {
            "tool_calls": [
                call("weather", {"city": "Bonn"}, "one"),
                call("weather", {"city": "Rome", "days": 3}, "two"),
                call("weather", {"city": "Atlantis"}, "three"),
                call("whether", {"city": "Bonn"}, "four"),
                call("weather", '{"city": "Bonn"', "five"),
                call("weather", {"town": "Bonn"}, "six"),
                call("weather", "", "seven"),
                call("weather", '{"city": "two\nlines"}', "eight"),
            ]
        },
        "TERMINATE",
    ],
    requests=asked,
)
report(result=user.initiate_chat(bot, message="How is the weather?"), asked=asked)
