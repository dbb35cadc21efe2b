"""``modelport serve``: put models behind an address that OpenAI's clients, and ours, can use."""

import argparse
import os
import re
import socket
import sys
from collections.abc import Sequence
from contextlib import closing

from modelport.cli._isolation import ISOLATIONS, check_used, load_isolated
from modelport.cli._key_file import served_key_file
from modelport.cli._listed import Listed
from modelport.cli._reload import reloader_of, roots_of, watch_of
from modelport.cli._tls import add_tls_options, tls_of
from modelport.config.settings import read_settings
from modelport.errors import ConfigError
from modelport.model import Model
from modelport.secret import Secret, sounds_secret
from modelport.server.app import App, Options, create_app
from modelport.server.auth import KEYS_VARIABLE, is_loopback, read_keys
from modelport.server.limits import Limits
from modelport.server.logs import FORMATS, LEVELS, log_to
from modelport.server.reload import Source
from modelport.server.run import bind, check_exposure, ready_file, serve, url_of, write_ready_file
from modelport.server.tls import Tls
from modelport.workers import WorkerOptions

HELP = "put models behind an OpenAI-compatible address"

__all__ = ("HELP", "configure", "run")

_DEFAULTS = Limits()
_SPARED = 1.0  # seconds beyond --timeout, after which a call is taken for hung; its caller has had its error by then
_SHORTEST_SECRET = 8  # characters; masking a shorter one would garble what has nothing to do with it
_EPILOG = f"""\
Ctrl-C or SIGTERM ends what is being answered first; a second Ctrl-C does not wait. SIGHUP loads models again.

Listening on other addresses than 127.0.0.1 needs API keys: make them with modelport keys, or
give them in a file or in {KEYS_VARIABLE} (name:key,name:key). Clients send one as
"Authorization: Bearer KEY" or "x-api-key: KEY".

examples:
  modelport serve my_model.py:Mine                      http://127.0.0.1:8000/v1
  modelport serve a.py:A b.py:B --name fast --name good  two models, under names of your own
  modelport serve my_model.py:Mine --host 0.0.0.0 --api-key-file keys.txt
  modelport serve my_model.py:Mine --host 0.0.0.0 --tls-self-signed
  modelport serve eliza --port 0 --ready-file ready.json  for scripts: a free port, told in the file
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``modelport serve``."""
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("spec", nargs="*", help="a model: path/to/file.py:Name, package.module:Name, or a name (default: eliza)")
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=_port, default=8000, help="port to listen on; 0 takes a free one (default: %(default)s)")
    add("--name", action="append", default=[], help="serve the model under this name; once for each SPEC, in order")
    add("--alias", action="append", default=[], metavar="ALIAS=NAME", help="another name for a served model")
    add(
        "--price",
        type=_price,
        action="append",
        default=[],
        metavar="NAME=DOLLARS",
        help="what 1,000 tokens cost; or PROMPT,ANSWER",
    )
    add("--models-dir", help="where names are looked up first (default: ./models)")
    add("--isolation", choices=ISOLATIONS, default="auto", help="where models run (default: blocking ones in workers)")
    add(
        "--workers", type=_count, default=1, help="processes for each model that runs in workers (default: %(default)s)"
    )
    add("--threads", type=_count, default=1, help="calls at a time of a model, or of a worker (default: %(default)s)")
    add("--patience", type=_seconds, help="seconds that a call whose caller left may keep its worker (default: any)")
    add("--queue", type=_count, default=_DEFAULTS.queue, help="calls that may wait for it (default: %(default)s)")
    add("--max-batch-size", type=_count, help="requests in a batch, where a model answers batches (default: its own)")
    add("--batch-window", type=_window, help="seconds at most to wait for a fuller batch (default: the model's own)")
    add("--concurrent", type=_count, default=_DEFAULTS.concurrent, help="requests at once (default: %(default)s)")
    add("--timeout", type=_seconds, default=_DEFAULTS.timeout, help="seconds for one answer (default: %(default)g)")
    add("--max-body", type=_size, default=_DEFAULTS.body, help="bytes of one request; K, M and G work (default: 64M)")
    add("--drain", type=_seconds, default=_DEFAULTS.drain, help="seconds to end answers when stopped (default: 30)")
    _configure_access(parser)
    add("--store-responses", metavar="FILE", help="keep answers of /v1/responses here, for previous_response_id")
    add("--reload", action="store_true", help="load models again when their files change, without dropping a request")
    add("--access-log", action="store_true", help="a line on stderr for each request (never what was asked)")
    add("--log-format", choices=FORMATS, default="text", help="what lines on stderr are (default: %(default)s)")
    add("--log-level", choices=LEVELS, default="info", help="how much is logged (default: %(default)s)")
    add("--ready-file", metavar="FILE", help="write url, port, pid and models here, as JSON, once requests are taken")


def _configure_access(parser: argparse.ArgumentParser) -> None:
    """Who may ask, from where, for what."""
    add = parser.add_argument
    add("--keys-file", metavar="FILE", help="API keys of modelport keys (default: in your data folder, if it has any)")
    add("--api-key-file", metavar="FILE", help="further API keys, one a line, as name:key or key")
    add_tls_options(parser)
    add("--allow-media-urls", action="store_true", help="fetch images that requests name by URL (public hosts only)")
    add(
        "--allow-host",
        type=_host,
        action="append",
        default=[],
        metavar="NAME",
        help="a further name this server goes by",
    )
    add(
        "--allow-origin",
        type=_origin,
        action="append",
        default=[],
        metavar="ORIGIN",
        help="a site whose pages may use this server, like https://example.org",
    )
    add("--allow-agentstudio-pickle", action="store_true", help="answer AgentStudio's RemoteProvider (read as data)")


def run(args: argparse.Namespace) -> int:
    """Serves until stopped."""
    keys = read_keys(args.api_key_file)
    key_file, holds_keys = served_key_file(args.keys_file)
    check_exposure(args.host, keys or holds_keys)
    tls = tls_of(args, [args.host, *args.allow_host])
    secrets = _secrets()
    log_to(sys.stderr, args.log_format, args.log_level, access=args.access_log, secrets=secrets)
    options = Options(
        limits=_limits(args),
        keys=keys,
        key_file=key_file,
        media_urls=args.allow_media_urls,
        hosts=_hosts(args),
        origins=tuple(args.allow_origin),
        aliases=_aliases(args.alias),
        prices=dict(args.price),
        threads=args.threads,
        secrets=secrets,
        agentstudio_pickle=args.allow_agentstudio_pickle,
        store_responses=args.store_responses,
    )
    # A port that is taken is told before models load, which may take minutes.
    with closing(bind(args.host, args.port)) as sock, ready_file(args.ready_file):
        _serve(args, options, sock, tls)
    return 0


def _serve(args: argparse.Namespace, options: Options, sock: socket.socket, tls: Tls | None) -> None:
    specs = args.spec or [read_settings(models_dir=args.models_dir).provider or "eliza"]
    sources = [Source(spec, roots_of(spec, args.models_dir) if args.reload else ()) for spec in specs]
    watch = watch_of(sources, args.isolation) if args.reload else None
    workers = _worker_options(args)
    loaded = load_isolated(specs, args.isolation, workers, replaceable=args.reload)
    models = _named(loaded, args.name)
    app = create_app(models, options)
    check_used(workers, map(app.serving.find, app.serving.names))
    reloader = reloader_of(app.serving, sources, workers, args.drain, watch)

    def on_ready() -> None:
        listed.add(app, url_of(sock, tls), tls)
        _announce(args, app, sock, tls)

    with Listed() as listed:
        serve(app, sock, on_ready=on_ready, access_log=args.access_log, tls=tls, reloader=reloader)


def _worker_options(args: argparse.Namespace) -> WorkerOptions:
    return WorkerOptions(
        workers=args.workers,
        threads=args.threads,
        queue=args.queue,
        max_batch_size=args.max_batch_size,
        batch_window=args.batch_window,
        models_dir=args.models_dir,
        timeout=args.timeout + _SPARED,
        patience=args.patience,
    )


def _limits(args: argparse.Namespace) -> Limits:
    return Limits(
        timeout=args.timeout,
        body=args.max_body,
        queue=args.queue,
        concurrent=args.concurrent,
        drain=args.drain,
    )


def _named(models: Sequence[Model], names: Sequence[str]) -> dict[str, Model]:
    if len(names) > len(models):
        raise ConfigError(f"{len(names)} names were given for {len(models)} models: give --name once for each SPEC")
    result: dict[str, Model] = {}
    for number, model in enumerate(models):
        name = names[number] if number < len(names) else model.name
        if not name.strip() or not name.isprintable():
            raise ConfigError(f"a model cannot be served as {name!r}: give a --name of letters that can be shown")
        if name in result:
            raise ConfigError(f"two models are named {name!r}: give them names of their own with --name, in order")
        result[name] = model
    return result


def _hosts(args: argparse.Namespace) -> tuple[str, ...] | None:
    """The names that a Host header may have. Where keys are demanded of everyone, any: operators' DNS is theirs."""
    allowed = tuple(args.allow_host)
    if is_loopback(args.host):
        return ("localhost", "127.0.0.1", "::1", args.host, *allowed)
    return (args.host, "localhost", "127.0.0.1", "::1", *allowed) if allowed else None


def _aliases(given: Sequence[str]) -> dict[str, str]:
    aliases = {}
    for one in given:
        alias, equals, name = one.partition("=")
        if not (alias and equals and name):
            raise ConfigError(f"--alias must be ALIAS=NAME, got {one!r}")
        aliases[alias] = name
    return aliases


def _announce(args: argparse.Namespace, app: App, sock: socket.socket, tls: Tls | None) -> None:
    if args.ready_file:
        write_ready_file(args.ready_file, sock, app, tls)
    _spare_the_collector()
    if tls is not None:
        print(f"modelport: the certificate's fingerprint is {tls.fingerprint}")
    print(_ready_line(app, url_of(sock, tls)), flush=True)


def _ready_line(app: App, url: str) -> str:
    names = app.serving.names
    return (
        f"modelport: serving {', '.join(names)} at {url} "
        f'(OpenAI clients: base_url="{url}/v1", model="{names[0]}"; Ctrl-C stops)'
    )


def _spare_the_collector() -> None:
    """What is loaded by now stays; looking through it again and again would cost each request some percent."""
    import gc

    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def _secrets() -> tuple[Secret, ...]:
    """What must not be said: the keys that models find in the environment. (Of the server's own only hashes stay.)"""
    named = [value for name, value in os.environ.items() if sounds_secret(name)]
    return tuple(Secret(value) for value in named if len(value) >= _SHORTEST_SECRET)


# --- values of options ---


def _price(given: str) -> tuple[str, tuple[float, float]]:
    """NAME=DOLLARS, or NAME=PROMPT,ANSWER: for 1,000 tokens."""
    found = re.fullmatch(r"(.+)=([0-9]*\.?[0-9]+)(?:,([0-9]*\.?[0-9]+))?", given)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{given[:100]!r} is not NAME=DOLLARS, nor NAME=PROMPT,ANSWER, for 1,000 tokens"
        )
    prompt = float(found[2])
    return found[1], (prompt, prompt if found[3] is None else float(found[3]))


def _port(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: expected 0 to 65535")
    return number


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e7:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0 and below 10000000")
    return number


def _host(text: str) -> str:
    if not re.fullmatch(r"\[?[\w.:%-]+\]?", text) or re.fullmatch(r"[^:]+:[0-9]+", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a host's name: expected one like example.org, without a port"
        )
    return text


def _origin(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]+/?|null", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an origin: expected a scheme and a host, https://example.org"
        )
    return text


def _window(text: str) -> float:
    return 0.0 if text == "0" else _seconds(text)


def _size(text: str) -> int:
    units = {"k": 1024, "m": 1024**2, "g": 1024**3}
    unit = units.get(text[-1:].lower(), 1)
    digits = text if unit == 1 else text[:-1]
    if not (digits.isascii() and digits.isdigit() and 0 < int(digits) < 1 << 40):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size: expected bytes, or a number with K, M or G")
    return int(digits) * unit
