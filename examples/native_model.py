"""modelport's own contract: a name and stream(request), which yields events. It can do all that the port can carry.

modelport check examples/native_model.py:Butler
modelport chat examples/native_model.py:Butler
"""

from collections.abc import Iterator

from modelport import ChatRequest, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from modelport.types import Event


class Butler:
    """Thinks aloud, uses the first tool it is offered, and reports what the tool said."""

    name = "butler"
    accepts = ("tools", "tool_choice")  # which fields of a request it keeps; the port sees to the rest

    def stream(self, request: ChatRequest) -> Iterator[Event]:
        """The events of one answer."""
        last = request.messages[-1]
        words = sum(len(message.text.split()) for message in request.messages)
        if last.role == "tool":
            yield from (TextDelta(piece) for piece in ("Very good. ", "I have been told: ", last.text))
            yield Usage(prompt_tokens=words, completion_tokens=6 + len(last.text.split()), cost=0.0)
        elif request.tools and request.tool_choice != "none":
            yield ReasoningDelta(f"This calls for {request.tools[0].name}.")
            yield ToolCallDelta(name=request.tools[0].name, arguments="{}")
            yield Usage(prompt_tokens=words, completion_tokens=1, cost=0.0)
        else:
            yield ReasoningDelta("I have no tools, so I can only be polite.")
            yield from (TextDelta(piece) for piece in ("I am afraid ", "I have nothing ", "to do it with."))
            yield Usage(prompt_tokens=words, completion_tokens=9, cost=0.0)
