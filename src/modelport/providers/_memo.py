"""What a client has encoded before, and what it believes a server to have. Never a stale image: see :class:`Memo`."""

import os
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable
from pathlib import Path, PurePath
from threading import Lock
from typing import Any, TypeAlias
from weakref import ref

from xxhash import xxh3_128_digest

from modelport.dialects.port import EncodedPart, encode_part, pil_facts
from modelport.media import is_array, is_pil

__all__ = ("Beliefs", "Memo")

_SETTLED = 2 * 10**9  # ns; a file changed within so short a time may change again under the same time stamp
_SEED = int.from_bytes(os.urandom(8), "big")
_QUICK = 64 * 1024  # bytes of an image that may be encoded where the event loop runs

Fingerprint: TypeAlias = tuple[Any, bytes]


class _Entry:
    __slots__ = ("fingerprint", "image", "part", "size")

    def __init__(self, image: Any, part: EncodedPart, fingerprint: Fingerprint | None = None) -> None:
        self.image = image  # a weak reference, or the image itself where it takes none
        self.part = part
        self.fingerprint = fingerprint  # of what a changeable image held when it was encoded
        self.size = part.size


class Memo:
    """Encoded images, the latest *most* bytes of them. To be used from any thread.

    An image that cannot change (text, bytes, a read-only array) is known by what it is. One that can (a writable array,
    a PIL image: an agent may use one frame buffer over and over) is read again, every byte of it, and known by 128 bits
    of XXH3 with a seed that nobody outside this process knows. A file is known by its path, size, inode and time of
    change, once that time is two seconds past. An array counts as read-only if it, and every array that it is a view
    of, says so.
    """

    def __init__(self, most: int = 256 * 1024 * 1024) -> None:
        self._most = most
        self._size = 0
        self._entries: OrderedDict[Any, _Entry] = OrderedDict()
        self._lock = Lock()

    def is_quick(self, image: Any) -> bool:
        """Whether :meth:`encode` takes less than a hop to another thread."""
        if isinstance(image, str | bytes):
            return len(image) < _QUICK or image in self._entries
        return is_array(image) and (int(image.nbytes) < _QUICK or (self.is_known(image) and _is_frozen(image)))

    def is_known(self, image: Any) -> bool:
        """Whether *image* was encoded before, though perhaps with other content."""
        return id(image) in self._entries

    def encode(self, image: Any) -> EncodedPart:
        """The part for *image* as it is now.

        Raises:
            InvalidRequest: it cannot be read, or cannot be sent.
        """
        if isinstance(image, PurePath):
            return self._file(image)
        if (is_array(image) and not _is_frozen(image)) or is_pil(image):
            return self._changeable(image)
        # Text and bytes are known by their value, so that those read anew each turn are known as well.
        key = image if type(image) in {str, bytes} else id(image)
        entry = self._find(key, image)
        if entry is not None and entry.fingerprint is None:
            return entry.part
        part = encode_part(image)
        self._keep(key, _Entry(self._hold(key, image), part))
        return part

    def _changeable(self, image: Any) -> EncodedPart:
        key, before = id(image), _fingerprint(image)
        entry = self._find(key, image)
        if entry is not None and entry.fingerprint == before:
            return entry.part
        part = encode_part(image)
        if _fingerprint(image) == before:  # else somebody wrote meanwhile, and this part is of neither state
            self._keep(key, _Entry(self._hold(key, image), part, before))
        return part

    def _file(self, path: PurePath) -> EncodedPart:
        try:
            status = Path(path).stat()
        except (OSError, ValueError):
            return encode_part(path)  # which tells what is wrong
        key = (str(path), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        entry = self._find(key, path)
        if entry is not None:
            return entry.part
        settled = time.time_ns() - status.st_mtime_ns > _SETTLED  # asked before it is read
        part = encode_part(path)
        if settled:
            self._keep(key, _Entry(path, part))
        return part

    def _hold(self, key: Any, image: Any) -> Any:
        try:
            return ref(image, lambda gone: self._forget(key, gone))
        except TypeError:  # text and bytes
            return image

    def _find(self, key: Any, image: Any) -> _Entry | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
        if isinstance(entry.image, ref) and entry.image() is not image:
            return None  # another image had this one's id
        return entry

    def _keep(self, key: Any, entry: _Entry) -> None:
        with self._lock:
            self._drop(self._entries.pop(key, None))
            self._entries[key] = entry
            self._size += entry.size
            while self._size > self._most:
                self._drop(self._entries.popitem(last=False)[1])

    def _drop(self, entry: _Entry | None) -> None:
        if entry is not None:
            self._size -= entry.size

    def _forget(self, key: Any, gone: Any) -> None:
        # Called by the garbage collector, perhaps in a thread that is in here already: what is held is left to age.
        if not self._lock.acquire(blocking=False):
            return
        try:
            entry = self._entries.get(key)
            if entry is not None and entry.image is gone:
                self._drop(self._entries.pop(key))
        finally:
            self._lock.release()


def _is_frozen(image: Any) -> bool:
    while is_array(image):
        if image.flags.writeable:
            return False
        image = image.base
    return image is None or type(image) is bytes


def _fingerprint(image: Any) -> Fingerprint:
    """What tells an image's content, as it is now, from any other."""
    if is_pil(image):
        return pil_facts(image), xxh3_128_digest(image.tobytes(), _SEED)
    import numpy as np

    # As bytes and not as numbers: a NaN is equal to itself here, and 0.0 is not -0.0.
    pixels: Any = np.ascontiguousarray(image).reshape(-1).view(np.uint8) if image.size else b""
    return (image.dtype.str, image.shape), xxh3_128_digest(pixels, _SEED)


class Beliefs:
    """Which parts the server is believed to have: those sent or named in the last *seconds*, at most *most* of them."""

    def __init__(self, *, seconds: float = 600.0, most: int = 4096) -> None:
        self._seconds = seconds
        self._most = most
        self._last: OrderedDict[bytes, float] = OrderedDict()
        self._lock = Lock()

    def among(self, digests: Iterable[bytes]) -> set[bytes]:
        """Those of *digests* that the server is believed to have."""
        since = time.monotonic() - self._seconds
        with self._lock:
            return {digest for digest in digests if self._last.get(digest, 0.0) > since}

    def add(self, digests: Iterable[bytes]) -> None:
        """The server has just had these."""
        now = time.monotonic()
        with self._lock:
            for digest in digests:
                self._last[digest] = now
                self._last.move_to_end(digest)
            while len(self._last) > self._most:
                self._last.popitem(last=False)

    def remove(self, digests: Collection[bytes]) -> None:
        """The server said that it has none of these."""
        with self._lock:
            for digest in digests:
                self._last.pop(digest, None)
