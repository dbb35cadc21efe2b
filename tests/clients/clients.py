"""Which clients are tried, in which venv, by which program, and what a reader should know of each. Values only."""

from pathlib import Path
from typing import NamedTuple

__all__ = ("CLIENTS", "GROUPS", "PROGRAMS", "Client", "pins", "requirements")

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
GROUPS = ("frameworks", "older")  # each a venv; the clients of the second demand an older openai


class Client(NamedTuple):
    """One client. ``package`` is its name on the index; ``limits`` is Markdown, and says what one has to know."""

    package: str
    group: str
    checked: str
    limits: str = ""

    @property
    def program(self) -> Path:
        """The file of its checks."""
        return PROGRAMS / f"checks_{self.package.replace('-', '_')}.py"


CLIENTS = (
    Client(
        "openai",
        "frameworks",
        "chat completions, Responses, both streaming helpers, `parse`, completions, embeddings, models; sync and async",
    ),
    Client(
        "anthropic",
        "frameworks",
        "Messages, `stream`, tools, `tool_runner`, `parse`, images, thinking, `count_tokens`; sync and async",
    ),
    Client(
        "ollama",
        "frameworks",
        "chat, streams, functions as tools, `format`, images, generate, embed, list, show; sync and async",
    ),
    Client(
        "langchain-openai",
        "frameworks",
        "LangChain's standard tests: `ChatOpenAI` over chat completions and over Responses, `OpenAIEmbeddings`",
        "`OpenAIEmbeddings` needs `check_embedding_ctx_length=False`: it sends tokens otherwise, which are refused",
    ),
    Client("langchain-anthropic", "frameworks", "LangChain's standard tests: `ChatAnthropic`"),
    Client("langchain-ollama", "frameworks", "LangChain's standard tests: `ChatOllama`, `OllamaEmbeddings`"),
    Client(
        "pydantic-ai-slim",
        "frameworks",
        "agents over chat completions, Responses and Messages: streams, tools, structured output, images; embeddings",
        "`AnthropicModel` takes `NativeOutput` for models it does not know only with a `profile` that says so",
    ),
    Client(
        "openai-agents",
        "frameworks",
        "agents over Responses and chat completions: run, stream, tools, structured output, handoffs, kept answers",
        "its tracing sends conversations to OpenAI unless it is turned off: `set_tracing_disabled(True)`",
    ),
    Client(
        "autogen-ext",
        "frameworks",
        "`OpenAIChatCompletionClient`: create, stream, tools, JSON, images; `AssistantAgent`; a team",
        "`model_info` has to be given, as for every model that is not OpenAI's",
    ),
    Client(
        "litellm",
        "older",
        "`openai/`, `anthropic/`, `ollama_chat/`: streams, tools, JSON, images; embeddings, Responses, `Router`",
        "its `ollama/` embeddings send no key; with tools it needs the package `mcp`, which it does not install",
    ),
    Client(
        "instructor",
        "older",
        "forms by tools, JSON and schema, whole, in parts and several; Responses; retries",
    ),
)


def requirements(group: str) -> Path:
    """The file of exact versions of a venv."""
    return HERE / f"{group}.txt"


def pins(group: str) -> dict[str, str]:
    """The versions that a venv has, by package."""
    lines = requirements(group).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))
