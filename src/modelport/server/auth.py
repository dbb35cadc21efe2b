"""Who may ask: API keys, the Host allow-list and the Origin check. One function each, for every route alike.

Listening on loopback is no protection by itself: a web page may name this machine (DNS rebinding, which the Host check
ends) or post to it from a browser (which the Origin check ends).
"""

import hashlib
import hmac
import ipaddress
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from modelport.errors import ConfigError, Forbidden, Unauthorized

__all__ = ("KEYS_VARIABLE", "Gate", "Keys", "is_loopback", "read_keys")

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
KEYS_VARIABLE = "MODELPORT_API_KEYS"


class Keys:
    """The API keys that are known, each under a name; only their hashes are kept."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._hashes = {name: _hash(key.encode()) for name, key in keys.items()}

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def check(self, headers: Mapping[bytes, bytes]) -> str | None:
        """The name of the key that came, as Bearer token or as x-api-key; None where no key is asked for.

        Raises:
            Unauthorized: none came, an unknown one, or two that differ.
        """
        if not self._hashes:
            return None
        came = set(_presented(headers))
        if not came:
            raise Unauthorized("an API key is needed: send it as 'Authorization: Bearer KEY' or as 'x-api-key: KEY'")
        if len(came) > 1:
            raise Unauthorized("two different API keys came: send one")
        digest = _hash(came.pop())
        found = None
        for name, known in self._hashes.items():  # all of them, so that the time tells nothing
            if hmac.compare_digest(known, digest):
                found = name
        if found is None:
            raise Unauthorized("the API key is not known here: check it, or ask whoever runs this server for one")
        return found


def _presented(headers: Mapping[bytes, bytes]) -> Iterable[bytes]:
    authorization = headers.get(b"authorization")
    if authorization is not None:
        scheme, _, token = authorization.strip().partition(b" ")
        if scheme.lower() == b"bearer" and token.strip():
            yield token.strip()
    plain = headers.get(b"x-api-key", b"").strip()
    if plain:
        yield plain


def _hash(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def read_keys(path: str | None) -> dict[str, str]:
    """The keys of a file (one a line, as ``name:key`` or ``key``; ``#`` begins a comment) and of MODELPORT_API_KEYS.

    Raises:
        ConfigError: the file cannot be read, holds no key, or names two keys alike.
    """
    keys: dict[str, str] = {}
    if path is not None:
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the API key file {path} cannot be read: {error}") from None
        for line in lines:
            _add_key(keys, line, path)
        if not keys:
            raise ConfigError(f"the API key file {path} holds no key: write one a line, as name:key")
    for entry in os.environ.get(KEYS_VARIABLE, "").split(","):
        _add_key(keys, entry, KEYS_VARIABLE)
    return keys


def _add_key(keys: dict[str, str], line: str, where: str) -> None:
    line = line.strip()
    if not line or line.startswith("#"):
        return
    name, colon, key = line.partition(":")
    if not colon:
        name, key = f"key-{len(keys) + 1}", line
    name, key = name.strip(), key.strip()
    if not key:
        raise ConfigError(f"{where}: the key named {name!r} is empty")
    if name in keys:
        raise ConfigError(f"{where}: two keys are named {name!r}: give each a name of its own")
    keys[name] = key


def is_loopback(host: str) -> bool:
    """Whether listening on *host* can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Gate:
    """Which Host and Origin headers are let through.

    *hosts* are the names, without ports, that this server goes by; None lets any through, which is right only where
    every caller must show a key. *origins* are those of web pages that may use it, as ``https://example.org``; pages
    that it serves itself may always.
    """

    def __init__(self, hosts: Iterable[str] | None = _LOOPBACK, origins: Iterable[str] = ()) -> None:
        self._hosts = None if hosts is None else frozenset(host.lower().strip("[]").encode() for host in hosts)
        self._origins = frozenset(origin.lower().rstrip("/").encode() for origin in origins)
        self._seen: set[bytes] = set()  # Host headers found good already

    def check(self, headers: Mapping[bytes, bytes], scheme: str, *, hosts: int) -> None:
        """Let a request through by its headers; *hosts* is how many Host headers it had.

        Raises:
            Forbidden: it names another host, or comes from another site's page.
        """
        host = headers.get(b"host", b"")
        if host not in self._seen or hosts != 1:
            self._check_host(host, hosts)
        origin = headers.get(b"origin")
        if origin is not None and origin.lower() not in self._origins:
            own = scheme.encode() + b"://" + host.lower()
            if origin.lower() != own:
                raise Forbidden(
                    f"requests from pages of {_shown(origin)} are not taken: "
                    "allow it with --allow-origin if they should be"
                )

    def _check_host(self, host: bytes, hosts: int) -> None:
        if hosts > 1:
            raise Forbidden("a request must have one Host header, got more")
        if self._hosts is None:
            return
        name = _host_name(host)
        if name not in self._hosts:
            known = ", ".join(sorted(each.decode() for each in self._hosts))
            raise Forbidden(
                f"this server does not go by the name {_shown(host)} (it goes by: {known}): "
                "allow it with --allow-host if it should"
            )
        if len(self._seen) < 64:
            self._seen.add(host)


def _host_name(host: bytes) -> bytes:
    """The header's value without its port, in lower case; IPv6 addresses without brackets."""
    host = host.strip().lower()
    if host.startswith(b"["):
        name, bracket, port = host[1:].partition(b"]")
        good = bracket and (not port or (port[:1] == b":" and port[1:].isdigit()))
    else:
        name, colon, port = host.partition(b":")
        good = not colon or port.isdigit()
    return name if good else b""


def _shown(value: bytes) -> str:
    return repr(value[:100].decode("latin-1"))
