"""The same question to a client whose code has changed, with the cache that is on by default."""

from types import SimpleNamespace

from autogen import AssistantAgent, ConversableAgent
from support import report

CONFIG = {"config_list": [{"model": "m", "model_client_cls": "MyClient"}]}
user = ConversableAgent("user", human_input_mode="NEVER", max_consecutive_auto_reply=0)


class Base:
    def __init__(self, config):
        self.model = config["model"]

    def answer(self, text):
        return SimpleNamespace(choices=[SimpleNamespace(message=SimpleNamespace(content=text))], model=self.model)

    def message_retrieval(self, response):
        return [choice.message.content for choice in response.choices]

    def cost(self, response):
        return 0.0

    @staticmethod
    def get_usage(response):
        return {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": 0.0, "model": response.model}


def ask(kind):
    bot = AssistantAgent("bot", system_message="Hi.", llm_config=CONFIG)
    bot.register_model_client(kind)
    return user.initiate_chat(bot, message="Which version are you?", silent=True).summary


class MyClient(Base):
    def create(self, params):
        return self.answer("version one")


first = [ask(MyClient), ask(MyClient)]


class MyClient(Base):
    def create(self, params):
        return self.answer("version two")


report(before=first, after=ask(MyClient))
