"""stream=True in llm_config with a custom model client: the client sees it, and the chat goes on."""

from autogen import ConversableAgent
from support import ScriptedClient, llm, report

asked = []
bot = ConversableAgent("bot", llm_config=llm(stream=True, temperature=0.2, timeout=30), human_input_mode="NEVER")
bot.register_model_client(ScriptedClient, replies=["in one piece"], requests=asked)
user = ConversableAgent("user", human_input_mode="NEVER", max_consecutive_auto_reply=0)
report(result=user.initiate_chat(bot, message="Hi."), asked=asked)
