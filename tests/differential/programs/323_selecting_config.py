"""The selector's own llm_config: classes that match, that do not, that are missing, two of one name."""

import asyncio

from autogen import ConversableAgent, GroupChat, GroupChatManager
from support import ScriptedClient, attempt, llm, report

asked = []


class Selector(ScriptedClient):
    def __init__(self, config, **kwargs):
        super().__init__(config, replies=["eve"] * 9, requests=asked)


Other = type("Selector", (ScriptedClient,), {})
config = {"config_list": [{"model": "s", "model_client_cls": "Selector"}], "cache_seed": None}
agents = [
    ConversableAgent(name, human_input_mode="NEVER", default_auto_reply=f"{name} speaks")
    for name in ("ann", "bob", "eve")
]


def chat(asynchronous=False, **settings):
    group = GroupChat(agents, [], max_round=2, **settings)
    start = agents[0].initiate_chat
    if asynchronous:

        def start(*args, **kwargs):
            return asyncio.run(agents[0].a_initiate_chat(*args, **kwargs))

    outcome = attempt(start, GroupChatManager(group), message="Who?", silent=True)
    return outcome if isinstance(outcome, dict) else [each["name"] for each in group.messages]


report(
    fine=chat(select_speaker_auto_llm_config=config, select_speaker_auto_model_client_cls=Selector),
    in_a_list=chat(
        select_speaker_auto_llm_config=config, select_speaker_auto_model_client_cls=[ScriptedClient, Selector]
    ),
    at_top_level=chat(
        select_speaker_auto_llm_config={"model": "s", "model_client_cls": "Selector", "cache_seed": None},
        select_speaker_auto_model_client_cls=Selector,
    ),
    twin=chat(True, select_speaker_auto_llm_config=config, select_speaker_auto_model_client_cls=Selector),
    no_class=chat(select_speaker_auto_llm_config=config),
    no_match=chat(select_speaker_auto_llm_config=config, select_speaker_auto_model_client_cls=[ScriptedClient]),
    two=chat(select_speaker_auto_llm_config=config, select_speaker_auto_model_client_cls=[Selector, Other]),
    nothing_to_ask=chat(),
    unused=llm() == llm(),
    asked=asked,
)
