"""Answers of a model client that are not what the contract asks for, and its errors."""

from types import SimpleNamespace

from autogen import AssistantAgent, ConversableAgent
from support import attempt, report

user = ConversableAgent("user", human_input_mode="NEVER", default_auto_reply="next")


def chat(create, retrieve=lambda response: ["text"], cost=lambda response: 0.0, usage=lambda response: {}):
    class OddClient:
        def __init__(self, config, **kwargs):
            pass

        def create(self, params):
            return create(params)

        def message_retrieval(self, response):
            return retrieve(response)

        def cost(self, response):
            return cost(response)

        @staticmethod
        def get_usage(response):
            return usage(response)

    bot = AssistantAgent(
        "bot",
        system_message="Hi.",
        llm_config={"config_list": [{"model": "odd", "model_client_cls": "OddClient"}], "cache_seed": None},
    )
    bot.register_model_client(OddClient)
    outcome = attempt(user.initiate_chat, bot, message="Hi.", max_turns=1, silent=True)
    return (
        outcome
        if isinstance(outcome, dict)
        else [[each["content"] for each in outcome.chat_history], bot.get_total_usage()]
    )


def fail(*_):
    raise ValueError("the model is not well")


def fine(*_):
    return SimpleNamespace(choices=[SimpleNamespace(message=SimpleNamespace(content="by itself"))], model="odd")


report(
    fine=chat(
        fine,
        usage=lambda r: {"prompt_tokens": 1, "completion_tokens": None, "total_tokens": 1, "cost": 0.5, "model": "odd"},
    ),
    no_choices=chat(lambda params: SimpleNamespace(choices=[], model="odd")),
    own_shape=chat(
        lambda params: SimpleNamespace(words=["own", "shape"]), retrieve=lambda response: [" ".join(response.words)]
    ),
    raises=chat(fail),
    none_retrieved=chat(fine, retrieve=lambda response: [None]),
    nothing_retrieved=chat(fine, retrieve=lambda response: []),
    number_retrieved=chat(fine, retrieve=lambda response: [42]),
    empty_text=chat(fine, retrieve=lambda response: [""]),
    several=chat(fine, retrieve=lambda response: ["first", "second"]),
    cost_fails=chat(fine, cost=fail),
    usage_fails=chat(fine, usage=fail),
)
