"""human_input_mode ALWAYS: a person answers, skips, and ends the conversation."""

import autogen
from support import ScriptedClient, llm, report, typing_in

asked = []
bot = autogen.AssistantAgent("bot", llm_config=llm())
user = autogen.UserProxyAgent("user", code_execution_config=False)
bot.register_model_client(ScriptedClient, replies=["Hello.", "I see.", "Fine.", "TERMINATE"], requests=asked)

with typing_in(["tell me more", "", "still there?", "exit"]) as prompts:
    result = user.initiate_chat(bot, message="Hi, bot.")
report(result=result, prompts=list(prompts), asked=asked)

again = autogen.AssistantAgent("again", llm_config=llm())
again.register_model_client(ScriptedClient, replies=["TERMINATE", "Oh, good.", "TERMINATE"])
with typing_in(["don't stop", "", ""]) as prompts:
    result = user.initiate_chat(again, message="Hi, again.")
report(after_termination=result, prompts_after_termination=prompts)
