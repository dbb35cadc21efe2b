"""Tools in a group chat: the one who can run it speaks next; nobody can; anybody can."""

from typing import Annotated

from autogen import AssistantAgent, ConversableAgent, GroupChat, GroupChatManager, UserProxyAgent
from support import ScriptedClient, attempt, call, llm, report


def chat(*replies, executors=("runner",), function_name="double", **settings):
    coder = AssistantAgent("coder", llm_config=llm())
    coder.register_model_client(ScriptedClient, replies=replies)
    user = UserProxyAgent("user", human_input_mode="NEVER", code_execution_config=False, default_auto_reply="go on")
    runner = ConversableAgent("runner", human_input_mode="NEVER")
    other = ConversableAgent("other", human_input_mode="NEVER", default_auto_reply="other speaks")
    people = {"user": user, "runner": runner, "other": other}

    def double(n: Annotated[int, "a number"]) -> int:
        return 2 * n

    for name in executors:
        people[name].register_for_execution(name=function_name)(double)
    group = GroupChat([user, coder, other, runner], [], max_round=5, speaker_selection_method="round_robin", **settings)
    outcome = attempt(user.initiate_chat, GroupChatManager(group), message="Double 4.")
    return [outcome if isinstance(outcome, dict) else None, group.messages]


tool_calls = {"tool_calls": [call("double", {"n": 4})]}
function_call = {"function_call": {"name": "double", "arguments": '{"n": 4}'}}
report(
    one=chat(tool_calls, "done"),
    several=chat(tool_calls, "done", executors=("user", "runner")),
    another_name=chat(tool_calls, "done", function_name="triple"),
    nobody=chat(tool_calls, executors=()),
    older=chat(function_call, "done"),
    no_filter=chat(tool_calls, "done", func_call_filter=False),
)
tools_at_manager = {
    "config_list": [{"model": "m", "model_client_cls": "ScriptedClient"}],
    "tools": [{"type": "function"}],
}
report(manager_with_tools=attempt(GroupChatManager, GroupChat([], []), llm_config=tools_at_manager))
