"""A group chat whose model picks the speaker, through the config of the selection agent."""

from autogen import AssistantAgent, GroupChat, GroupChatManager, UserProxyAgent
from support import CONFIG, ScriptedClient, llm, report

selector_asked = []


class Selector(ScriptedClient):
    script = iter(["coder", "The next role is critic.", "user", "CODER", "coder"])

    def __init__(self, config, **kwargs):
        super().__init__(config, replies=Selector.script, requests=selector_asked)


def scripted(name, *replies):
    agent = AssistantAgent(name, description=f"The {name}.", llm_config=llm())
    agent.register_model_client(ScriptedClient, replies=replies)
    return agent


coder, critic = scripted("coder", "print(1)", "print(2)", "print(3)"), scripted("critic", "why 1?")
user = UserProxyAgent("user", human_input_mode="NEVER", code_execution_config=False, default_auto_reply="fine")
group = GroupChat(
    agents=[user, coder, critic],
    messages=[],
    max_round=5,
    speaker_selection_method="auto",
    select_speaker_auto_llm_config={
        "config_list": [{"model": "selector", "model_client_cls": "Selector"}],
        "cache_seed": None,
    },
    select_speaker_auto_model_client_cls=Selector,
)
manager = GroupChatManager(groupchat=group, llm_config=False)
report(
    result=user.initiate_chat(manager, message="Write code."),
    group=group.messages,
    selector=selector_asked,
    config=CONFIG,
)
