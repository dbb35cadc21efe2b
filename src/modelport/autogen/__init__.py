"""AutoGen 0.2's names, for programs written for it: ``import modelport.autogen as autogen``.

Names and submodules are loaded when they are first used. What is left out says why when it is imported.
"""

import sys
from importlib import import_module

from modelport.autogen._absent import find_no_left_out_modules, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modelport.autogen import (
        agentchat,
        cache,
        code_utils,
        coding,
        exception_utils,
        formatting_utils,
        function_utils,
        graph_utils,
        io,
        logger,
        oai,
        runtime_logging,
        token_count_utils,
        types,
        version,
    )
    from modelport.autogen.agentchat import (
        Agent,
        AssistantAgent,
        ChatResult,
        ConversableAgent,
        GroupChat,
        GroupChatManager,
        UserProxyAgent,
        gather_usage_summary,
        initiate_chats,
        register_function,
    )
    from modelport.autogen.code_utils import DEFAULT_MODEL, FAST_MODEL
    from modelport.autogen.exception_utils import (
        AgentNameConflict,
        InvalidCarryOverType,
        NoEligibleSpeaker,
        SenderRequired,
        UndefinedNextAgent,
    )
    from modelport.autogen.oai import (
        Cache,
        ModelClient,
        OpenAIWrapper,
        config_list_from_dotenv,
        config_list_from_json,
        config_list_from_models,
        config_list_gpt4_gpt35,
        config_list_openai_aoai,
        filter_config,
        get_config_list,
    )
    from modelport.autogen.version import __version__

__all__ = (
    "DEFAULT_MODEL",
    "FAST_MODEL",
    "Agent",
    "AgentNameConflict",
    "AssistantAgent",
    "Cache",
    "ChatResult",
    "ConversableAgent",
    "GroupChat",
    "GroupChatManager",
    "InvalidCarryOverType",
    "ModelClient",
    "NoEligibleSpeaker",
    "OpenAIWrapper",
    "SenderRequired",
    "UndefinedNextAgent",
    "UserProxyAgent",
    "__version__",
    "agentchat",
    "cache",
    "code_utils",
    "coding",
    "config_list_from_dotenv",
    "config_list_from_json",
    "config_list_from_models",
    "config_list_gpt4_gpt35",
    "config_list_openai_aoai",
    "exception_utils",
    "filter_config",
    "formatting_utils",
    "function_utils",
    "gather_usage_summary",
    "get_config_list",
    "graph_utils",
    "initiate_chats",
    "io",
    "logger",
    "oai",
    "register_function",
    "runtime_logging",
    "token_count_utils",
    "types",
    "version",
)

_HOMES = {
    **dict.fromkeys(("Agent", "AssistantAgent", "ChatResult", "ConversableAgent", "GroupChat"), "agentchat"),
    **dict.fromkeys(("GroupChatManager", "UserProxyAgent", "gather_usage_summary"), "agentchat"),
    **dict.fromkeys(("initiate_chats", "register_function"), "agentchat"),
    **dict.fromkeys(("DEFAULT_MODEL", "FAST_MODEL"), "code_utils"),
    **dict.fromkeys(("AgentNameConflict", "InvalidCarryOverType", "NoEligibleSpeaker"), "exception_utils"),
    **dict.fromkeys(("SenderRequired", "UndefinedNextAgent"), "exception_utils"),
    "Cache": "cache",
    **dict.fromkeys(("ModelClient", "OpenAIWrapper", "filter_config", "get_config_list"), "oai"),
    **dict.fromkeys(("config_list_from_dotenv", "config_list_from_json", "config_list_from_models"), "oai"),
    **dict.fromkeys(("config_list_gpt4_gpt35", "config_list_openai_aoai"), "oai"),
    "__version__": "version",
}


if not TYPE_CHECKING:  # a module with __getattr__ would have every name, to a type checker

    def __getattr__(name: str) -> object:
        if name not in __all__:
            refuse(__name__, name, sys._getframe(1))
        home = _HOMES.get(name)
        value = import_module(f"{__name__}.{home or name}")
        if home is not None:
            value = getattr(value, name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)


find_no_left_out_modules()
