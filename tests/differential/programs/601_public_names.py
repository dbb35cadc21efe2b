"""The public names of the package and of its modules."""

import importlib

from support import report

MODULES = {
    "autogen": """Agent AgentNameConflict AssistantAgent Cache ChatCompletion ChatResult Completion ConversableAgent
        DEFAULT_MODEL FAST_MODEL GroupChat GroupChatManager InvalidCarryOverType ModelClient NoEligibleSpeaker OpenAIWrapper
        SenderRequired UndefinedNextAgent UserProxyAgent __version__ config_list_from_dotenv config_list_from_json
        config_list_from_models config_list_gpt4_gpt35 config_list_openai_aoai filter_config gather_usage_summary
        get_config_list initiate_chats register_function runtime_logging""",
    "autogen.agentchat": """Agent AssistantAgent ChatResult ConversableAgent GroupChat GroupChatManager UserProxyAgent
        gather_usage_summary initiate_chats register_function""",
    "autogen.agentchat.agent": "Agent LLMAgent",
    "autogen.agentchat.assistant_agent": "AssistantAgent",
    "autogen.agentchat.chat": "ChatResult a_initiate_chats initiate_chats",
    "autogen.agentchat.conversable_agent": "ConversableAgent register_function",
    "autogen.agentchat.groupchat": "GroupChat GroupChatManager",
    "autogen.agentchat.user_proxy_agent": "UserProxyAgent",
    "autogen.agentchat.utils": "gather_usage_summary parse_tags_from_content consolidate_chat_info",
    "autogen.agentchat.contrib": "",
    "autogen.cache": "AbstractCache Cache",
    "autogen.cache.cache": "Cache",
    "autogen.cache.disk_cache": "DiskCache",
    "autogen.cache.in_memory_cache": "InMemoryCache",
    "autogen.cache.abstract_cache_base": "AbstractCache",
    "autogen.code_utils": """CODE_BLOCK_PATTERN DEFAULT_MODEL DEFAULT_TIMEOUT FAST_MODEL PYTHON_VARIANTS TIMEOUT_MSG UNKNOWN
        WORKING_DIR check_can_use_docker_or_throw content_str create_virtual_env decide_use_docker execute_code extract_code
        in_docker_container infer_lang is_docker_running""",
    "autogen.coding": """CodeBlock CodeExecutor CodeExecutorFactory CodeExtractor CodeResult DockerCommandLineCodeExecutor
        LocalCommandLineCodeExecutor MarkdownCodeExtractor""",
    "autogen.coding.base": "CodeBlock CodeExecutor CodeExtractor CodeResult CommandLineCodeResult IPythonCodeResult",
    "autogen.coding.func_with_reqs": "Alias FunctionWithRequirements FunctionWithRequirementsStr ImportFromModule with_requirements",
    "autogen.coding.factory": "CodeExecutorFactory",
    "autogen.coding.local_commandline_code_executor": "LocalCommandLineCodeExecutor",
    "autogen.coding.docker_commandline_code_executor": "DockerCommandLineCodeExecutor",
    "autogen.coding.markdown_code_extractor": "MarkdownCodeExtractor",
    "autogen.exception_utils": "AgentNameConflict InvalidCarryOverType NoEligibleSpeaker SenderRequired UndefinedNextAgent",
    "autogen.formatting_utils": "colored",
    "autogen.function_utils": "get_function_schema load_basemodels_if_needed serialize_to_str",
    "autogen.graph_utils": "check_graph_validity has_self_loops invert_disallowed_to_allowed",
    "autogen.io": "IOConsole IOStream IOWebsockets InputStream OutputStream",
    "autogen.io.base": "IOStream InputStream OutputStream",
    "autogen.io.console": "IOConsole",
    "autogen.io.websockets": "IOWebsockets",
    "autogen.logger": "FileLogger LoggerFactory SqliteLogger",
    "autogen.oai": "Cache ModelClient OpenAIWrapper config_list_from_json filter_config",
    "autogen.oai.client": "ModelClient OpenAIWrapper PlaceHolderClient",
    "autogen.oai.openai_utils": "OAI_PRICE1K config_list_from_json filter_config get_config_list get_key",
    "autogen.runtime_logging": """get_connection log_chat_completion log_event log_function_use log_new_agent log_new_client
        log_new_wrapper logging_enabled start stop""",
    "autogen.token_count_utils": "count_token get_max_token_limit num_tokens_from_functions percentile_used token_left",
    "autogen.types": "UserMessageImageContentPart UserMessageTextContentPart",
    "autogen.version": "__version__",
    "autogen.math_utils": "",
}
missing = []
for name, listed in MODULES.items():
    try:
        module = importlib.import_module(name)
    except Exception as error:
        missing.append(f"{name}: {type(error).__name__}")
        continue
    missing += [f"{name}.{each}" for each in listed.split() if not hasattr(module, each)]
report(missing=missing)
