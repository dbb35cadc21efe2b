"""A chat whose answers are kept in a cache of the user's own class."""

from autogen import AssistantAgent, ConversableAgent
from autogen.cache import AbstractCache
from support import ScriptedClient, llm, report

log = []


class Mine(AbstractCache):
    def __init__(self):
        self.kept = {}

    def get(self, key, default=None):
        log.append(["get", isinstance(key, str)])
        return self.kept.get(key, default)

    def set(self, key, value):
        log.append(["set", isinstance(key, str)])
        self.kept[key] = value

    def close(self):
        log.append(["close"])

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        return None


mine = Mine()
user = ConversableAgent("user", human_input_mode="NEVER", max_consecutive_auto_reply=0)


def ask(*replies):
    bot = AssistantAgent("bot", llm_config=llm())
    bot.register_model_client(ScriptedClient, replies=replies)
    result = user.initiate_chat(bot, message="Hi.", cache=mine)
    return [result.summary, result.cost]


report(first=ask("kept"), again=ask("never asked"), size=len(mine.kept), log=log)
