"""The conversable agent: all its parts together."""

import copy
from collections.abc import Callable
from typing import Any, Self, SupportsIndex

from modelport.agents.agent import Agent
from modelport.agents.checks import check_options
from modelport.agents.content import text_of
from modelport.agents.conversable.coding import Coding
from modelport.agents.conversable.history import Conversations, valid_name
from modelport.agents.conversable.identity import HumanInputMode
from modelport.agents.conversable.nesting import Nesting
from modelport.agents.conversable.replying import HOOKABLE_METHODS
from modelport.agents.conversable.working import Working
from modelport.errors import AgentError
from modelport.storage.runtime_log import log_new_agent, logging_enabled
from modelport.types.complaints import shown

__all__ = ("ConversableAgent",)

_MODES = ("ALWAYS", "TERMINATE", "NEVER")


class ConversableAgent(Nesting, Coding, Working):
    """An agent that holds conversations: with a model, tools, code and a person behind it, each as far as it is given.

    ::

        assistant = ConversableAgent("assistant", model="eliza", human_input_mode="NEVER")
        user = ConversableAgent("user", human_input_mode="NEVER")
        chat = user.initiate_chat(assistant, message="I feel stuck.", max_turns=3)

    *model* is a spec, a function, a model or a loaded object, held by reference and called through a
    :class:`modelport.Client`. *llm_config* is AutoGen 0.2's: a dict with a ``config_list``, whose custom classes are
    registered with :meth:`register_model_client`; beside *model* its fields are those of the calls (``temperature``).
    *stream* shows the model's words as they come: True on the terminal, or a function that is called with each
    :class:`modelport.client.responses.Chunk`. Code that messages hold is run only with a *code_execution_config*.

    A reply is made by the first of these that gives one: a person (*human_input_mode*), the functions that a message
    asks for (*function_map*), the code it holds, the model; else it is *default_auto_reply*.
    """

    def __init__(
        self,
        name: str,
        system_message: Any = "You are a helpful AI Assistant.",
        is_termination_msg: Callable[[dict[str, Any]], Any] | None = None,
        max_consecutive_auto_reply: int | None = None,
        human_input_mode: HumanInputMode = "TERMINATE",
        function_map: dict[str, Callable[..., Any]] | None = None,
        code_execution_config: Any = False,
        llm_config: Any = None,
        default_auto_reply: str | dict[str, Any] | None = "",
        description: str | None = None,
        chat_messages: dict[Any, list[dict[str, Any]]] | None = None,
        silent: bool | None = None,
        *,
        model: Any = None,
        stream: bool | Callable[..., object] = False,
    ) -> None:
        """*max_consecutive_auto_reply* None is ``MAX_CONSECUTIVE_AUTO_REPLY``; *chat_messages* are earlier chats.

        Raises:
            ValueError: the name of a function, or *llm_config*, is wrong.
            AgentError: *name* or *human_input_mode* is.
        """
        if not isinstance(name, str):
            raise AgentError(f"an agent's name must be text, got {shown(name)}", param="name")
        if human_input_mode not in _MODES:
            raise AgentError(
                f"human_input_mode must be one of {', '.join(_MODES)}, got {shown(human_input_mode)}",
                param="human_input_mode",
            )
        check_options(
            name,
            function_map=function_map,
            chat_messages=chat_messages,
            is_termination_msg=is_termination_msg,
            max_consecutive_auto_reply=max_consecutive_auto_reply,
            default_auto_reply=default_auto_reply,
            stream=stream,
        )
        self._name = name
        self._oai_messages = Conversations(chat_messages)
        self._oai_system_message = [{"content": system_message, "role": "system"}]
        self._description = system_message if description is None else description
        self._is_termination_msg = _says_terminate if is_termination_msg is None else is_termination_msg
        self.silent: bool | None = silent
        self._stream = stream
        self._wire(llm_config, model)
        if logging_enabled():
            log_new_agent(self, {key: value for key, value in locals().items() if key != "self"})
        self.client_cache: Any = None
        self.previous_cache: Any = None
        self.human_input_mode: HumanInputMode = human_input_mode
        self._begin_counting(max_consecutive_auto_reply)
        self._function_map = {valid_name(key): value for key, value in (function_map or {}).items()}
        self._default_auto_reply = default_auto_reply
        self._human_input = []
        self.hook_lists: dict[str, list[Callable[..., Any]]] = {method: [] for method in HOOKABLE_METHODS}
        self._reply_func_list = []
        self._register_own_replies(code_execution_config)

    def _register_own_replies(self, code_execution_config: Any) -> None:
        """In this order, so that the last is asked first."""
        own: list[tuple[Callable[..., Any], Callable[..., Any] | None]] = [
            (ConversableAgent.generate_oai_reply, ConversableAgent.a_generate_oai_reply),
        ]
        runs_code = self._set_up_code_execution(code_execution_config)
        if runs_code is not None:
            own.append((runs_code, None))
        own += [
            (ConversableAgent.generate_tool_calls_reply, ConversableAgent.a_generate_tool_calls_reply),
            (ConversableAgent.generate_function_call_reply, ConversableAgent.a_generate_function_call_reply),
            (
                ConversableAgent.check_termination_and_human_reply,
                ConversableAgent.a_check_termination_and_human_reply,
            ),
        ]
        for blocking, awaited in own:
            self.register_reply([Agent, None], blocking)
            if awaited is not None:
                self.register_reply([Agent, None], awaited, ignore_async_in_sync_chat=True)

    def reset(self) -> None:
        """Forget all chats, counters and usage; reply functions begin with their first configuration again."""
        if self.client is not None:
            self.client.clear_usage_summary()
        for forget in (self.clear_history, self.stop_reply_at_receive, self.reset_consecutive_auto_reply_counter):
            forget()
        for entry in self._reply_func_list:
            begin_again = entry["reset_config"]
            if begin_again is None:
                entry["config"] = copy.copy(entry["init_config"])
            else:
                begin_again(entry["config"])

    # --- copies ---

    def __copy__(self) -> Self:
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """An agent with histories of its own, as have those it talked with; models stay the same objects."""
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        for name, value in self.__dict__.items():
            twin.__dict__[name] = value if name in _SHARED else copy.deepcopy(value, memo)
        return twin

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        if type(self).__reduce__ is not object.__reduce__:
            return super().__reduce_ex__(protocol)
        raise TypeError(
            f"agent {self.name!r} cannot be pickled, as its model cannot: make it anew where it is needed, and keep "
            "what was said with initiate_chat(save=PATH) or ChatResult.save(PATH)"
        )


_SHARED = frozenset({"client", "llm_config", "client_cache", "previous_cache", "_stream", "_code_executor"})


def _says_terminate(message: dict[str, Any]) -> bool:
    content = message.get("content")
    return not callable(content) and text_of(content) == "TERMINATE"  # a function is a template for its context
