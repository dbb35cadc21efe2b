"""Write your model once; plug it into any agent. Public names are loaded when they are first used."""

from importlib import import_module

TYPE_CHECKING = False  # type checkers take it for true; importing typing for it would cost more than all of this file
if TYPE_CHECKING:
    from typing import Any

    from modelport.adapters import as_model
    from modelport.agents import (
        Agent,
        AssistantAgent,
        ChatResult,
        ConversableAgent,
        GroupChat,
        GroupChatManager,
        UserProxyAgent,
        a_resume,
        gather_usage_summary,
        initiate_chats,
        load_chat,
        register_function,
        resume,
    )
    from modelport.client import Client
    from modelport.config import filter_config, load
    from modelport.errors import ModelportError
    from modelport.model import Model, generate
    from modelport.types import (
        ChatRequest,
        ChatResponse,
        Finish,
        ImagePart,
        Message,
        ReasoningDelta,
        TextDelta,
        ToolCallDelta,
        Usage,
    )

__all__ = (
    "Agent",
    "AssistantAgent",
    "ChatRequest",
    "ChatResponse",
    "ChatResult",
    "Client",
    "ConversableAgent",
    "Finish",
    "GroupChat",
    "GroupChatManager",
    "ImagePart",
    "Message",
    "Model",
    "ModelportError",
    "ReasoningDelta",
    "TextDelta",
    "ToolCallDelta",
    "Usage",
    "UserProxyAgent",
    "__version__",
    "a_resume",
    "as_model",
    "filter_config",
    "gather_usage_summary",
    "generate",
    "initiate_chats",
    "load",
    "load_chat",
    "register_function",
    "resume",
)

__version__ = "0.1.0"

_HOMES = {
    "resume": "modelport.agents",
    "load_chat": "modelport.agents",
    "a_resume": "modelport.agents",
    "Agent": "modelport.agents",
    "AssistantAgent": "modelport.agents",
    "ChatResult": "modelport.agents",
    "ConversableAgent": "modelport.agents",
    "GroupChat": "modelport.agents",
    "GroupChatManager": "modelport.agents",
    "UserProxyAgent": "modelport.agents",
    "gather_usage_summary": "modelport.agents",
    "initiate_chats": "modelport.agents",
    "register_function": "modelport.agents",
    "as_model": "modelport.adapters",
    "Client": "modelport.client",
    "filter_config": "modelport.config",
    "load": "modelport.config",
    "ModelportError": "modelport.errors",
    "Model": "modelport.model",
    "generate": "modelport.model",
}


def __getattr__(name: str) -> "Any":
    if name not in __all__:
        raise AttributeError(f"module 'modelport' has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "modelport.types")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
