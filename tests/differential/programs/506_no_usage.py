"""A model client without usage, as the tutorial allows: get_usage() gives an empty dict."""

from types import SimpleNamespace

from autogen import AssistantAgent, ConversableAgent, gather_usage_summary
from support import report


class Silent:
    def __init__(self, config):
        pass

    def create(self, params):
        return SimpleNamespace(
            choices=[SimpleNamespace(message=SimpleNamespace(content="four words of text"))], model="silent"
        )

    def message_retrieval(self, response):
        return [choice.message.content for choice in response.choices]

    def cost(self, response):
        return 0

    @staticmethod
    def get_usage(response):
        return {}


bot = AssistantAgent(
    "bot", system_message="Hi.", llm_config={"config_list": [{"model": "silent", "model_client_cls": "Silent"}]}
)
bot.register_model_client(Silent)
user = ConversableAgent("user", human_input_mode="NEVER", max_consecutive_auto_reply=0)
result = user.initiate_chat(bot, message="Hello.")
bot.print_usage_summary()
report(history=result.chat_history, cost=result.cost, usage=bot.get_total_usage(), gathered=gather_usage_summary([bot]))
