"""The default termination message, one's own test for it, and a reply function that ends the chat."""

from autogen import ConversableAgent, UserProxyAgent
from support import ScriptedClient, llm, report


def chat(replies, **settings):
    bot = ConversableAgent("bot", llm_config=llm(), human_input_mode="NEVER")
    bot.register_model_client(ScriptedClient, replies=replies)
    user = UserProxyAgent(
        "user", human_input_mode="NEVER", code_execution_config=False, default_auto_reply="Next", **settings
    )
    return user.initiate_chat(bot, message="Start")


report(
    exact=chat(["Working.", "TERMINATE", "never reached"]),
    within=chat(["I would not TERMINATE yet.", "TERMINATE", "never reached"]),
    own=chat(
        ["Working.", "All is done, bye."],
        is_termination_msg=lambda message: "bye" in (message.get("content") or ""),
    ),
    ends_with=chat(
        ["Working. TERMINATE"],
        is_termination_msg=lambda message: message["content"].rstrip().endswith("TERMINATE"),
    ),
)
