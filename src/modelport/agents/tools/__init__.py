"""Tools: functions that a model may call. Schemas from signatures, and calls that become results."""

from modelport.agents.tools.arguments import parse_arguments
from modelport.agents.tools.calling import Executed, Observe, Say, a_execute, execute, on_loop, wrap_tool
from modelport.agents.tools.replies import (
    a_answer_function_call,
    a_answer_tool_calls,
    answer_function_call,
    answer_tool_calls,
)
from modelport.agents.tools.schemas import get_function_schema
from modelport.agents.tools.signatures import function_name, is_async
from modelport.agents.tools.values import load_basemodels_if_needed, serialize_to_str
from modelport.agents.tools.waiting import wait_for

__all__ = (
    "Executed",
    "Observe",
    "Say",
    "a_answer_function_call",
    "a_answer_tool_calls",
    "a_execute",
    "answer_function_call",
    "answer_tool_calls",
    "execute",
    "function_name",
    "get_function_schema",
    "is_async",
    "load_basemodels_if_needed",
    "on_loop",
    "parse_arguments",
    "serialize_to_str",
    "wait_for",
    "wrap_tool",
)
