"""The manager's own registered client picks the speakers."""

from autogen import ConversableAgent, GroupChat, GroupChatManager
from support import ScriptedClient, attempt, llm, report

agents = [
    ConversableAgent(name, human_input_mode="NEVER", default_auto_reply=f"{name} speaks")
    for name in ("ann", "bob", "eve")
]
group = GroupChat(agents, [], max_round=4)
manager = GroupChatManager(group, llm_config=llm())
manager.register_model_client(ScriptedClient, replies=["eve", "bob", "ann"])
outcome = attempt(agents[0].initiate_chat, manager, message="Who?", silent=True)
report(outcome=outcome, speakers=[each["name"] for each in group.messages])
