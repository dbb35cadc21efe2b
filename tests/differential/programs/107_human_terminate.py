"""human_input_mode TERMINATE: a person is asked at a termination message and at the limit of automatic replies."""

from autogen import ConversableAgent
from support import ScriptedClient, llm, report, typing_in

bot = ConversableAgent("bot", llm_config=llm(), human_input_mode="NEVER")
bot.register_model_client(ScriptedClient, replies=["One.", "TERMINATE", "Two.", "Three.", "Four.", "TERMINATE"])
user = ConversableAgent("user", llm_config=False, max_consecutive_auto_reply=1, default_auto_reply="Auto.")

with typing_in(["one more please", "", "and now?", ""]) as prompts:
    result = user.initiate_chat(bot, message="Count.")
report(result=result, prompts=prompts, human_input=user._human_input)
