"""Arrays and images of a request as their bare bytes and a few facts, so that they reach a worker without being packed.

Both ends are processes of one machine and one modelport, so nothing is compressed and a path stays a path. NumPy and
Pillow are imported only where such a thing came, in the process that it came to.
"""

from pathlib import PurePath
from typing import Any, Literal

from msgspec import Struct

from modelport.dialects.port import pil_facts
from modelport.errors import InvalidRequest, ModelError
from modelport.media import ImageFile, is_array, is_pil

__all__ = ("Payload", "revive", "set_aside")

_KINDS = "biufc"  # NumPy's bool, int, uint, float and complex


class Payload(Struct, frozen=True, array_like=True):
    """What the *size* bytes are. *form* is an array's dtype, a PIL image's mode, a file's name."""

    kind: Literal["array", "pil", "file", "bytes", "path"]
    size: int
    form: str | None = None
    shape: tuple[int, ...] = ()
    media_type: str | None = None
    palette: tuple[str, bytes] | None = None
    transparency: int | bytes | tuple[int, ...] | None = None


def set_aside(value: Any) -> tuple[Payload, Any]:
    """The facts of *value* and its bytes, which are a view of its own memory where that can be.

    Raises:
        InvalidRequest: it is neither an array nor an image nor a path.
    """
    if is_array(value):
        return _array(value)
    if is_pil(value):
        mode, size, palette, transparency = pil_facts(value)
        data = value.tobytes()
        return Payload("pil", len(data), mode, size, None, palette, transparency), data
    if isinstance(value, ImageFile):
        return Payload("file", len(value), value.name, (), value.media_type), value
    if isinstance(value, bytes):
        return Payload("bytes", len(value)), value
    if isinstance(value, PurePath):
        data = str(value).encode("utf-8", "surrogateescape")
        return Payload("path", len(data)), data
    raise InvalidRequest(
        f"the request holds a {type(value).__name__}, which cannot reach the process of its model: "
        "send text, numbers, lists, dicts and images, or serve the model with --isolation thread"
    )


def _array(array: Any) -> tuple[Payload, Any]:
    import numpy as np

    array = np.asarray(array, order="C")
    if array.dtype.kind not in _KINDS:
        raise InvalidRequest(f"an array of {array.dtype} cannot be sent: convert it to integers or floats")
    shape = tuple(int(length) for length in array.shape)
    data = memoryview(array.reshape(-1).view(np.uint8)) if array.size else b""
    return Payload("array", len(data), array.dtype.str, shape), data


def revive(payload: Payload, data: bytearray) -> Any:
    """What was set aside, out of *data*, which becomes an array's own memory.

    Raises:
        ModelError: NumPy or Pillow is missing where the model runs.
    """
    return _REVIVE[payload.kind](payload, data)


def _revive_array(payload: Payload, data: bytearray) -> Any:
    try:
        import numpy as np
    except ImportError:
        raise ModelError("an array came, and NumPy is not installed: pip install modelport[images]") from None
    return np.frombuffer(data, np.dtype(payload.form)).reshape(payload.shape)


def _revive_pil(payload: Payload, data: bytearray) -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise ModelError("a PIL image came, and Pillow is not installed: pip install modelport[images]") from None
    width, height = payload.shape
    image = Image.frombytes(payload.form or "RGB", (width, height), bytes(data))
    if payload.palette is not None:
        image.putpalette(payload.palette[1], payload.palette[0])
    if payload.transparency is not None:
        image.info["transparency"] = payload.transparency
    return image


def _revive_path(_payload: Payload, data: bytearray) -> Any:
    from pathlib import Path

    return Path(data.decode("utf-8", "surrogateescape"))


_REVIVE: dict[str, Any] = {
    "array": _revive_array,
    "pil": _revive_pil,
    "path": _revive_path,
    "file": lambda payload, data: ImageFile(bytes(data), payload.form, payload.media_type),
    "bytes": lambda _payload, data: bytes(data),
}
