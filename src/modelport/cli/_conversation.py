"""A conversation with one model in a terminal: its messages, its commands, and what Ctrl-C means where."""

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import json

from modelport.cli._prompt import Lines
from modelport.cli._terminal import Screen
from modelport.errors import InvalidRequest, ModelportError
from modelport.model import Model, suspends
from modelport.sync import iterate
from modelport.terminal import one_line
from modelport.types import (
    ChatResponse,
    Event,
    ImagePart,
    Message,
    Minter,
    Part,
    ReasoningDelta,
    ResponseBuilder,
    TextDelta,
    TextPart,
    Usage,
    message_to_dict,
    request_from_params,
)

__all__ = ("Conversation", "Manner", "talk", "usage_line")

_COMMANDS = """\
/reset      forget what was said
/save FILE  write the conversation to FILE as JSON
/help       this list
/quit       leave (so does Ctrl-D)
Ctrl-C stops an answer; twice in a row leaves."""


class Manner(NamedTuple):
    """How to ask, and how to show what comes. ``params`` are fields of the request."""

    params: Mapping[str, Any]
    system: str | None = None
    streams: bool = True
    tells_usage: bool = False


class Conversation:
    """What was said, and the asking of more."""

    def __init__(self, model: Model, manner: Manner, screen: Screen | None = None) -> None:
        self.model = model
        self.messages: list[Message] = []
        self.screen = screen or Screen()
        self._manner = manner
        self._pictures: list[Path] = []
        self.reset()

    def reset(self) -> None:
        """Forgets what was said, but not the instructions."""
        system = self._manner.system
        self.messages = [] if system is None else [Message("system", system)]

    def show(self, paths: list[str]) -> None:
        """Pictures to send with the next message.

        Raises:
            InvalidRequest: there is no such file.
        """
        for path in map(Path, paths):
            if not path.is_file():
                raise InvalidRequest(f"--image: there is no file {path} (from {Path.cwd()})", param="--image")
            self._pictures.append(path)

    def ask(self, said: str) -> None:
        """Asks, prints the answer as it comes, and remembers both. What fails is forgotten with its question.

        On Ctrl-C the answer so far is kept, and KeyboardInterrupt goes on.
        """
        self.messages.append(self._turn(said))
        builder, began = ResponseBuilder(self.model.name), time.perf_counter()
        try:
            for event in self._events():
                builder.add(event)
                if self._manner.streams:
                    self._print(event)
        except KeyboardInterrupt:
            self._remember(builder.response())
            raise
        except BaseException:
            self.messages.pop()
            raise
        finally:
            self.screen.end()
        response = builder.response()
        if not self._manner.streams:
            self._print_whole(response)
        self._note_calls(response)
        self._remember(response)
        if self._manner.tells_usage:
            sys.stdout.flush()
            print(usage_line(response, time.perf_counter() - began), file=sys.stderr)

    def answer_as_json(self, said: str) -> str:
        """Asks, and gives the whole answer as JSON on one line."""
        self.messages.append(self._turn(said))
        builder = ResponseBuilder(self.model.name)
        for event in self._events():
            builder.add(event)
        return json.encode(_as_data(builder.response())).decode()

    def save(self, path: Path) -> int:
        """Writes the messages as JSON to a new file; gives how many there were."""
        data = [message_to_dict(message) for message in self.messages]
        with path.open("xb") as file:
            file.write(json.format(json.encode(data, enc_hook=str), indent=2) + b"\n")
        return len(data)

    def _turn(self, said: str) -> Message:
        if not self._pictures:
            return Message("user", said)
        parts: tuple[Part, ...] = (TextPart(said), *(ImagePart(path) for path in self._pictures))
        self._pictures = []
        return Message("user", parts)

    def _events(self) -> Iterator[Event]:
        request = request_from_params({"messages": list(self.messages), **self._manner.params})
        events: Iterator[Event] = iterate(self.model.stream(request), suspends=suspends(self.model))
        return map(Minter().settle, events)

    def _print(self, event: Event) -> None:
        if type(event) is TextDelta:
            self.screen.text(event.text)
        elif type(event) is ReasoningDelta:
            self.screen.thought(event.text)

    def _print_whole(self, response: ChatResponse) -> None:
        if response.message.reasoning:
            self.screen.thought(response.message.reasoning)
        self.screen.text(response.text)
        self.screen.end()

    def _note_calls(self, response: ChatResponse) -> None:
        for call in response.message.tool_calls or ():
            self.screen.note(f"[calls {call.name}({call.arguments})]")

    def _remember(self, response: ChatResponse) -> None:
        # A call that nobody answers would make the next request one that most models refuse.
        self.messages.append(Message("assistant", response.text))


def talk(chat: Conversation, *, history: bool) -> int:
    """Line by line until the person leaves; gives the exit status."""
    chat.screen.note(f"talking to {chat.model.name}; /help lists the commands, Ctrl-D leaves")
    lines = Lines(history=history)
    interrupted = False
    try:
        while True:
            line = ""
            try:
                line = lines.ask("> ").strip()
                interrupted = False
                if line and not _turn(chat, line):
                    return 0
            except EOFError:
                print()
                return 0
            except KeyboardInterrupt:
                if interrupted:
                    print()
                    return 130
                interrupted = True
                chat.screen.note("(stopped; Ctrl-C again leaves)" if line else "\n(Ctrl-C again leaves)")
    finally:
        lines.close()


def _turn(chat: Conversation, line: str) -> bool:
    """One line that was typed; False where it was the last."""
    if line.startswith("/"):
        command, _, argument = line.partition(" ")
        return _command(chat, command, argument.strip())
    try:
        chat.ask(line)
    except ModelportError as error:
        chat.screen.note(f"error: {' '.join(error.message.split())}")
    except Exception as error:
        chat.screen.note(f"error: {type(error).__name__}: {error}")
    return True


def _command(chat: Conversation, command: str, argument: str) -> bool:
    if command in {"/quit", "/exit"}:
        return False
    if command == "/reset":
        chat.reset()
        chat.screen.note("(forgotten)")
    elif command == "/save":
        _save(chat, argument)
    elif command == "/help":
        chat.screen.note(_COMMANDS)
    else:
        chat.screen.note(f"no command {command}\n{_COMMANDS}")
    return True


def _save(chat: Conversation, argument: str) -> None:
    if not argument:
        chat.screen.note("say where: /save FILE")
        return
    try:
        count = chat.save(Path(argument).expanduser())
    except FileExistsError:
        chat.screen.note(f"{argument} is there already, and was left as it is: choose another name")
    except OSError as error:
        chat.screen.note(f"could not write {argument}: {error.strerror or error}")
    else:
        chat.screen.note(f"({count} messages in {argument})")


def usage_line(response: ChatResponse, seconds: float) -> str:
    """Tokens, cost and time of an answer, in words."""
    usage = response.usage or Usage()
    prompt = "?" if usage.prompt_tokens is None else usage.prompt_tokens
    completion = "?" if usage.completion_tokens is None else usage.completion_tokens
    cost = "cost unknown" if usage.cost is None else f"${usage.cost:.6f}" if usage.cost else "free"
    estimated = " (estimated)" if usage.estimated else ""
    return f"{one_line(response.model)}: {prompt} + {completion} tokens{estimated}, {cost}, {seconds:.2f} s"


def _as_data(response: ChatResponse) -> dict[str, Any]:
    choices = [
        {
            "index": choice.index,
            "message": message_to_dict(choice.message),
            "finish_reason": choice.finish_reason,
        }
        for choice in response.choices
    ]
    data = {"id": response.id, "model": response.model, "created": response.created, "choices": choices}
    usage = response.usage
    if usage is not None:
        data["usage"] = {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total,
            "cost": usage.cost,
            "estimated": usage.estimated,
        }
    if response.emulated:
        data["emulated"] = list(response.emulated)
    return data
