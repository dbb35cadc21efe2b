"""Who may ask: API keys, the Host allow-list and the Origin check. One function each, for every route alike.

Listening on loopback is no protection by itself: a web page may name this machine (DNS rebinding, which the Host check
ends) or post to it from a browser (which the Origin check ends).
"""

import asyncio
import hashlib
import ipaddress
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from modelport.errors import ConfigError, Forbidden, Overloaded, Unauthorized
from modelport.server.quotas import Caller
from modelport.server.strangers import Strangers
from modelport.storage.api_keys import KeyFile, StoredKey, digest_of
from modelport.sync import offload

__all__ = ("KEYS_VARIABLE", "Gate", "Keys", "is_loopback", "read_keys")

logger: logging.Logger = logging.getLogger(__name__)

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_FRESH = 1.0  # seconds for which what was read of a key file is good
KEYS_VARIABLE = "MODELPORT_API_KEYS"


class Keys:
    """The API keys that are known, each with its holder; only their hashes are kept.

    Of an address, *wrong* unknown keys are looked at in a minute.

    Those of *file* are read again when a request comes and they are older than a second: who was revoked is refused
    from then on. While the file cannot be read, nobody is let in. Where there was a key to ask for at the start, one is
    asked for until the end, whatever becomes of the file.

    Raises:
        ConfigError: the file cannot be read.
    """

    def __init__(
        self,
        keys: Mapping[str, str],
        file: KeyFile | None = None,
        *,
        wrong: int = 30,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._salt = secrets.token_bytes(32)
        self._saving: asyncio.TimerHandle | None = None
        self._given = {self._mark(digest_of(key.encode())): Caller(name) for name, key in keys.items()}
        self._file = file
        self._strangers = Strangers(wrong, clock=clock)
        self._clock = clock
        self._known: dict[bytes, Caller] = dict(self._given)
        self._digests: dict[bytes, bytes] = {}  # of the file's keys
        self._read_at = clock()
        self._reading: asyncio.Task[bool] | None = None
        self._failing = False
        if file is not None:
            self._take(file.read())

    def __bool__(self) -> bool:
        return self._file is not None or bool(self._given)

    @property
    def are_old(self) -> bool:
        """Whether :meth:`refresh` must be awaited before :meth:`check`."""
        return self._file is not None and self._clock() - self._read_at >= _FRESH

    async def refresh(self) -> None:
        """Read the file again; once, however many wait for it.

        Raises:
            Overloaded: it cannot be read. The log says why.
        """
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read_again())
        if not await asyncio.shield(self._reading):
            raise Overloaded("API keys cannot be checked just now: try again in a moment", retry_after=1.0)

    async def aclose(self) -> None:
        """Keep what was spent."""
        if self._saving is not None:
            self._saving.cancel()
            self._saving = None
        if self._reading is not None:
            await asyncio.shield(self._reading)
        if self._to_keep():
            with suppress(Overloaded):
                await self.refresh()

    def _save_soon(self) -> None:
        """Something was spent: keep it within a second, with what else is spent until then."""
        if self._saving is None:
            self._saving = asyncio.get_running_loop().call_later(_FRESH, self._save)

    def _save(self) -> None:
        self._saving = None
        if self._reading is not None:
            self._save_soon()
        elif self._to_keep():
            self._reading = asyncio.get_running_loop().create_task(self._read_again())

    def _to_keep(self) -> dict[bytes, tuple[str, float]]:
        """What was spent and is not in the file, by the digests of the keys."""
        known = self._known
        unkept = {digest: known[mark].unkept for mark, digest in self._digests.items() if mark in known}
        return {digest: amount for digest, amount in unkept.items() if amount[1]}

    async def _read_again(self) -> bool:
        began = self._clock()
        amounts = self._to_keep()
        try:
            stored = await offload(partial(self._read, amounts))
        finally:
            self._reading = None
        if stored is None:
            if amounts:
                self._save_soon()
            return False
        self._take(stored, amounts)
        self._read_at = began
        return True

    def _read(self, amounts: Mapping[bytes, tuple[str, float]]) -> Sequence[StoredKey] | None:
        """What the file holds, *amounts* added; None where that fails. Runs in a thread, where disks may be slow."""
        assert self._file is not None
        try:
            if amounts:
                self._file.spend(amounts)
            stored = self._file.read()
        except Exception:
            if not self._failing:
                logger.exception("the API keys cannot be read again: nobody is let in until they can")
            self._failing = True
            return None
        self._failing = False
        return stored

    def _take(self, stored: Iterable[StoredKey], added: Mapping[bytes, tuple[str, float]] | None = None) -> None:
        """What is known from now on; of a key that was known, what was taken on it stays counted."""
        known = dict(self._given)
        self._digests = {}
        for key in stored:
            mark = self._mark(key.digest)
            caller = self._known.get(mark)
            if caller is None or (caller.name, caller.limits) != (key.name, key.limits):
                caller = Caller(key.name, key.limits)
                caller.on_spent = self._save_soon
            caller.keep(key.spent, (added or {}).get(key.digest, ("", 0.0))[1])
            self._digests[mark] = key.digest
            known.setdefault(mark, caller)
        self._known = known

    def _mark(self, digest: bytes) -> bytes:
        """What a key is found by. Nobody outside knows the salt, so how long finding takes tells nothing about keys."""
        return hashlib.blake2b(digest, key=self._salt, digest_size=32).digest()

    def check(
        self,
        headers: Mapping[bytes, bytes],
        given: Iterable[tuple[bytes, bytes]] | None = None,
        address: str | None = None,
    ) -> Caller | None:
        """Whose key came, as Bearer token or as x-api-key; None where no key is asked for.

        *given* has every header, where one came more than once; *address* is the peer's, where it is known.

        Raises:
            Unauthorized: none came, an unknown or an expired one, or two that differ.
            RateLimited: too many unknown ones came from *address*.
        """
        if not self:
            return None
        came = set(_presented(headers.items() if given is None else given))
        if not came:
            raise Unauthorized("an API key is needed: send it as 'Authorization: Bearer KEY' or as 'x-api-key: KEY'")
        if len(came) > 1:
            raise Unauthorized("two different API keys came: send one")
        mark = self._mark(digest_of(came.pop()))
        if address is not None:
            self._strangers.check(address, mark)
        caller = self._known.get(mark)
        if caller is None:
            if address is not None:
                self._strangers.wrong(address)
            raise Unauthorized("the API key is not known here: check it, or ask whoever runs this server for one")
        if caller.limits.expires is not None and time.time() >= caller.limits.expires:
            raise Unauthorized(f"the API key {caller.name!r} has expired: ask whoever runs this server for another")
        if address is not None:
            self._strangers.right(address, mark)
        return caller


def _presented(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[bytes]:
    for name, value in headers:
        if name == b"authorization":
            scheme, _, token = value.strip().partition(b" ")
            if scheme.lower() == b"bearer" and token.strip():
                yield token.strip()
        elif name == b"x-api-key" and value.strip():
            yield value.strip()


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
