"""Write your model once; plug it into any agent. Public names are loaded when they are first used."""

from importlib import import_module

TYPE_CHECKING = False  # type checkers take it for true; importing typing for it would cost more than all of this file
if TYPE_CHECKING:
    from typing import Any

    from modelport.adapters import as_model
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
    "ChatRequest",
    "ChatResponse",
    "Client",
    "Finish",
    "ImagePart",
    "Message",
    "Model",
    "ModelportError",
    "ReasoningDelta",
    "TextDelta",
    "ToolCallDelta",
    "Usage",
    "__version__",
    "as_model",
    "filter_config",
    "generate",
    "load",
)

__version__ = "0.1.0"

_HOMES = {
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
