"""Every bound that the server keeps, in one value. Knows nothing of who keeps them."""

from msgspec import Struct

__all__ = ("Limits",)


class Limits(Struct, frozen=True, kw_only=True):
    """Sizes are in bytes, times in seconds. Nothing that a caller sends is unbounded."""

    body: int = 64 * 1024 * 1024
    messages: int = 4096
    parts: int = 4096  # content parts of one message
    tools: int = 256
    schema: int = 256 * 1024  # one JSON Schema, as compact JSON
    depth: int = 64  # containers within containers, of a schema and of whatever else is free in form
    media: int = 20 * 1024 * 1024  # one image that is fetched for a request
    media_count: int = 16  # images that are fetched for one request
    media_time: float = 10.0  # for each of them
    nodes: int = 1_000_000  # values in one JSON body
    stops: int = 16
    stop_length: int = 256  # characters

    connections: int = 16_384  # open at once; those that ask nothing make room
    concurrent: int = 1024  # exchanges at once, over all models
    wrong_keys: int = 30  # API keys that are not known, from one address in a minute
    queue: int = 64  # calls waiting for one model that is called one at a time
    backlog: int = 4 * 1024 * 1024  # of one stream whose reader is slow, for models that are called one at a time

    timeout: float = 600.0  # for one answer; a caller may ask for less
    first_event: float = 2.0  # the status line waits so long for an answer to begin
    keep_alive: float = 15.0  # a quiet stream gets a comment after so long
    read: float = 30.0  # for a request's headers, and again for each piece of its body
    idle: float = 65.0  # a connection that asks nothing for so long is closed
    stall: float = 60.0  # a reader that takes next to nothing for so long is dropped
    handshake: float = 5.0  # for the beginning of TLS
    drain: float = 30.0  # on the way down, answers get so long to end
