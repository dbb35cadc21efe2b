"""What AutoGen 0.2 has and this package has not: why, and what to use instead. The errors and the docs read this table.

An entry is ``(why, what to use)``; a module's is for everything in it and below it.
"""

__all__ = ("LEFT_OUT",)

_OWN_CLIENT = (
    "a client for one provider's SDK",
    "an entry with `provider` or `base_url`, or a class of your own that is registered",
)
_ASSISTANTS = ("OpenAI's Assistants API, on OpenAI's servers", "`AssistantAgent` with tools and `save=`")
_WRITES_CODE = ("asks OpenAI's first completion models to write code", "an `AssistantAgent` and its `initiate_chat`")
_INTERNAL = ("AutoGen's own plumbing, of no use by itself", "nothing: no program needs it")
_TYPE = ("a type for annotations inside AutoGen", "`typing.Any`")
_CONSTANT = ("a constant inside AutoGen", "its value")
_WEB = ("browses the web with packages of its own", "a tool (`register_function`), or an MCP server's tools")
_RAG = ("a vector store, a service or a package of others", "a tool that searches (`register_function`)")
_LEGACY = ("works with openai<1 only; AutoGen 0.2.40 raises when it is used", "`OpenAIWrapper`")

LEFT_OUT: dict[str, tuple[str, str]] = {
    "_pydantic": _INTERNAL,
    "agentchat.chat.Prerequisite": _TYPE,
    "agentchat.contrib.agent_builder": ("has a model design agents", "agents that you write"),
    "agentchat.contrib.agent_eval": ("has models judge a task's result", "agents that you write"),
    "agentchat.contrib.agent_optimizer": ("has a model rewrite tools", "tools that you write"),
    "agentchat.contrib.capabilities": (
        "teachability, vision and compression, each around packages of others",
        '`register_hook("process_all_messages_before_reply", …)`, which sees and changes what the model gets',
    ),
    "agentchat.contrib.gpt_assistant_agent": _ASSISTANTS,
    "agentchat.contrib.graph_rag": _RAG,
    "agentchat.contrib.img_utils": (
        "loads pictures for models that see",
        "parts of a message: a `pathlib.Path`, an array, a PIL image",
    ),
    "agentchat.contrib.llamaindex_conversable_agent": (
        "wraps LlamaIndex",
        "a function that calls it, given as `model=`",
    ),
    "agentchat.contrib.llava_agent": ("calls LLaVA's first server", "`model=`, with your class around LLaVA"),
    "agentchat.contrib.math_user_proxy_agent": ("runs the MATH benchmark", "`UserProxyAgent` with code execution"),
    "agentchat.contrib.multimodal_conversable_agent": (
        "an agent whose messages have pictures",
        "`ConversableAgent`: a message's content may be a list of parts",
    ),
    "agentchat.contrib.qdrant_retrieve_user_proxy_agent": _RAG,
    "agentchat.contrib.retrieve_assistant_agent": _RAG,
    "agentchat.contrib.retrieve_user_proxy_agent": _RAG,
    "agentchat.contrib.society_of_mind_agent": (
        "a group chat behind one agent",
        "`register_nested_chats` with a `GroupChatManager`",
    ),
    "agentchat.contrib.text_analyzer_agent": ("asks a model about a text", "`ConversableAgent`"),
    "agentchat.contrib.vectordb": _RAG,
    "agentchat.contrib.web_surfer": _WEB,
    "browser_utils": _WEB,
    "cache.cosmos_db_cache": ("Azure's database", "`Cache.disk`, or an object with `get` and `set`"),
    "cache.redis_cache": ("pickles into Redis", "`Cache.disk`, or an object with `get` and `set`"),
    "coding.kubernetes": ("runs code in pods", "`DockerCommandLineCodeExecutor`, or a `CodeExecutor` of your own"),
    "code_utils.PATH_SEPARATOR": _CONSTANT,
    "code_utils.PassAssertionFilter": _WRITES_CODE,
    "code_utils.SENTINEL": _CONSTANT,
    "code_utils.WIN32": _CONSTANT,
    "code_utils.eval_function_completions": _WRITES_CODE,
    "code_utils.generate_assertions": _WRITES_CODE,
    "code_utils.generate_code": _WRITES_CODE,
    "code_utils.get_powershell_command": _INTERNAL,
    "code_utils.implement": _WRITES_CODE,
    "code_utils.improve_code": _WRITES_CODE,
    "code_utils.improve_function": _WRITES_CODE,
    "code_utils.timeout_handler": _INTERNAL,
    "coding.jupyter": (
        "a Jupyter kernel or server",
        "`LocalCommandLineCodeExecutor` or `DockerCommandLineCodeExecutor`, or an executor of your own",
    ),
    "coding.utils": _INTERNAL,
    "extensions": ("an empty package", "nothing: there is nothing in it"),
    "function_utils.get_load_param_if_needed_function": ("a step inside it", "`load_basemodels_if_needed`"),
    "io.websockets.Data": _TYPE,
    "io.websockets.WebSocketServer": _TYPE,
    "logger.base_logger.ConfigItem": _TYPE,
    "logger.base_logger.LLMConfig": _TYPE,
    "logger.file_logger.safe_serialize": _INTERNAL,
    "logger.sqlite_logger.lock": _INTERNAL,
    "logger.sqlite_logger.safe_serialize": _INTERNAL,
    "math_utils": ("runs the MATH benchmark", "a function of your own"),
    "oai.ChatCompletion": _LEGACY,
    "oai.Completion": _LEGACY,
    "oai.anthropic": _OWN_CLIENT,
    "oai.bedrock": _OWN_CLIENT,
    "oai.cerebras": _OWN_CLIENT,
    "oai.client.LEGACY_CACHE_DIR": _CONSTANT,
    "oai.client.LEGACY_DEFAULT_CACHE_SEED": _CONSTANT,
    "oai.client.OPEN_API_BASE_URL_PREFIX": _CONSTANT,
    "oai.client.OpenAIClient": _OWN_CLIENT,
    "oai.client.PlaceHolderClient": (
        "stands for a class that is not registered",
        "`create`, which says which classes are missing",
    ),
    "oai.client.TOOL_ENABLED": _CONSTANT,
    "oai.client_utils": _INTERNAL,
    "oai.cohere": _OWN_CLIENT,
    "oai.completion": _LEGACY,
    "oai.gemini": _OWN_CLIENT,
    "oai.groq": _OWN_CLIENT,
    "oai.mistral": _OWN_CLIENT,
    "oai.ollama": _OWN_CLIENT,
    "oai.openai_utils.DEFAULT_AZURE_API_VERSION": _CONSTANT,
    "oai.openai_utils.NON_CACHE_KEY": _CONSTANT,
    "oai.openai_utils.OAI_PRICE1K": ("prices of 2024", "an entry's `price`, or the extra `prices`"),
    "oai.openai_utils.create_gpt_assistant": _ASSISTANTS,
    "oai.openai_utils.create_gpt_vector_store": _ASSISTANTS,
    "oai.openai_utils.detect_gpt_assistant_api_version": _ASSISTANTS,
    "oai.openai_utils.get_config": ("makes one entry", "a dict"),
    "oai.openai_utils.get_key": ("makes a key of the cache", "nothing: the cache makes its own"),
    "oai.openai_utils.retrieve_assistants_by_name": _ASSISTANTS,
    "oai.openai_utils.update_gpt_assistant": _ASSISTANTS,
    "oai.rate_limiters": ("what `api_rate_limit` is made of", "the field `api_rate_limit` of an entry"),
    "oai.together": _OWN_CLIENT,
    "retrieve_utils": _RAG,
    "runtime_logging.is_logging": ("a variable of the module", "`logging_enabled()`"),
    "ChatCompletion": _LEGACY,
    "Completion": _LEGACY,
}
