"""Any data as MessagePack and back, images included. Never pickles; knows no files of its own and no journal.

Images keep their kind: an array comes back as an array, a PIL image as a PIL image, and an image's file that a ``Path``
names as the file's bytes, for the file may be gone when they are asked for. What is no data at all (a lock, a client)
is kept as :class:`NotSaved`: text that says what it was.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any, NamedTuple, Self

from msgspec import Raw
from msgspec.msgpack import Decoder, Encoder, Ext

from modelport.media import MOST_BYTES, ImageFile, is_array, is_pil, media_type_of

__all__ = ("Encoded", "NotSaved", "decode", "encode", "with_files")

_ARRAY, _PIL, _FILE, _PATH, _NOT_SAVED, _BIG, _BROKEN_TEXT = range(1, 8)
_DEEPEST = 100
_LONGEST = 2000  # characters kept of what is no data
_INTEGERS = range(-(2**63), 2**64)


class NotSaved(str):
    """Text in the place of an object that is no data; ``kind`` is the name of the object's type."""

    __slots__ = ("kind",)
    kind: str

    def __new__(cls, text: str, kind: str = "object") -> Self:
        """*text* is what shows."""
        self = super().__new__(cls, text)
        self.kind = kind
        return self


class _NoDataError(TypeError):
    pass


# --- there ------------------------------------------------------------------------------------------------------------


class Encoded(NamedTuple):
    """Data as bytes."""

    data: bytes
    not_saved: tuple[str, ...] = ()  # what of it is kept as text only: ``context.lock: a _thread.lock``
    has_paths: bool = False  # whether ``with_files`` may find something


def encode(value: Any) -> Encoded:
    """*value* as it is now. Reads no file: a ``Path`` stays one until :func:`with_files`."""
    _met.paths = False
    not_saved: list[str] = []
    try:
        data = _encode(value)
    except Exception:  # msgspec's own, and whatever a user's object raises while it is looked at
        data = _encode(_Plain(not_saved)(value, ""))
    return Encoded(data, tuple(not_saved), _met.paths)


def with_files(data: bytes) -> bytes:
    """Encoded *data* with the image files that it names by ``Path`` in their places; those that can be read."""
    return _encode_with_files(_decode_paths(data))


class _Met(threading.local):
    paths = False


_met = _Met()


def _as_data(value: Any) -> Any:
    """What stands for an object that MessagePack has no form for."""
    if is_array(value):
        if value.shape == () and not value.dtype.hasobject:
            return value.item()
        if value.dtype.hasobject or value.dtype.names is not None:
            raise _NoDataError
        return Ext(_ARRAY, _with_head((value.dtype.str, list(value.shape)), value.tobytes()))
    if is_pil(value):
        palette = value.getpalette() if value.mode == "P" else None
        return Ext(_PIL, _with_head((value.mode, list(value.size), palette), value.tobytes()))
    if isinstance(value, PurePath):
        _met.paths = True
        return Ext(_PATH, str(value).encode("utf-8", "surrogatepass"))
    if isinstance(value, NotSaved):
        return Ext(_NOT_SAVED, _encode((value.kind, str(value))))
    if isinstance(value, str):  # of a class of its own
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        return dump()
    raise _NoDataError


def _file_as_data(value: Any) -> Any:
    if not isinstance(value, PurePath):
        return _as_data(value)
    kind, data = None, b""
    with suppress(OSError, ValueError), Path(value).open("rb") as file:
        kind = media_type_of(file.read(16))
        if kind is not None:
            file.seek(0)
            data = file.read(MOST_BYTES + 1)
    if not data or len(data) > MOST_BYTES:
        return _as_data(value)
    return Ext(_FILE, _with_head((value.name, kind), data))


def _with_head(head: tuple[Any, ...], data: bytes) -> bytes:
    encoded = _encode(head)
    return len(encoded).to_bytes(4, "big") + encoded + data


_encode: Callable[[Any], bytes] = Encoder(enc_hook=_as_data).encode
_encode_with_files: Callable[[Any], bytes] = Encoder(enc_hook=_file_as_data).encode


class _Plain:
    """Makes data of what is none, part by part, and notes what was lost."""

    def __init__(self, not_saved: list[str]) -> None:
        self._not_saved = not_saved

    def __call__(self, value: Any, where: str, depth: int = 0) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value if value in _INTEGERS else Ext(_BIG, hex(value).encode())
        if isinstance(value, Mapping | list | tuple | set | frozenset) and depth > _DEEPEST:
            return self._lost(value, where)
        if isinstance(value, Mapping):
            return {
                self._key(key, where): self(item, f"{where}.{key!s:.100}" if where else f"{key!s:.100}", depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self(item, f"{where}[{number}]", depth + 1) for number, item in enumerate(value)]
        try:
            return Raw(_encode(value))
        except Exception:
            return self._lost(value, where)

    def _text(self, value: str) -> Any:
        try:
            value.encode()
        except UnicodeEncodeError:  # half a character
            return Ext(_BROKEN_TEXT, value.encode("utf-8", "surrogatepass"))
        return Raw(_encode(value)) if type(value) is not str else value

    def _key(self, key: Any, where: str) -> Any:
        if isinstance(key, str):
            return key.encode("utf-8", "backslashreplace").decode()
        if key is None or isinstance(key, bool | float | bytes) or (isinstance(key, int) and key in _INTEGERS):
            return key
        self._not_saved.append(f"a key of {where or 'the entry'}: a {_name(key)}")
        return f"{_shown(key)}"

    def _lost(self, value: Any, where: str) -> Ext:
        self._not_saved.append(f"{where or 'the entry'}: a {_name(value)}")
        text = f"[a {_name(value)} that could not be saved: {_shown(value)}]"
        return Ext(_NOT_SAVED, _encode((_name(value), text)))


def _name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception as error:
        text = f"its repr() raised {type(error).__name__}"
    return text.encode("utf-8", "backslashreplace").decode()[:_LONGEST]


# --- and back ---------------------------------------------------------------------------------------------------------


def _from_extension(code: int, data: memoryview) -> Any:
    if code == _BIG:
        return int(bytes(data), 16)
    if code == _BROKEN_TEXT:
        return str(data, "utf-8", "surrogatepass")
    if code == _PATH:
        return Path(str(data, "utf-8", "surrogatepass"))
    if code == _NOT_SAVED:
        kind, text = decode(data)
        return NotSaved(text, kind)
    if code in {_ARRAY, _PIL, _FILE}:
        end = 4 + int.from_bytes(data[:4], "big")
        return _IMAGES[code](data[end:], *decode(data[4:end]))
    raise ValueError(f"there is no extension {code}")


def _file(data: memoryview, name: str, media_type: str | None) -> ImageFile:
    return ImageFile(bytes(data), name, media_type)


def _array(data: memoryview, dtype: str, shape: list[int]) -> Any:
    import numpy as np

    return np.frombuffer(data, np.dtype(dtype)).reshape(shape).copy()


def _pil(data: memoryview, mode: str, size: list[int], palette: list[int] | None) -> Any:
    from PIL import Image

    image = Image.frombytes(mode, (size[0], size[1]), bytes(data))
    if palette is not None:
        image.putpalette(palette)
    return image


_IMAGES: dict[int, Callable[..., Any]] = {_ARRAY: _array, _PIL: _pil, _FILE: _file}


def _only_paths(code: int, data: memoryview) -> Any:
    return _from_extension(code, data) if code == _PATH else Ext(code, bytes(data))


_decode_paths: Callable[..., Any] = Decoder(ext_hook=_only_paths).decode
decode: Callable[..., Any] = Decoder(ext_hook=_from_extension).decode
"""What :func:`encode` was given, from its bytes.

Raises:
    msgspec.MsgspecError, ValueError: these are not such bytes.
    ImportError: there is an image in it that NumPy or Pillow must hold, and that is not installed.
"""
