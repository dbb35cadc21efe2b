"""The parameters of public methods, in their order: who passes them by position finds them there."""

import inspect

import autogen
from autogen.code_utils import execute_code, extract_code
from autogen.coding import LocalCommandLineCodeExecutor
from support import report

METHODS = """__init__ a_check_termination_and_human_reply a_execute_function a_generate_function_call_reply
    a_generate_init_message a_generate_oai_reply a_generate_reply a_generate_tool_calls_reply a_get_human_input
    a_initiate_chat a_initiate_chats a_process_all_messages_before_reply a_process_last_received_message a_receive a_send
    can_execute_function chat_messages_for_summary check_termination_and_human_reply clear_history execute_code_blocks
    execute_function generate_code_execution_reply generate_function_call_reply generate_init_message generate_oai_reply
    generate_reply generate_tool_calls_reply get_actual_usage get_chat_results get_human_input get_total_usage initiate_chat
    initiate_chats last_message max_consecutive_auto_reply print_usage_summary process_all_messages_before_reply
    process_last_received_message receive register_for_execution register_for_llm register_function register_hook
    register_model_client register_nested_chats register_reply replace_reply_func reset reset_consecutive_auto_reply_counter
    run_code send stop_reply_at_receive update_function_signature update_max_consecutive_auto_reply update_system_message
    update_tool_signature""".split()
GROUP = """__init__ a_auto_select_speaker a_select_speaker agent_by_name append introductions_msg manual_select_speaker
    nested_agents next_agent random_select_speaker reset select_speaker select_speaker_msg select_speaker_prompt""".split()
MANAGER = """__init__ a_resume a_run_chat chat_messages_for_summary clear_agents_history messages_from_string
    messages_to_string resume run_chat""".split()


def parameters(function):
    marks = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    found, keyword_only = [], False
    for each in inspect.signature(function).parameters.values():
        if each.kind is inspect.Parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            found.append("*")
        found.append(marks.get(each.kind, "") + each.name)
    return found


def of(kind, names):
    return {name: parameters(getattr(kind, name)) if hasattr(kind, name) else "missing" for name in names}


report(
    ConversableAgent=of(autogen.ConversableAgent, METHODS),
    AssistantAgent=of(autogen.AssistantAgent, ["__init__"]),
    UserProxyAgent=of(autogen.UserProxyAgent, ["__init__"]),
    GroupChat=of(autogen.GroupChat, GROUP),
    GroupChatManager=of(autogen.GroupChatManager, MANAGER),
    OpenAIWrapper=of(
        autogen.OpenAIWrapper,
        ["__init__", "create", "register_model_client", "instantiate", "print_usage_summary", "clear_usage_summary"],
    ),
    functions={
        each.__name__: parameters(each)
        for each in (
            autogen.register_function,
            autogen.initiate_chats,
            autogen.gather_usage_summary,
            autogen.filter_config,
            autogen.config_list_from_json,
            autogen.Cache.disk,
            execute_code,
            extract_code,
        )
    },
    executor=of(
        LocalCommandLineCodeExecutor, ["__init__", "execute_code_blocks", "restart", "format_functions_for_prompt"]
    ),
)
