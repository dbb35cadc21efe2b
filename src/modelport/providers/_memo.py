"""What a client has encoded before, and what it believes a server to have. Never a stale image: see :class:`Memo`."""

import time
from collections import OrderedDict
from collections.abc import Collection, Iterable
from pathlib import Path, PurePath
from threading import Lock
from typing import Any
from weakref import ref

from modelport.dialects.port import EncodedPart, encode_part, pil_facts
from modelport.media import is_array, is_pil

__all__ = ("Beliefs", "Memo", "is_quick")

_SETTLED = 2 * 10**9  # ns; a file changed within so short a time may change again under the same time stamp
_QUICK = 64 * 1024  # bytes of an image that may be encoded where the event loop runs


def is_quick(image: Any) -> bool:
    """Whether encoding *image* takes less than a hop to another thread."""
    if isinstance(image, str | bytes):
        return len(image) < _QUICK
    return is_array(image) and int(image.nbytes) < _QUICK


class _Entry:
    __slots__ = ("image", "part", "size", "snapshot")

    def __init__(self, image: Any, part: EncodedPart, snapshot: Any) -> None:
        self.image = image  # a weak reference, or the image itself where it takes none
        self.part = part
        self.snapshot = snapshot  # what a changeable image held when it was encoded
        self.size = part.size + (0 if snapshot is None else _bytes_of(snapshot))


class Memo:
    """Encoded images, the latest *most* bytes of them. To be used from any thread.

    An image that cannot change (text, bytes, a read-only array) is known by what it is. One that can (a writable array,
    a PIL image: an agent may use one frame buffer over and over) is compared, all of it, with a copy of what it held
    when it was encoded. A file is known by its path, size, inode and time of change, once that time is two seconds
    past. An array counts as read-only if it, and every array that it is a view of, says so.
    """

    def __init__(self, most: int = 256 * 1024 * 1024) -> None:
        self._most = most
        self._size = 0
        self._entries: OrderedDict[Any, _Entry] = OrderedDict()
        self._lock = Lock()

    def encode(self, image: Any) -> EncodedPart:
        """The part for *image* as it is now.

        Raises:
            InvalidRequest: it cannot be read, or cannot be sent.
        """
        if isinstance(image, PurePath):
            return self._file(image)
        if is_array(image):
            return self._array(image) if not _is_frozen(image) else self._frozen(id(image), image, weak=True)
        if is_pil(image):
            return self._pil(image)
        if type(image) in {str, bytes}:
            return self._frozen(image, image, weak=False)
        return encode_part(image)

    def _frozen(self, key: Any, image: Any, *, weak: bool) -> EncodedPart:
        entry = self._find(key, image)
        if entry is not None and entry.snapshot is None:
            return entry.part
        return self._keep(key, image, encode_part(image), None, weak=weak)

    def _array(self, array: Any) -> EncodedPart:
        import numpy as np

        entry = self._find(id(array), array)
        if entry is not None and entry.snapshot is not None and _same(array, entry.snapshot):
            return entry.part
        # The copy is what is encoded, so that it is the truth about what was sent whatever happens to the array.
        snapshot = array.copy(order="C") if type(array) is np.ndarray else None
        return self._keep(id(array), array, encode_part(array if snapshot is None else snapshot), snapshot)

    def _pil(self, image: Any) -> EncodedPart:
        entry = self._find(id(image), image)
        facts = (*pil_facts(image), image.tobytes())
        if entry is not None and entry.snapshot == facts:
            return entry.part
        return self._keep(id(image), image, encode_part(image), facts)

    def _file(self, path: PurePath) -> EncodedPart:
        try:
            status = Path(path).stat()
        except (OSError, ValueError):
            return encode_part(path)  # which tells what is wrong
        key = ("file", str(path), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        entry = self._find(key, path)
        if entry is not None:
            return entry.part
        settled = time.time_ns() - status.st_mtime_ns > _SETTLED  # asked before it is read
        part = encode_part(path)
        return self._keep(key, path, part, None, weak=False) if settled else part

    def _find(self, key: Any, image: Any) -> _Entry | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
        if isinstance(entry.image, ref) and entry.image() is not image:
            return None
        return entry

    def _keep(self, key: Any, image: Any, part: EncodedPart, snapshot: Any, *, weak: bool = True) -> EncodedPart:
        if weak and (snapshot is not None or _is_frozen(image)):
            held: Any = ref(image, lambda gone: self._forget(key, gone))
        elif weak:
            return part
        else:
            held = image
        entry = _Entry(held, part, snapshot)
        with self._lock:
            self._drop(self._entries.pop(key, None))
            if entry.size <= self._most:
                self._entries[key] = entry
                self._size += entry.size
            while self._size > self._most:
                self._drop(self._entries.popitem(last=False)[1])
        return part

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


def _same(array: Any, snapshot: Any) -> bool:
    import numpy as np

    if array.dtype != snapshot.dtype or array.shape != snapshot.shape:
        return False
    if not array.size:
        return True
    # As bytes and not as numbers: a NaN is equal to itself here, and 0.0 is not -0.0. The widest items are the fastest.
    ours, theirs = np.ascontiguousarray(array).reshape(-1), snapshot.reshape(-1)
    width = np.uint64 if array.nbytes % 8 == 0 else np.uint8
    return bool(np.array_equal(ours.view(np.uint8).view(width), theirs.view(np.uint8).view(width)))


def _bytes_of(snapshot: Any) -> int:
    return int(snapshot.nbytes) if is_array(snapshot) else len(snapshot[-1])


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
