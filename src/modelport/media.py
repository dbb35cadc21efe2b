"""Images in every form that callers have them, and the ways between: paths, arrays, PIL images, bytes, URLs.

Knows no wire format and fetches nothing. NumPy and Pillow are imported only by what needs them; whoever gave an array
or a PIL image has them already.
"""

import re
import struct
import zlib
from binascii import Error as NotBase64, a2b_base64, b2a_base64
from pathlib import Path, PurePath
from typing import Any, Self

from modelport.errors import InvalidRequest, LoadError, RequestTooLarge

__all__ = (
    "MOST_BYTES",
    "MOST_PIXELS",
    "ImageFile",
    "decode_data_url",
    "encode_data_url",
    "encode_png",
    "is_array",
    "is_pil",
    "is_url",
    "media_type_of",
    "pixel_size",
    "read_file",
    "to_array",
    "to_data_url",
    "to_file",
    "to_pil",
)

MOST_BYTES = 64 * 1024 * 1024  # of one image file
MOST_PIXELS = 64 * 1024 * 1024  # of one image, before anything decodes it

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.+-]+=[\w.+-]+)*);base64\Z")


class ImageFile(bytes):
    """The bytes of an encoded image, with its file's ``name`` (a name, not a path) and its ``media_type``."""

    name: str | None
    media_type: str | None

    def __new__(cls, data: bytes = b"", name: str | None = None, media_type: str | None = None) -> Self:
        """As ``bytes``, and its two facts."""
        self = super().__new__(cls, data)
        self.name = name
        self.media_type = media_type
        return self


# --- what is this? ----------------------------------------------------------------------------------------------------


def is_array(value: object) -> bool:
    """Whether *value* is a NumPy array, told without importing NumPy."""
    return hasattr(value, "__array_interface__") and hasattr(value, "dtype") and hasattr(value, "shape")


def is_pil(value: object) -> bool:
    """Whether *value* is a PIL image, told without importing Pillow."""
    return hasattr(value, "tobytes") and hasattr(value, "getbands")


def is_url(value: object) -> bool:
    """Whether *value* is text that holds a ``data:``, ``http:`` or ``https:`` URL."""
    return isinstance(value, str) and value[:8].lower().startswith(("data:", "http://", "https://"))


def media_type_of(data: "bytes | memoryview") -> str | None:
    """The media type that the first bytes tell: png, jpeg, gif, webp or bmp; None for anything else."""
    head = bytes(data[:16])
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return "image/bmp" if head.startswith(b"BM") else None


def pixel_size(data: bytes) -> tuple[int, int] | None:
    """Width and height as an encoded image's header tells them; None where it does not. Decodes nothing."""
    kind = media_type_of(data)
    try:
        return None if kind is None else _SIZES[kind](data)
    except (struct.error, IndexError):
        return None  # cut short, or not what its first bytes promise


def _bmp_size(data: bytes) -> tuple[int, int]:
    if struct.unpack_from("<I", data, 14)[0] == 12:  # the oldest header has 16-bit sizes
        width, height = struct.unpack_from("<HH", data, 18)
        return width, height
    width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)


def _webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:  # a frame's header, but for three tables
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


_SIZES: dict[str, Any] = {
    "image/png": lambda data: struct.unpack_from(">II", data, 16),
    "image/gif": lambda data: struct.unpack_from("<HH", data, 6),
    "image/bmp": _bmp_size,
    "image/webp": _webp_size,
    "image/jpeg": _jpeg_size,
}


# --- files and URLs ---------------------------------------------------------------------------------------------------


def read_file(path: PurePath, *, most: int = MOST_BYTES) -> ImageFile:
    """The file's bytes, where this runs; of at most *most* bytes.

    Raises:
        InvalidRequest: it is not there, is no file, cannot be read, or is too large; says which.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError:
        raise InvalidRequest(
            f"the image {path} is not there: check the path (it is read where the caller runs)"
        ) from None
    except IsADirectoryError:
        raise InvalidRequest(f"the image {path} is a directory: give the path of a file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise InvalidRequest(f"the image {path!s:.500} cannot be read: {reason}") from None
    if len(data) > most:
        raise RequestTooLarge(f"the image {path} is larger than {most} bytes: scale it down")
    return ImageFile(data, path.name, media_type_of(data))


def encode_data_url(data: bytes, media_type: str | None = None) -> str:
    """The bytes of an encoded image as a ``data:`` URL; its type is told from its first bytes where it is not given."""
    kind = media_type or media_type_of(data) or "application/octet-stream"
    return f"data:{kind};base64,{b2a_base64(data, newline=False).decode('ascii')}"


def decode_data_url(url: str, *, most: int = MOST_BYTES) -> ImageFile:
    """What a base64 ``data:`` URL holds, at most *most* bytes.

    Raises:
        InvalidRequest: it is not one, or its base64 is broken.
        RequestTooLarge: it holds more.
    """
    start, comma, data = url.partition(",")
    match = _DATA_URL.match(start[:256]) if comma else None
    if match is None:
        raise InvalidRequest(f"an image's URL must be data:TYPE;base64,DATA, got {start[:60]!r}")
    if len(data) // 4 * 3 > most + 2:
        raise RequestTooLarge(f"an image in a data: URL is larger than {most} bytes: scale it down")
    try:
        decoded = a2b_base64(data, strict_mode=True)
    except (NotBase64, ValueError) as error:
        raise InvalidRequest(f"an image's data: URL has broken base64: {error}") from None
    if len(decoded) > most:
        raise RequestTooLarge(f"an image in a data: URL is larger than {most} bytes: scale it down")
    return ImageFile(decoded, None, match[1] or media_type_of(decoded))


# --- from one form to another -----------------------------------------------------------------------------------------


def to_file(image: Any, *, most: int = MOST_BYTES) -> ImageFile:
    """Any image as an encoded file: arrays and PIL images become PNG, all else stays as it was encoded.

    Raises:
        InvalidRequest: it is a URL that would have to be fetched, or no image at all.
    """
    if isinstance(image, ImageFile):
        return image
    if isinstance(image, bytes | bytearray | memoryview):
        data = bytes(image)
        return ImageFile(data, None, media_type_of(data))
    if isinstance(image, PurePath):
        return read_file(image, most=most)
    if isinstance(image, str):
        if image[:5].lower() != "data:":
            raise InvalidRequest(f"the image {image[:60]!r} would have to be fetched: give its bytes or a data: URL")
        return decode_data_url(image, most=most)
    if is_array(image) or is_pil(image):
        return ImageFile(encode_png(image), None, "image/png")
    raise InvalidRequest(f"an image must be a path, an array, a PIL image, bytes or a URL, got {type(image).__name__}")


def to_data_url(image: Any, *, media_type: str | None = None) -> str:
    """Any image as a URL: http and data URLs as they are, all else as a ``data:`` URL."""
    if isinstance(image, str) and is_url(image):
        return image
    file = to_file(image)
    return encode_data_url(file, media_type or file.media_type)


def to_pil(image: Any, *, most: int = MOST_PIXELS) -> Any:
    """Any image as a PIL image of at most *most* pixels, which are counted from its header before it is decoded.

    Raises:
        LoadError: Pillow is not installed.
        InvalidRequest: it is no image that Pillow can read.
        RequestTooLarge: it has too many pixels.
    """
    if is_pil(image):
        return image
    pil = _pillow()
    if is_array(image):
        return _pil_from_array(pil, image)
    import io

    file = to_file(image)
    _check_pixels(pixel_size(file), most)
    try:
        opened = pil.open(io.BytesIO(file), formats=("PNG", "JPEG", "GIF", "WEBP", "BMP"))
        _check_pixels(opened.size, most)
        opened.load()
    except RequestTooLarge:
        raise
    except Exception as error:  # Pillow's readers raise whatever broken files make them raise
        raise InvalidRequest(f"the image cannot be decoded: {error}") from None
    return opened


def to_array(image: Any, *, most: int = MOST_PIXELS) -> Any:
    """Any image as a NumPy array, height × width × 3 (or 4, or height × width for grey), ``uint8``; arrays as they are.

    Raises:
        As :func:`to_pil`.
    """
    if is_array(image):
        return image
    import numpy as np

    picture = to_pil(image, most=most)
    if picture.mode not in {"L", "RGB", "RGBA"}:
        has_alpha = picture.mode in {"LA", "PA", "La", "RGBa"} or "transparency" in picture.info
        picture = picture.convert("RGBA" if has_alpha else "RGB")
    return np.asarray(picture)


def _check_pixels(size: tuple[int, int] | None, most: int) -> None:
    if size is not None and size[0] * size[1] > most:
        raise RequestTooLarge(f"the image has {size[0]} × {size[1]} pixels; at most {most} are taken: scale it down")


def _pil_from_array(pil: Any, array: Any) -> Any:
    import numpy as np

    pixels = _pixels(array)
    return pil.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels))


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise LoadError("decoding images needs Pillow: pip install modelport[images]") from None
    return Image


# --- PNG --------------------------------------------------------------------------------------------------------------


def encode_png(image: Any) -> bytes:
    """An array (height × width [× 1, 3 or 4], ``uint8``, or ``bool``) or a PIL image as a PNG file, quickly.

    Raises:
        InvalidRequest: the array's shape or type is no image's.
    """
    if is_pil(image):
        import io

        buffer = io.BytesIO()
        image.save(buffer, format="PNG", compress_level=1)
        return buffer.getvalue()
    import numpy as np

    pixels = _pixels(image)
    height, width, bands = pixels.shape
    rows = np.empty((height, 1 + width * bands), np.uint8)
    rows[:, 0] = 1  # each row as the differences to the pixel at its left
    flat = pixels.reshape(height, width * bands)
    rows[:, 1 : 1 + bands] = flat[:, :bands]
    np.subtract(flat[:, bands:], flat[:, :-bands], out=rows[:, 1 + bands :])
    color = {1: 0, 3: 2, 4: 6}[bands]
    header = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows.data, 1)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _pixels(array: Any) -> Any:
    """The array as height × width × bands of ``uint8``."""
    import numpy as np

    array = np.asarray(array)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] not in {1, 3, 4} or 0 in array.shape:
        raise InvalidRequest(
            "an array is an image if it is height × width [× 1, 3 or 4] of uint8; "
            f"got shape {tuple(array.shape)} of {array.dtype}"
        )
    return np.ascontiguousarray(array)
