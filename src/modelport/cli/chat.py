"""``modelport chat``: talk to a model in a terminal, or ask it one thing from a script."""

import argparse
import sys
from typing import Any

from modelport.cli._conversation import Conversation, Manner, talk
from modelport.config.assembly import assemble
from modelport.config.entry import entry_from
from modelport.config.settings import Settings, read_settings
from modelport.config.spec import load
from modelport.errors import InvalidRequest
from modelport.model import Model
from modelport.terminal import is_terminal

HELP = "talk to a model, or ask it one thing"

__all__ = ("HELP", "configure", "run")

_EPILOG = """\
in a conversation:
  /reset      forget what was said      /save FILE   write the conversation as JSON
  /help       this list                 /quit        leave (so does Ctrl-D)
  Ctrl-C stops an answer; twice in a row leaves.

examples:
  modelport chat                                      the model that comes with modelport
  modelport chat my_model.py:Mine --system "Be brief."
  modelport chat -m "Describe this." --image photo.png --model-server http://gpu-box:8000
  git diff | modelport chat my_model.py:Mine -m -     one turn, read from a pipe
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``modelport chat``."""
    parser.epilog = _EPILOG
    add = parser.add_argument
    add(
        "spec",
        nargs="?",
        metavar="SPEC",
        help="file.py:Name, module:Name or a name (default: eliza)",
    )
    add("-m", "--message", metavar="TEXT", help="ask this one thing, print the answer and end; - reads it from stdin")
    add("--system", metavar="TEXT", help="instructions that stand above the conversation")
    add("--image", nargs="+", action="extend", default=[], metavar="PATH", help="show these with the first message")
    add("--model-server", metavar="URL", help="use a model served there (SPEC is then its name, if it has several)")
    add("--temperature", type=float, metavar="T", help="how much chance there is in an answer, 0 to 2")
    add("--max-tokens", type=int, metavar="N", help="the most tokens of an answer")
    add("--seed", type=int, metavar="N", help="ask for an answer that can be repeated")
    add("--timeout", type=float, metavar="S", help="give up on an answer after so many seconds")
    add("--no-stream", action="store_true", help="show an answer when all of it is there")
    add("--json", action="store_true", help="print one answer as JSON (with -m, or from a pipe)")
    add("--usage", action="store_true", help="tell tokens, cost and time below each answer, on stderr")
    add("--no-history", action="store_true", help="keep no record of the lines that you type")


def run(args: argparse.Namespace) -> int:
    """One turn where there is a message or a pipe, otherwise a conversation."""
    message = args.message
    if message == "-" or (message is None and not is_terminal(sys.stdin)):
        message = _piped()
    if message is None and args.json:
        raise InvalidRequest("--json prints one answer: say what to ask, with -m or through a pipe", param="--json")
    names = ("model_server", "temperature", "max_tokens", "seed", "timeout")
    settings = read_settings(**{name: getattr(args, name) for name in names})
    chat = Conversation(_model(args, settings), _manner(args, settings))
    chat.show(args.image)
    if message is None:
        return talk(chat, history=not args.no_history)
    if args.json:
        print(chat.answer_as_json(message))
    else:
        chat.ask(message)
    return 0


def _piped() -> str:
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"stdin must be UTF-8 text: {error}; convert it first (iconv)", param="stdin") from None
    if not text.strip():
        raise InvalidRequest("stdin is empty: there is nothing to ask", param="stdin")
    return text


def _manner(args: argparse.Namespace, settings: Settings) -> Manner:
    params = {name: getattr(settings, name) for name in ("temperature", "max_tokens", "seed")}
    return Manner(
        params={name: value for name, value in params.items() if value is not None},
        system=args.system,
        streams=not args.no_stream,
        tells_usage=args.usage,
    )


def _model(args: argparse.Namespace, settings: Settings) -> Model:
    spec = _spec(args, settings)
    fields: dict[str, Any] = {"spec": spec, "timeout": settings.timeout, "max_retries": settings.max_retries}
    options = {}
    if spec.startswith("remote:") and settings.api_key is not None:
        options["api_key"] = settings.api_key.reveal()
    if spec.startswith("remote:https://") and settings.tls_fingerprint is not None:
        options["tls_fingerprint"] = settings.tls_fingerprint
    entry = entry_from(fields)
    return assemble(entry, load(spec, **options))


def _spec(args: argparse.Namespace, settings: Settings) -> str:
    """What the command line says, else the settings, else the model that is always there."""
    if args.model_server:
        return f"remote:{args.model_server.rstrip('/')}" + (f"/{args.spec}" if args.spec else "")
    if args.spec:
        return str(args.spec)
    return settings.spec or "eliza"
