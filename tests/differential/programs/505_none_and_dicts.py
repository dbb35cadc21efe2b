"""create() that gives no object of choices: None, a dict, plain text."""

from autogen import AssistantAgent, ConversableAgent
from support import attempt, report

user = ConversableAgent("user", human_input_mode="NEVER", default_auto_reply="next")
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": 0.0, "model": "odd"}


def chat(answer, retrieve):
    class OddClient:
        def __init__(self, config):
            pass

        def create(self, params):
            return answer

        def message_retrieval(self, response):
            return retrieve(response)

        def cost(self, response):
            return 0.0

        @staticmethod
        def get_usage(response):
            return USAGE

    bot = AssistantAgent(
        "bot", llm_config={"config_list": [{"model": "odd", "model_client_cls": "OddClient"}], "cache_seed": None}
    )
    bot.register_model_client(OddClient)
    outcome = attempt(user.initiate_chat, bot, message="Hi.", max_turns=1, silent=True)
    return outcome if isinstance(outcome, dict) else outcome.chat_history[-1]["content"]


report(
    none=chat(None, lambda response: ["text"]),
    a_dict=chat(
        {"choices": [{"message": {"content": "from a dict"}}], "model": "odd"},
        lambda response: [response["choices"][0]["message"]["content"]],
    ),
    text=chat("plain text", lambda response: [response]),
)
