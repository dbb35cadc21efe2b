"""An assistant and a user proxy talk until the limit of automatic replies, with caching as it is by default."""

import autogen
from support import ScriptedClient, report

asked = []
llm_config = {"config_list": [{"model": "scripted-1", "model_client_cls": "ScriptedClient", "temperature": 0.5}]}

assistant = autogen.AssistantAgent("assistant", llm_config=llm_config)
user = autogen.UserProxyAgent(
    "user",
    human_input_mode="NEVER",
    max_consecutive_auto_reply=2,
    code_execution_config=False,
    default_auto_reply="Go on.",
)
assistant.register_model_client(
    model_client_cls=ScriptedClient, replies=["First.", "Second.", "Third."], requests=asked
)

result = user.initiate_chat(assistant, message="Tell me three things.")

report(
    result=result,
    asked=asked,
    assistant_history=assistant.chat_messages[user],
    user_history=user.chat_messages[assistant],
    last_of_user=user.last_message(assistant),
    system_message=assistant.system_message,
    descriptions=[assistant.description, user.description],
)
