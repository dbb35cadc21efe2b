"""Messages as templates: filled from their context where that is allowed, and functions of the context."""

from autogen import ConversableAgent, OpenAIWrapper
from support import ScriptedClient, attempt, llm, report

asked = []
user = ConversableAgent("user", human_input_mode="NEVER", max_consecutive_auto_reply=0)


def bot(**settings):
    agent = ConversableAgent(
        "bot", llm_config=llm(**settings), human_input_mode="NEVER", is_termination_msg=lambda message: False
    )
    agent.register_model_client(ScriptedClient, replies=["ok"] * 5, requests=asked)
    return agent


message = {"content": "Hello {name}, it is {day}.", "context": {"name": "Ada", "day": "Monday"}}
function = {"content": lambda context: f"{context['n']} apples", "context": {"n": 3}}
report(
    allowed=user.initiate_chat(bot(allow_format_str_template=True), message=message).chat_history,
    not_allowed=user.initiate_chat(bot(), message=message).chat_history,
    without_context=user.initiate_chat(bot(allow_format_str_template=True), message="Hello {name}.").chat_history,
)
user.initiate_chat(bot(), message=function, summary_method=None)
by_default = ConversableAgent("default", llm_config=llm(), human_input_mode="NEVER", max_consecutive_auto_reply=1)
by_default.register_model_client(ScriptedClient, replies=["ok"], requests=[])
report(
    asked=asked,
    default_termination=attempt(user.initiate_chat, by_default, message=function),
    instantiated=[
        OpenAIWrapper.instantiate("{a}", {"a": 1}, True),
        OpenAIWrapper.instantiate("{a}", {"a": 1}),
        OpenAIWrapper.instantiate("{a}", None, True),
        OpenAIWrapper.instantiate(None, {"a": 1}, True),
        OpenAIWrapper.instantiate(lambda context: context["a"] + 1, {"a": 1}),
    ],
)
