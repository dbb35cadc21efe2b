"""A group chat that begins with messages, goes on in a second chat, and asks a person among its members."""

from autogen import AssistantAgent, ConversableAgent, GroupChat, GroupChatManager, UserProxyAgent
from support import ScriptedClient, llm, report, typing_in

asked = []
coder = AssistantAgent("coder", system_message="You code.", llm_config=llm())
coder.register_model_client(ScriptedClient, replies=["draft", "final", "last"], requests=asked)
critic = ConversableAgent("critic", human_input_mode="NEVER", default_auto_reply="hm")
person = UserProxyAgent("person", code_execution_config=False)
past = [{"role": "user", "content": "long ago", "name": "critic"}]
group = GroupChat([person, coder, critic], past, max_round=4, speaker_selection_method="round_robin")
manager = GroupChatManager(group)

with typing_in(["I like it", "exit", ""]) as prompts:
    first = person.initiate_chat(manager, message="Begin.", clear_history=False)
    messages = [dict(each) for each in group.messages]
    second = person.initiate_chat(manager, message="Again.", clear_history=False)
report(first=first.summary, messages=messages, second=second, group=group.messages, prompts=prompts, asked=asked)
report(human_input=[first.human_input, second.human_input], cost=second.cost)
