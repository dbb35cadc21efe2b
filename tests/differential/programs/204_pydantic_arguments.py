"""Tools that take pydantic models get models, not dicts; results that are models become JSON."""

from typing import Annotated, Literal

from autogen import ConversableAgent, register_function
from pydantic import BaseModel, Field
from support import ScriptedClient, call, llm, report

Symbol = Literal["USD", "EUR"]


class Currency(BaseModel):
    currency: Annotated[Symbol, Field(..., description="its symbol")]
    amount: Annotated[float, Field(0, description="how much", ge=0)]


def convert(
    base: Annotated[Currency, "what you have"], quote_currency: Annotated[Symbol, "what you want"] = "USD"
) -> Currency:
    rate = 1.1 if (base.currency, quote_currency) == ("EUR", "USD") else 1 / 1.1
    return Currency(currency=quote_currency, amount=round(base.amount * rate, 2))


bot = ConversableAgent("bot", llm_config=llm(), human_input_mode="NEVER")
user = ConversableAgent("user", human_input_mode="NEVER")
register_function(convert, caller=bot, executor=user, description="Converts money.")
bot.register_model_client(
    ScriptedClient,
    replies=[
        {"tool_calls": [call("convert", {"base": {"currency": "EUR", "amount": 100}})]},
        {"tool_calls": [call("convert", {"base": {"currency": "USD", "amount": 11}, "quote_currency": "EUR"})]},
        {"tool_calls": [call("convert", {"base": {"currency": "EUR"}})]},
        "TERMINATE",
    ],
)
report(result=user.initiate_chat(bot, message="Convert."), tools=bot.llm_config["tools"])
