"""A class of the config list that is not registered when the chat starts, and one that no entry names."""

from autogen import AssistantAgent, ConversableAgent, OpenAIWrapper
from support import ScriptedClient, attempt, llm, report


class Other(ScriptedClient):
    pass


user = ConversableAgent("user", human_input_mode="NEVER")


def bot(*names):
    entries = [{"model": f"m{number}", "model_client_cls": name} for number, name in enumerate(names)]
    return AssistantAgent("bot", llm_config={"config_list": entries, "cache_seed": None})


half = bot("ScriptedClient", "Other")
half.register_model_client(ScriptedClient, replies=["never"])
twice = bot("ScriptedClient", "ScriptedClient")
twice.register_model_client(ScriptedClient, replies=["first"])
report(
    not_registered=attempt(user.initiate_chat, bot("ScriptedClient"), message="Hi."),
    half=attempt(user.initiate_chat, half, message="Hi."),
    unnamed=attempt(bot("ScriptedClient").register_model_client, Other),
    registered_once=attempt(user.initiate_chat, twice, message="Hi."),
    without_llm={"error": attempt(user.register_model_client, ScriptedClient)["error"]},
)
twice.register_model_client(ScriptedClient, replies=["second"])
twice.register_model_client(ScriptedClient, replies=["third"])
report(
    registered_twice=user.initiate_chat(twice, message="Hi.", max_turns=1).summary,
    wrapper=attempt(OpenAIWrapper(**llm()).create, messages=[{"role": "user", "content": "Hi."}]),
)
