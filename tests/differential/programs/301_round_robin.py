"""A group chat in turn: max_round, the histories of all, and the summary."""

import autogen
from support import ScriptedClient, llm, report

asked = []


def scripted(name, *replies):
    agent = autogen.AssistantAgent(name, system_message=f"You are {name}.", llm_config=llm())
    agent.register_model_client(ScriptedClient, replies=replies, requests=asked)
    return agent


coder, critic = scripted("coder", "some code", "better code"), scripted("critic", "not good", "good")
user = autogen.UserProxyAgent("user", human_input_mode="NEVER", code_execution_config=False, default_auto_reply="go on")
group = autogen.GroupChat(
    agents=[user, coder, critic], messages=[], max_round=6, speaker_selection_method="round_robin"
)
manager = autogen.GroupChatManager(groupchat=group)

report(
    result=user.initiate_chat(manager, message="Write code."),
    group=group.messages,
    of_coder=coder.chat_messages[manager],
    of_critic=critic.chat_messages[manager],
    of_manager={agent.name: messages for agent, messages in manager.chat_messages.items()},
    last_speaker=manager.last_speaker,
    asked=asked,
    names=group.agent_names,
    manager=[manager.name, manager.description, manager.system_message, manager.human_input_mode],
    in_summary=manager.chat_messages_for_summary(user) == group.messages,
    same_group=manager.groupchat is group,
)
