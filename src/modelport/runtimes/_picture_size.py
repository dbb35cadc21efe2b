"""Width and height of an image, from its array's shape or its file's first bytes. Decodes nothing, fetches nothing."""

import struct
from binascii import Error as NotBase64, a2b_base64
from pathlib import PurePath
from typing import Any

__all__ = ("picture_size",)

_HEAD = 64 * 1024  # a JPEG's size may stand behind long metadata
_JPEG_SIZES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})


def picture_size(image: Any) -> tuple[int, int] | None:
    """Width and height in pixels, or None where they cannot be told. A ``pathlib`` path is opened."""
    shape = getattr(image, "shape", None)
    if isinstance(shape, tuple) and len(shape) in {2, 3}:
        return int(shape[1]), int(shape[0])
    size = getattr(image, "size", None)
    if isinstance(size, tuple) and len(size) == 2:
        return int(size[0]), int(size[1])
    head = _head(image)
    try:
        return _size_in(head) if head else None
    except (struct.error, IndexError):
        return None  # cut short, or not what its first bytes promise


def _head(image: Any) -> bytes:
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image[:_HEAD])
    if isinstance(image, PurePath):
        try:
            with open(image, "rb") as file:  # noqa: PTH123  (a PurePath has no open of its own)
                return file.read(_HEAD)
        except OSError:
            return b""
    if isinstance(image, str) and image.startswith("data:"):
        meta, _, data = image.partition(",")
        try:
            return a2b_base64(data[: _HEAD // 3 * 4]) if meta.endswith(";base64") else b""
        except NotBase64:
            return b""
    return b""


def _size_in(head: bytes) -> tuple[int, int] | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return struct.unpack(">II", head[16:24])
    if head.startswith((b"GIF87a", b"GIF89a")):
        return struct.unpack("<HH", head[6:10])
    if head.startswith(b"BM"):
        width, height = struct.unpack("<ii", head[18:26])
        return width, abs(height)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp(head)
    if head.startswith(b"\xff\xd8"):
        return _jpeg(head)
    return None


def _webp(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack("<I", head[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    return None


def _jpeg(head: bytes) -> tuple[int, int] | None:
    at = 2
    while head[at] == 0xFF:
        marker = head[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _JPEG_SIZES:
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            return width, height
        else:
            at += 2 + struct.unpack(">H", head[at + 2 : at + 4])[0]
    return None
