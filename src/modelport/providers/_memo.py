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

__all__ = ("Beliefs", "Memo")

_SETTLED = 2 * 10**9  # ns; a file changed within so short a time may change again under the same time stamp
_QUICK = 64 * 1024  # bytes of an image that may be encoded where the event loop runs


class _Entry:
    __slots__ = ("image", "lock", "part", "size", "snapshot")

    def __init__(self, image: Any, part: EncodedPart, snapshot: Any = None) -> None:
        self.image = image  # a weak reference, or the image itself where it takes none
        self.part = part
        self.snapshot = snapshot  # what a changeable image held when it was encoded
        self.size = part.size + (0 if snapshot is None else snapshot.nbytes)
        self.lock = Lock()  # held while the snapshot is compared or changed


class Memo:
    """Encoded images, the latest *most* bytes of them. To be used from any thread.

    An image that cannot change (text, bytes, a read-only array) is known by what it is. One that can (a writable array,
    a PIL image: an agent may use one frame buffer over and over) is compared, every byte of it, with a copy of what it
    held when it was encoded. A file is known by its path, size, inode and time of change, once that time is two seconds
    past. An array counts as read-only if it, and every array that it is a view of, says so.
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
        if entry is not None and entry.snapshot is None:
            return entry.part
        part = encode_part(image)
        self._keep(key, _Entry(self._hold(key, image), part))
        return part

    def _changeable(self, image: Any) -> EncodedPart:
        key = id(image)
        entry = self._find(key, image)
        if entry is not None and entry.snapshot is not None:
            with entry.lock:
                if not entry.snapshot.catch_up(image):
                    # The copy is what is encoded, so it is the truth about what is sent, whoever writes meanwhile.
                    entry.part = encode_part(entry.snapshot.image)
                    self._weigh(key, entry)
                return entry.part
        snapshot = _ArrayCopy(image) if is_array(image) else _PictureCopy(image)
        part = encode_part(snapshot.image)
        self._keep(key, _Entry(self._hold(key, image), part, snapshot))
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

    def _weigh(self, key: Any, entry: _Entry) -> None:
        size = entry.part.size + int(entry.snapshot.nbytes)
        with self._lock:
            if self._entries.get(key) is entry:
                self._size += size - entry.size
            entry.size = size

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


class _ArrayCopy:
    __slots__ = ("image", "nbytes")

    def __init__(self, array: Any) -> None:
        self.image = array.copy(order="C")
        self.nbytes = int(self.image.nbytes)

    def catch_up(self, array: Any) -> bool:
        """Whether *array* is what it was; if not, the copy is now what it is."""
        import numpy as np

        copy = self.image
        if array.dtype != copy.dtype or array.shape != copy.shape:
            self.__init__(array)  # type: ignore[misc]
            return False
        if not array.size:
            return True
        # As bytes and not as numbers: a NaN is equal to itself here, and 0.0 is not -0.0. The widest items are fastest.
        width = np.uint64 if array.nbytes % 8 == 0 else np.uint8
        ours = np.ascontiguousarray(array).reshape(-1).view(np.uint8).view(width)
        # In one go, during which other threads run; stride by stride is quicker alone, and slower beside them.
        if np.array_equal(ours, copy.reshape(-1).view(np.uint8).view(width)):
            return True
        np.copyto(copy, array)  # into memory that is there, which is much cheaper than new memory
        return False


class _PictureCopy:
    __slots__ = ("_facts", "_pixels", "image", "nbytes")

    def __init__(self, image: Any) -> None:
        self.image = image.copy()
        self._facts, self._pixels = pil_facts(self.image), self.image.tobytes()
        self.nbytes = 2 * len(self._pixels)

    def catch_up(self, image: Any) -> bool:
        """As an array's."""
        if pil_facts(image) == self._facts and image.tobytes() == self._pixels:
            return True
        self.__init__(image)  # type: ignore[misc]
        return False


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
