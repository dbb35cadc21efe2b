"""Streamed answers, on their way out: events to the Responses wire's own, as server-sent events.

An answer is a list of items. Thoughts and words are one open item at a time, in the order in which they come; calls of
tools stay open beside each other, because their arguments may come in turns. The last event repeats the whole answer.
"""

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from modelport import sse
from modelport.dialects.base import Asked
from modelport.dialects.openai_chat.answers import facts_to_dict
from modelport.dialects.openai_responses.answers import (
    answer_id,
    call_item,
    ending,
    message_item,
    reasoning_item,
    response_to_dict,
    text_part,
    usage_to_dict,
)
from modelport.dialects.openai_responses.failures import error_to_dict
from modelport.errors import ModelportError
from modelport.types import (
    Emulated,
    Event,
    Finish,
    FinishReason,
    FunctionCall,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)

__all__ = ("ResponsesStreamEncoder",)

_json = msgspec.json.Encoder().encode


class _Item:
    """One item that is not done: its place, and what has come of it."""

    __slots__ = ("call", "id", "index", "pieces", "thought")

    def __init__(self, index: int, identifier: str, call: ToolCall | None = None, *, thought: bool = False) -> None:
        self.index = index
        self.id = identifier
        self.call = call
        self.thought = thought
        self.pieces: list[str] = []

    def whole(self, status: str) -> dict[str, Any]:
        """The item as far as it has come."""
        text = "".join(self.pieces)
        if self.call is not None:
            return call_item(self.id, ToolCall(self.call.id, FunctionCall(self.call.name, text)), status)
        if self.thought:
            return reasoning_item(self.id, text, "completed")
        return message_item(self.id, [text_part(text)], status)


class ResponsesStreamEncoder:
    """Writes one answer. Expects settled tool calls (see ``modelport.types.Minter``); other choices have no place."""

    keep_alive: bytes = sse.COMMENT

    def __init__(self, asked: Asked, model: str, identifier: str | None = None) -> None:
        self.final: dict[str, Any] = {}  # the whole answer, once the stream is finished
        self._asked = asked
        self._model = model
        self._id: str | None = identifier
        self._created = int(time.time())
        self._number = 0  # of the next event
        self._begun = False
        self._output: dict[int, dict[str, Any]] = {}  # the items that are done, by place
        self._items = 0
        self._open: _Item | None = None  # thoughts or words
        self._calls: dict[int, _Item] = {}  # by the model's own number
        self._reason: FinishReason | None = None
        self._usage: Usage | None = None
        self._emulated: tuple[str, ...] = asked.emulated
        self._cached = False

    def encode(self, events: Sequence[Event]) -> bytes:
        """What stands for *events*, in one piece."""
        out: list[bytes] = []
        for event in events:
            if event.__class__ is TextDelta:
                if not event.choice:
                    self._say(event.text, out, thought=False)
            else:
                self._add(event, out)
        return b"".join(out)

    def _add(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Started):
            self._model = event.model or self._model
            self._id = self._id or (answer_id(event.id, self._asked) if event.id else None)
            self._cached = event.cached
        elif isinstance(event, Emulated):
            self._emulated += tuple(field for field in event.fields if field not in self._emulated)
        elif isinstance(event, Usage):
            self._usage = event
        elif event.choice:
            return
        elif isinstance(event, ReasoningDelta):
            self._say(event.text, out, thought=True)
        elif isinstance(event, ToolCallDelta):
            self._call(event, out)
        elif isinstance(event, Finish):
            self._reason = event.reason

    # --- items ---

    def _say(self, text: str, out: list[bytes], *, thought: bool) -> None:
        item = self._open
        if item is None or item.thought is not thought:
            self._close(out)
            item = self._open = self._item("rs" if thought else "msg", out, thought=thought)
            part: Any = {"type": "reasoning_text", "text": ""} if thought else text_part("")
            out.append(self._event("response.content_part.added", item, content_index=0, part=part))
        item.pieces.append(text)
        kind, rest = _THOUGHT if thought else _TEXT
        out.append(
            b'event: %b\ndata: {"type":"%b","sequence_number":%d,"item_id":"%b","output_index":%d,"content_index":0,'
            b'"delta":%b%b}\n\n' % (kind, kind, self._number, item.id.encode(), item.index, _json(text), rest)
        )
        self._number += 1

    def _call(self, delta: ToolCallDelta, out: list[bytes]) -> None:
        number = delta.index or 0
        item = self._calls.get(number)
        if item is None:
            self._close(out)
            call = ToolCall(delta.id or "", FunctionCall(delta.name or "", ""))
            item = self._calls[number] = self._item("fc", out, call=call)
        if delta.arguments:
            item.pieces.append(delta.arguments)
            out.append(self._event("response.function_call_arguments.delta", item, delta=delta.arguments))

    def _item(self, kind: str, out: list[bytes], *, call: ToolCall | None = None, thought: bool = False) -> _Item:
        """A new item, the last so far."""
        self._begin(out)
        assert self._id is not None
        item = _Item(self._items, f"{kind}_{self._id.removeprefix('resp_')}_{self._items}", call, thought=thought)
        self._items += 1
        if call is not None:
            empty = call_item(item.id, call, "in_progress")
        elif thought:
            empty = reasoning_item(item.id, None, "in_progress")
        else:
            empty = message_item(item.id, [], "in_progress")
        out.append(self._tell("response.output_item.added", output_index=item.index, item=empty))
        return item

    def _close(self, out: list[bytes], status: str = "completed") -> None:
        """The words or thoughts that are open are complete."""
        item, self._open = self._open, None
        if item is None:
            return
        text = "".join(item.pieces)
        if item.thought:
            out.append(self._event("response.reasoning_text.done", item, content_index=0, text=text))
        else:
            out.append(self._event("response.output_text.done", item, content_index=0, text=text, logprobs=[]))
        part = {"type": "reasoning_text", "text": text} if item.thought else text_part(text)
        out.append(self._event("response.content_part.done", item, content_index=0, part=part))
        self._done(item, out, status)

    def _close_calls(self, out: list[bytes], status: str) -> None:
        for item in self._calls.values():
            assert item.call is not None
            arguments = "".join(item.pieces)
            kind = "response.function_call_arguments.done"
            out.append(self._event(kind, item, name=item.call.name, arguments=arguments))
            self._done(item, out, status)
        self._calls = {}

    def _done(self, item: _Item, out: list[bytes], status: str) -> None:
        self._output[item.index] = item.whole(status)
        out.append(self._tell("response.output_item.done", output_index=item.index, item=self._output[item.index]))

    # --- events ---

    def _begin(self, out: list[bytes]) -> None:
        if not self._begun:
            self._begun = True
            self._id = self._id or answer_id(None, self._asked)
            response = self._response("in_progress")
            out.extend(self._tell(f"response.{kind}", response=response) for kind in ("created", "in_progress"))

    def _response(self, status: str, **more: Any) -> dict[str, Any]:
        assert self._id is not None
        output = [item for _, item in sorted(self._output.items())]
        told = {"status": status, "output": output, **more}
        body = response_to_dict(self._asked, self._id, self._model, self._created, **told)
        facts = facts_to_dict(self._emulated, self._cached, self._usage)
        return {**body, "modelport": facts} if facts else body

    def _event(self, kind: str, item: _Item, **more: Any) -> bytes:
        return self._tell(kind, item_id=item.id, output_index=item.index, **more)

    def _tell(self, kind: str, **more: Any) -> bytes:
        body = {"type": kind, "sequence_number": self._number, **more}
        self._number += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), _json(body))

    # --- the end ---

    def finish(self) -> bytes:
        """What is open is closed, and the answer told once more as a whole."""
        out: list[bytes] = []
        self._begin(out)
        told = ending(self._reason or "stop")
        status = told["status"]
        self._close(out, status)
        self._close_calls(out, status)
        self.final = self._response(**told, usage=usage_to_dict(self._usage))
        out.append(self._tell(f"response.{status}", response=self.final))
        return b"".join(out)

    def fail(self, error: ModelportError) -> bytes:
        """The error as an event of its own, which clients raise, and an answer that failed."""
        out: list[bytes] = []
        self._begin(out)
        inner = error_to_dict(error)
        told = {name: inner[name] for name in ("code", "message", "param")}
        out.append(self._tell("error", **told, error=inner))  # documented flat, and sent nested by OpenAI itself
        code = "rate_limit_exceeded" if error.status == 429 else "server_error"
        failed = self._response("failed", error={"code": code, "message": inner["message"]})
        out.append(self._tell("response.failed", response=failed))
        return b"".join(out)


_TEXT = b"response.output_text.delta", b',"logprobs":[]'
_THOUGHT = b"response.reasoning_text.delta", b""
