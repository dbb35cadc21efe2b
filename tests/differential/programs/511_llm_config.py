"""What llm_config may be, what it may not, and that the agent's own is a copy."""

from autogen import ConversableAgent
from support import attempt, llm, report


def agent(config, kind=ConversableAgent):
    made = attempt(kind, "agent", llm_config=config)
    return made if isinstance(made, dict) else [made.llm_config, made.client is not None]


class Keen(ConversableAgent):
    DEFAULT_CONFIG = {"config_list": [{"model": "keen", "model_client_cls": "ScriptedClient"}]}


given = llm(temperature=0)
made = ConversableAgent("agent", llm_config=given)
made.llm_config["temperature"] = 1
made.llm_config["config_list"][0]["model"] = "changed"
report(
    false=agent(False),
    none=agent(None),
    empty=agent({}),
    no_entries=agent({"config_list": []}),
    empty_model=agent({"config_list": [{"model": ""}]}),
    text=agent("gpt-4"),
    number=agent(7),
    default_of_class=agent(None, Keen),
    top_level=agent({"model": "m", "model_client_cls": "ScriptedClient"}),
    given=given,
)
