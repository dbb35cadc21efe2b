"""A loaded model in the llm_config itself: held as it is, or copied."""

from autogen import ConversableAgent
from support import ScriptedClient, attempt, report


class Loaded:
    """Has a handle that cannot be copied."""

    def __init__(self):
        self.handle = open("weights", "w")  # noqa: SIM115

    def __repr__(self):
        return "<the loaded model>"


class Client(ScriptedClient):
    def __init__(self, config, **kwargs):
        super().__init__(config, replies=["from the loaded model"])
        self.loaded = config["loaded"]


loaded = Loaded()
config = {"config_list": [{"model": "m", "model_client_cls": "Client", "loaded": loaded}], "cache_seed": None}
bot = attempt(ConversableAgent, "bot", llm_config=config, human_input_mode="NEVER")
if isinstance(bot, dict):
    report(made=bot)
else:
    bot.register_model_client(Client)
    report(
        made="fine",
        reply=bot.generate_reply([{"role": "user", "content": "hi"}]),
        same=bot.llm_config["config_list"][0]["loaded"] is loaded,
    )
loaded.handle.close()
