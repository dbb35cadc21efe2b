"""Summaries of a group chat, a second chat with the same group, reset, and a cache for all."""

from autogen import AssistantAgent, Cache, GroupChat, GroupChatManager, UserProxyAgent
from support import ScriptedClient, llm, plain, report

asked = []


def scripted(kind, name, *replies, **settings):
    agent = kind(name=name, llm_config=llm(), **settings)
    agent.register_model_client(ScriptedClient, replies=replies, requests=asked)
    return agent


user = UserProxyAgent("user", human_input_mode="NEVER", code_execution_config=False)
coder = scripted(AssistantAgent, "coder", "version one", "version two")
group = GroupChat([user, coder], [], max_round=2, speaker_selection_method="round_robin")
manager = scripted(GroupChatManager, "manager", "what was said", "never asked", groupchat=group)

first = plain(user.initiate_chat(manager, message="Write.", summary_method="reflection_with_llm"))
messages = [dict(each) for each in group.messages]
second = user.initiate_chat(manager, message="Write more.", clear_history=False)
report(first=first, messages=messages, second=second, kept=[each["content"] for each in group.messages], asked=asked)
manager.reset()
report(after_reset=group.messages, usage=[manager.get_actual_usage(), coder.get_actual_usage()])

with Cache.disk(cache_seed=3, cache_path_root="cached") as cache:
    caches = []
    watcher = scripted(AssistantAgent, "watcher", "seen")
    watcher.register_reply(
        lambda sender: True,
        lambda agent, messages, sender, config: (caches.append(agent.client_cache is cache), (False, None))[1],
    )
    group = GroupChat([user, watcher], [], max_round=2, speaker_selection_method="round_robin")
    user.initiate_chat(GroupChatManager(group), message="Look.", cache=cache)
    report(caches=caches, afterwards=[watcher.client_cache, user.client_cache])
