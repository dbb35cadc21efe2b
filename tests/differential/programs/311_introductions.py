"""send_introductions: everybody is told who is there, in silence."""

from autogen import AssistantAgent, ConversableAgent, GroupChat, GroupChatManager, UserProxyAgent
from support import ScriptedClient, llm, report

asked = []
coder = AssistantAgent("coder", description="Writes code.", llm_config=llm())
coder.register_model_client(ScriptedClient, replies=["done", "done again"], requests=asked)
critic = ConversableAgent("critic", description="Finds faults.", human_input_mode="NEVER", default_auto_reply="faulty")
user = UserProxyAgent("user", human_input_mode="NEVER", code_execution_config=False)
group = GroupChat(
    [user, coder, critic], [], max_round=4, speaker_selection_method="round_robin", send_introductions=True
)
manager = GroupChatManager(group)
report(
    result=user.initiate_chat(manager, message="Begin."),
    of_critic=critic.chat_messages[manager],
    of_user=user.chat_messages[manager],
    group=group.messages,
    asked=asked,
    text=group.introductions_msg(),
    for_some=group.introductions_msg([coder]),
    selecting=[group.select_speaker_msg(), group.select_speaker_prompt([coder, critic])],
)
