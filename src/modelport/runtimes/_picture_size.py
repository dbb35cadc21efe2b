"""Width and height of an image, from its array's shape or its file's first bytes. Decodes nothing, fetches nothing."""

from binascii import Error as NotBase64, a2b_base64
from pathlib import PurePath
from typing import Any

from modelport.media import pixel_size

__all__ = ("picture_size",)

_HEAD = 64 * 1024  # a JPEG's size may stand behind long metadata


def picture_size(image: Any) -> tuple[int, int] | None:
    """Width and height in pixels, or None where they cannot be told. A ``pathlib`` path is opened."""
    shape = getattr(image, "shape", None)
    if isinstance(shape, tuple) and len(shape) in {2, 3}:
        return int(shape[1]), int(shape[0])
    size = getattr(image, "size", None)
    if isinstance(size, tuple) and len(size) == 2:
        return int(size[0]), int(size[1])
    return pixel_size(_head(image))


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
