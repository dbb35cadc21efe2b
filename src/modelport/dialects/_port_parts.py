"""One media part of the ``port`` wire: an image as bytes that tell what they are, named by their own SHA-256.

A payload is the length of its head (two bytes, big endian), the head (msgpack: what this is), and the data, raw pixels
as zstd where that is shorter. Everything declared is checked before anything is unpacked, and again while it is.
Arrays come out read-only: a part that a server keeps is given to every request that names it.
"""

import hashlib
import sys
from math import prod
from pathlib import PurePath
from typing import Any, Literal

import msgspec
from msgspec import Struct, ValidationError

from modelport.errors import InvalidRequest, ModelError, RequestTooLarge
from modelport.media import ImageFile, is_array, is_pil, media_type_of, read_file

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ("MOST_PART", "DecodedPart", "EncodedPart", "decode_part", "encode_part", "pil_facts")

MOST_PART = 256 * 1024 * 1024  # bytes of one part, unpacked

_WORTH_PACKING = 256  # shorter data is sent as it is
_KINDS = "biufc"  # NumPy's bool, int, uint, float and complex
_ITEM_SIZES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "c": (8, 16)}
_MOST_DIMENSIONS = 32

# Bytes a pixel of each mode of a PIL image; "1" packs eight pixels into a byte, row by row.
_MODES = {
    **dict.fromkeys(("L", "P"), 1),
    **dict.fromkeys(("LA", "PA", "La", "I;16", "I;16L", "I;16B"), 2),
    **dict.fromkeys(("RGB", "YCbCr", "LAB", "HSV"), 3),
    **dict.fromkeys(("RGBA", "RGBa", "RGBX", "CMYK", "I", "F"), 4),
}


class _Head(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    kind: Literal["array", "pil", "file", "bytes", "text"]
    size: int  # of the data, unpacked
    packed: bool = False
    dtype: str | None = None
    shape: tuple[int, ...] | None = None
    mode: str | None = None
    palette: tuple[str, bytes] | None = None
    transparency: int | bytes | tuple[int, ...] | None = None
    name: str | None = None
    media_type: str | None = None


_decode_head = msgspec.msgpack.Decoder(_Head).decode
_encode_head = msgspec.msgpack.Encoder().encode


class EncodedPart(Struct, frozen=True):
    """A part as it crosses the wire: *head* and *data*, one after the other, are what *digest* is the SHA-256 of."""

    digest: bytes
    head: bytes
    data: Any  # bytes, or a view of them
    media_type: str | None = None

    @property
    def size(self) -> int:
        """Bytes on the wire."""
        return len(self.head) + len(self.data)


class DecodedPart(Struct, frozen=True):
    """A part as it is kept: its value, and the bytes of memory that it takes."""

    _value: Any
    cost: int

    @property
    def value(self) -> Any:
        """The image. Arrays, bytes and text are shared, since nothing changes them; a PIL image is made anew."""
        return self._value.make() if type(self._value) is _Picture else self._value


# --- out --------------------------------------------------------------------------------------------------------------


def encode_part(image: Any) -> EncodedPart:
    """An image, ready for the wire. Reads a path's file; compresses pixels; may take milliseconds.

    Raises:
        InvalidRequest: a file cannot be read, or an array's type cannot cross.
    """
    if is_array(image):
        return _encode_array(image)
    if is_pil(image):
        return _encode_pil(image)
    if isinstance(image, PurePath):
        image = read_file(image)
    if isinstance(image, ImageFile):
        head = _Head("file", len(image), name=image.name, media_type=image.media_type)
        return _seal(head, bytes(image), image.media_type)
    if isinstance(image, bytes | bytearray | memoryview):
        data = bytes(image)
        return _seal(_Head("bytes", len(data)), data, media_type_of(data))
    if isinstance(image, str):
        try:
            return _pack(_Head("text", 0), memoryview(image.encode("utf-8")))
        except UnicodeEncodeError:
            raise InvalidRequest("an image's URL holds text that is not valid Unicode") from None
    raise InvalidRequest(f"an image must be a path, an array, a PIL image, bytes or a URL, got {type(image).__name__}")


def _encode_array(array: Any) -> EncodedPart:
    import numpy as np

    if isinstance(array, np.ma.MaskedArray):
        raise InvalidRequest("a masked array cannot be sent: fill it first, with .filled()")
    array = np.asarray(array)
    dtype = array.dtype
    if dtype.kind not in _KINDS or dtype.itemsize not in _ITEM_SIZES[dtype.kind] or array.ndim > _MOST_DIMENSIONS:
        raise InvalidRequest(
            f"an array of {dtype} cannot be sent: convert it to bool, integers or floats, such as uint8"
        )
    shape = tuple(int(length) for length in array.shape)
    array = np.asarray(array, order="C")  # ascontiguousarray() would give one without dimensions one
    pixels = memoryview(array.reshape(-1).view(np.uint8)) if array.size else memoryview(b"")
    return _pack(_Head("array", 0, dtype=dtype.str, shape=shape), pixels)


def _encode_pil(image: Any) -> EncodedPart:
    mode, size, palette, transparency = pil_facts(image)
    if mode not in _MODES and mode != "1":
        raise InvalidRequest(f"a PIL image of mode {mode} cannot be sent: convert it, for example with .convert('RGB')")
    head = _Head("pil", 0, shape=size, mode=mode, palette=palette, transparency=transparency)
    return _pack(head, memoryview(image.tobytes()))


def pil_facts(image: Any) -> tuple[str, tuple[int, int], tuple[str, bytes] | None, Any]:
    """Mode, size, palette and transparency: all of a PIL image but its pixels."""
    image.load()
    palette = None
    if image.mode in {"P", "PA"} and image.palette is not None:
        kind = image.palette.mode
        palette = (kind, bytes(image.getpalette(kind) or ()))
    transparency = image.info.get("transparency")
    if not isinstance(transparency, int | bytes | tuple):
        transparency = None
    return image.mode, image.size, palette, transparency


def _pack(head: _Head, data: memoryview) -> EncodedPart:
    size = len(data)
    if size > MOST_PART:
        raise RequestTooLarge(f"an image has {size} bytes of pixels; at most {MOST_PART} can be sent: scale it down")
    head = msgspec.structs.replace(head, size=size)
    if size >= _WORTH_PACKING:
        packed = _compress(data)
        if len(packed) <= size * 15 // 16:
            return _seal(msgspec.structs.replace(head, packed=True), packed, None)
    return _seal(head, bytes(data), None)  # a copy: the caller's memory may change before it is sent


def _compress(data: memoryview) -> bytes:
    return zstd.ZstdCompressor(level=1).compress(data, zstd.ZstdCompressor.FLUSH_FRAME)


def _seal(head: _Head, data: bytes, media_type: str | None) -> EncodedPart:
    encoded = _encode_head(head)
    prefix = len(encoded).to_bytes(2, "big") + encoded
    digest = hashlib.sha256(prefix)
    digest.update(data)
    return EncodedPart(digest.digest(), prefix, data, media_type)


# --- in ---------------------------------------------------------------------------------------------------------------


def decode_part(payload: memoryview, *, most: int = MOST_PART) -> DecodedPart:
    """The image in *payload*, which unpacks to at most *most* bytes.

    Raises:
        InvalidRequest: it is not what a part looks like; nothing else is ever raised for what came over a wire.
    """
    if len(payload) < 2:
        raise InvalidRequest("a media part is cut short")
    end = 2 + int.from_bytes(payload[:2], "big")
    try:
        head = _decode_head(payload[2:end])
    except (ValidationError, msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"a media part's head is broken: {error}") from None
    if not 0 <= head.size <= most:
        raise RequestTooLarge(f"a media part has {head.size} bytes; at most {most} are taken")
    expected = _expected_size(head)
    if expected is not None and expected != head.size:
        raise InvalidRequest(f"a media part says {head.size} bytes where its shape takes {expected}")
    data = _unpack(head, payload[end:])
    return DecodedPart(_BUILD[head.kind](head, data), head.size + 1024)


def _expected_size(head: _Head) -> int | None:
    if head.kind not in {"array", "pil"}:
        return None
    shape = head.shape
    if shape is None or len(shape) > _MOST_DIMENSIONS or any(not 0 <= length < 1 << 40 for length in shape):
        raise InvalidRequest("a media part has no proper shape")
    if head.kind == "array":
        return prod(shape) * _item_size(head.dtype)
    if len(shape) != 2 or head.mode is None or (head.mode not in _MODES and head.mode != "1"):
        raise InvalidRequest(f"a media part has no proper mode: {head.mode!r:.40}")
    width, height = shape
    return (width + 7) // 8 * height if head.mode == "1" else width * height * _MODES[head.mode]


def _item_size(dtype: str | None) -> int:
    if dtype is not None and len(dtype) in {3, 4} and dtype[0] in "<>|" and dtype[2:].isascii() and dtype[2:].isdigit():
        size = int(dtype[2:])
        if size in _ITEM_SIZES.get(dtype[1], ()) and (dtype[0] != "|") == (size > 1):
            return size
    raise InvalidRequest(f"a media part's type {dtype!r:.40} is none that may cross")


def _unpack(head: _Head, data: memoryview) -> "bytes | memoryview":
    if not head.packed:
        if len(data) != head.size:
            raise InvalidRequest(f"a media part says {head.size} bytes and has {len(data)}")
        return data
    unpacker = zstd.ZstdDecompressor()
    try:
        raw = unpacker.decompress(data, max_length=head.size)
        # All of the data may be there, and what ends its frame still unread.
        rest = b"" if unpacker.eof or len(raw) != head.size else unpacker.decompress(b"", max_length=1)
    except (zstd.ZstdError, EOFError, ValueError) as error:
        raise InvalidRequest(f"a media part cannot be unpacked: {error}") from None
    if len(raw) != head.size or rest or not unpacker.eof or unpacker.unused_data:
        raise InvalidRequest(f"a media part does not unpack to the {head.size} bytes that it says")
    return raw


def _build_array(head: _Head, data: Any) -> Any:
    try:
        import numpy as np
    except ImportError:
        raise ModelError("an array came, and NumPy is not installed here: pip install modelport[images]") from None
    shape = head.shape or ()
    # A view of the request's body would keep all of it in memory for as long as the array lives.
    data = bytes(data)
    try:
        array = np.frombuffer(data, np.dtype(head.dtype)) if data else np.empty(shape, head.dtype)
        array = array.reshape(shape)
    except ValueError as error:
        raise InvalidRequest(f"a media part is no proper array: {error}") from None
    array.flags.writeable = False
    return array


class _Picture(Struct, frozen=True):
    head: _Head
    data: bytes

    def make(self) -> Any:
        try:
            from PIL import Image
        except ImportError:
            raise ModelError("a PIL image came, and Pillow is not installed: pip install modelport[images]") from None
        head = self.head
        mode, shape = head.mode or "", head.shape or (0, 0)
        try:
            size = (shape[0], shape[1])
            image = Image.frombytes(mode, size, self.data) if self.data else Image.new(mode, size)
            if head.palette is not None:
                image.putpalette(head.palette[1], head.palette[0])
                if image.mode != mode:
                    raise ValueError(f"a palette for mode {mode}")
        except (ValueError, OverflowError, MemoryError, SystemError, KeyError) as error:
            raise InvalidRequest(f"a media part is no proper image: {error}") from None
        if head.transparency is not None:
            image.info["transparency"] = head.transparency
        return image


def _build_picture(head: _Head, data: Any) -> _Picture:
    picture = _Picture(head, bytes(data))
    picture.make()  # what is broken is refused here, and not when it is used
    return picture


def _build_text(_head: _Head, data: Any) -> str:
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("a media part is not the text that it says") from None


_BUILD: dict[str, Any] = {
    "array": _build_array,
    "pil": _build_picture,
    "file": lambda head, data: ImageFile(bytes(data), head.name, head.media_type),
    "bytes": lambda _head, data: bytes(data),
    "text": _build_text,
}
