"""An agent's tools: told to its model, and called when a message asks for them."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from modelport.agents import tools
from modelport.agents.agent import Agent
from modelport.agents.checks import check_options
from modelport.agents.conversable.asking import Asking
from modelport.agents.conversable.history import normalized_name, valid_name
from modelport.agents.conversable.replying import twin_of
from modelport.agents.iostream import IOStream, colored
from modelport.errors import AgentError
from modelport.storage.runtime_log import log_function_use, logging_enabled
from modelport.types.complaints import shown

__all__ = ("Working", "register_function")

F = TypeVar("F", bound=Callable[..., Any])
_Executed = tuple[bool, dict[str, Any]]
_ToolReply = tuple[bool, dict[str, Any] | None]


class Working(Asking):
    """The part of an agent that has tools: one agent's model asks for them, another agent runs them."""

    # --- what the model is told ---

    def register_for_llm(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        api_style: Literal["function", "tool"] = "tool",
    ) -> Callable[[F], F]:
        """Decorator: the agent's model may ask for the function, whose schema is made from its annotations.

        Raises:
            ValueError: there is no *description*.
            AssertionError: the agent has no model.
            TypeError: a parameter has no annotation.
        """

        def decorator(function: F) -> F:
            called = _named(function, name)
            if description:
                _set(function, "_description", description)
            said = description or getattr(function, "_description", None)
            if said is None:
                raise ValueError(f"Function description is required, none found: give description= for {called!r}.")
            schema = tools.get_function_schema(function, name=called, description=said)
            if api_style == "function":
                self.update_function_signature(schema["function"], is_remove=False)
            elif api_style == "tool":
                self.update_tool_signature(schema, is_remove=False)
            else:
                raise ValueError(f"Unsupported API style: {api_style}")
            return function

        return decorator

    def update_tool_signature(self, tool_sig: str | dict[str, Any], is_remove: bool | None = False) -> None:
        """Tell the model of a tool, given as its OpenAI schema; or of one less, given by name with *is_remove*."""
        if not is_remove and not isinstance(tool_sig, dict):
            raise ValueError(
                f"The tool signature must be of the type dict. Received tool signature type {type(tool_sig)}"
            )
        self._update_told("tools", "tool", tool_sig, lambda each: each.get("function", {}).get("name"), is_remove)

    def update_function_signature(self, func_sig: str | dict[str, Any], is_remove: bool | None = False) -> None:
        """The same in OpenAI's older form."""
        if not is_remove and not isinstance(func_sig, dict):
            raise ValueError(
                f"The function signature must be of the type dict. Received function signature type {type(func_sig)}"
            )
        self._update_told("functions", "function", func_sig, lambda each: each.get("name"), is_remove)

    def _update_told(
        self, key: str, kind: str, given: Any, name_of: Callable[[Any], Any], is_remove: bool | None
    ) -> None:
        config = self.llm_config
        if not isinstance(config, dict) or self.client is None:
            raise AssertionError(
                f"To update a {kind} signature, agent must have an llm_config (or a model): {self.name!r} has none."
            )
        if is_remove:
            if key not in config:
                raise AssertionError(f"The agent config doesn't have {kind} {given}.")
            kept = [each for each in config[key] if name_of(each) != given]
        else:
            called = valid_name(name_of(given))
            told = config.get(key) or []
            kept = [each for each in told if name_of(each) != called]
            if len(kept) < len(told):
                warnings.warn(f"Function '{called}' is being overridden.", UserWarning, stacklevel=4)
            kept.append(given)
        if kept:
            config[key] = kept
        else:
            del config[key]

    # --- what the agent can run ---

    @property
    def function_map(self) -> dict[str, Callable[..., Any]]:
        """The functions that the agent runs when they are asked for, by name."""
        return self._function_map

    def register_for_execution(self, name: str | None = None) -> Callable[[F], F]:
        """Decorator: the agent runs the function when a message asks for it by *name*."""

        def decorator(function: F) -> F:
            self.register_function({_named(function, name): self._wrap_function(function)})
            return function

        return decorator

    def register_function(self, function_map: Mapping[str, Callable[..., Any] | None]) -> None:
        """Run these functions when they are asked for by their names; None takes one away."""
        if not isinstance(function_map, Mapping):
            raise AgentError(
                f"function_map, given to agent {self.name!r}, must be a dict of functions by name, got "
                f"{shown(function_map)}",
                param="function_map",
            )
        for name, function in function_map.items():
            valid_name(name)
            check_options(self.name, function_map={} if function is None else {name: function})
            if function is None and name not in self._function_map:
                warnings.warn(f"The function {name} to remove doesn't exist", UserWarning, stacklevel=2)
            if name in self._function_map:
                warnings.warn(f"Function '{name}' is being overridden.", UserWarning, stacklevel=2)
        merged = {**self._function_map, **function_map}
        self._function_map = {name: function for name, function in merged.items() if function is not None}

    def can_execute_function(self, name: list[str] | str) -> bool:
        """Whether the agent runs the function of that name, or all of them."""
        return all(each in self._function_map for each in ([name] if isinstance(name, str) else name))

    def _wrap_function(self, func: Callable[..., Any]) -> Callable[..., Any]:
        def used(function: Callable[..., Any], arguments: dict[str, Any], returned: Any) -> None:
            if logging_enabled():
                log_function_use(self, function, arguments, returned)

        return tools.wrap_tool(func, used)

    # --- running ---

    def execute_function(self, func_call: dict[str, Any], verbose: bool = False) -> _Executed:
        """Run one call, ``{"name", "arguments"}``: whether it went well, and the message with its result."""
        return tools.execute(func_call, self._function_map, _say, verbose=verbose)

    async def a_execute_function(self, func_call: dict[str, Any]) -> _Executed:
        """As :meth:`execute_function`, awaited; blocking functions do not hold up the event loop."""
        return await tools.a_execute(func_call, self._function_map, _say)

    def generate_function_call_reply(
        self, messages: list[dict[str, Any]] | None = None, sender: Agent | None = None, config: Any = None
    ) -> _ToolReply:
        """The result of the ``function_call`` in the last message, if it has one."""
        del config
        return tools.answer_function_call(
            self._last(messages, sender), self._function_map, self.execute_function, self.a_execute_function
        )

    @twin_of(generate_function_call_reply)
    async def a_generate_function_call_reply(
        self, messages: list[dict[str, Any]] | None = None, sender: Agent | None = None, config: Any = None
    ) -> _ToolReply:
        """As :meth:`generate_function_call_reply`, awaited."""
        del config
        return await tools.a_answer_function_call(
            self._last(messages, sender), self._function_map, self.execute_function, self.a_execute_function
        )

    def generate_tool_calls_reply(
        self, messages: list[dict[str, Any]] | None = None, sender: Agent | None = None, config: Any = None
    ) -> _ToolReply:
        """The results of the ``tool_calls`` in the last message, in their order, if it has any."""
        del config
        return tools.answer_tool_calls(
            self._last(messages, sender), self._function_map, self.execute_function, self.a_execute_function
        )

    @twin_of(generate_tool_calls_reply)
    async def a_generate_tool_calls_reply(
        self, messages: list[dict[str, Any]] | None = None, sender: Agent | None = None, config: Any = None
    ) -> _ToolReply:
        """As :meth:`generate_tool_calls_reply`, awaited: async tools run at once."""
        del config
        return await tools.a_answer_tool_calls(self._last(messages, sender), self.a_execute_function)

    def _last(self, messages: list[dict[str, Any]] | None, sender: Agent | None) -> dict[str, Any]:
        messages = self._oai_messages[sender] if messages is None else messages
        return messages[-1] if messages else {}

    @staticmethod
    def _normalize_name(name: str) -> str:
        return normalized_name(name)

    @staticmethod
    def _assert_valid_name(name: str) -> str:
        return valid_name(name)


def register_function(
    f: Callable[..., Any], *, caller: Working, executor: Working, name: str | None = None, description: str
) -> None:
    """Let *caller*'s model ask for *f*, and *executor* run it.

    Raises:
        AgentError: *caller* or *executor* is no agent that has tools.
    """
    given: dict[str, Any] = {"caller": caller, "executor": executor}
    for field, agent in given.items():
        if isinstance(agent, type) or not hasattr(agent, "register_for_execution"):
            raise AgentError(f"{field} must be a ConversableAgent, got {shown(agent)}", param=field)
    caller.register_for_llm(name=name, description=description)(f)
    executor.register_for_execution(name=name)(f)


def _say(line: str) -> None:
    IOStream.get_default().print(colored(line, "magenta"), flush=True)


def _named(function: Callable[..., Any], name: str | None) -> str:
    """The name that *function* goes by: *name*, the one it was registered with before, or its own."""
    called = name or getattr(function, "_name", None) or tools.function_name(function)
    _set(function, "_name", called)
    return called


def _set(function: Callable[..., Any], attribute: str, value: str) -> None:
    try:
        setattr(function, attribute, value)
    except AttributeError:  # methods and built-in functions take none; then it is given each time
        return
