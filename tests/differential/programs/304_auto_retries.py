"""The model names nobody, or several: it is asked again, and then the next in line speaks."""

import asyncio

from autogen import ConversableAgent, GroupChat, GroupChatManager
from support import ScriptedClient, report

asked = []


class Selector(ScriptedClient):
    script = iter(())

    def __init__(self, config, **kwargs):
        super().__init__(config, replies=Selector.script, requests=asked)


def chat(*script, asynchronous=False, **settings):
    Selector.script = iter(script)
    agents = [
        ConversableAgent(name, human_input_mode="NEVER", default_auto_reply=f"{name} speaks")
        for name in ("ann", "bob_smith", "eve")
    ]
    group = GroupChat(
        agents=agents,
        messages=[],
        max_round=2,
        select_speaker_auto_llm_config={"config_list": [{"model_client_cls": "Selector"}], "cache_seed": None},
        select_speaker_auto_model_client_cls=[Selector, ScriptedClient],
        **settings,
    )
    manager = GroupChatManager(group)
    if asynchronous:
        asyncio.run(agents[0].a_initiate_chat(manager, message="Who?"))
    else:
        agents[0].initiate_chat(manager, message="Who?")
    return [group.messages[-1]["name"], len(list(Selector.script))]


report(
    second_try=chat("I don't know.", "eve", select_speaker_auto_verbose=True),
    several=chat("ann or eve", "eve!", select_speaker_auto_verbose=True),
    never=chat("nobody", "ann and eve", "hm", select_speaker_auto_verbose=True),
    never_several=chat(
        "ann and eve", "ann and eve", select_speaker_auto_verbose=True, max_retries_for_selecting_speaker=1
    ),
    no_retries=chat("nobody", max_retries_for_selecting_speaker=0),
    with_a_space=chat("bob smith"),
    escaped=chat("bob\\_smith"),
    in_words=chat("I choose eve, because ... she knows.", role_for_select_speaker_messages="user"),
    own_templates=chat(
        "nobody",
        "ann, eve",
        "eve",
        select_speaker_message_template="Roles: {roles}. Names: {agentlist}.",
        select_speaker_prompt_template="Next of {agentlist}?",
        select_speaker_auto_none_template="None! Of {agentlist}.",
        select_speaker_auto_multiple_template="One! Of {agentlist}.",
    ),
    no_prompt=chat("eve", select_speaker_prompt_template=""),
    twin=chat("I don't know.", "eve", asynchronous=True, select_speaker_auto_verbose=True),
    asked=asked,
)
