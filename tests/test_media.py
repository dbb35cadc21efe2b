"""Images in every form: what they are told to be, and what becomes of them on the way to another form."""

import base64
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from modelport.errors import InvalidRequest, LoadError, RequestTooLarge
from modelport.media import (
    ImageFile,
    decode_data_url,
    encode_data_url,
    encode_png,
    is_array,
    is_pil,
    is_url,
    media_type_of,
    pixel_size,
    read_file,
    to_array,
    to_data_url,
    to_file,
    to_pil,
)

FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp", "BMP": "image/bmp"}


def encoded(kind: str, size: tuple[int, int] = (31, 17), **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 30, 60)).save(buffer, kind, **options)
    return buffer.getvalue()


# --- what is this? ---


@pytest.mark.parametrize("kind", FORMATS)
def test_the_media_type_and_the_size_are_read_from_the_first_bytes(kind: str) -> None:
    data = encoded(kind)

    assert media_type_of(data) == FORMATS[kind]
    assert pixel_size(data) == (31, 17)


@pytest.mark.parametrize("lossless", [True, False])
def test_the_size_of_each_kind_of_webp_is_read(lossless: bool) -> None:
    alpha = io.BytesIO()
    Image.new("RGBA", (31, 17), (1, 2, 3, 4)).save(alpha, "WEBP", lossless=lossless)

    assert pixel_size(encoded("WEBP", lossless=lossless)) == (31, 17)
    assert pixel_size(alpha.getvalue()) == (31, 17)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_cut_short_anywhere_has_a_size_or_none(kind: str) -> None:
    data = encoded(kind)

    assert {pixel_size(data[:length]) for length in range(64)} <= {None, (31, 17)}


@given(
    st.binary(max_size=80),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"BM"]),
)
def test_any_bytes_have_a_size_or_none(rest: bytes, start: bytes) -> None:
    size = pixel_size(start + rest)

    assert size is None or (size[0] >= 0 and size[1] >= 0)


def test_what_is_no_image_has_no_media_type() -> None:
    assert media_type_of(b"%PDF-1.7") is None
    assert media_type_of(b"") is None


def test_arrays_pictures_and_urls_are_told_apart() -> None:
    array, picture = np.zeros((2, 2)), Image.new("L", (2, 2))

    assert (is_array(array), is_pil(array)) == (True, False)
    assert (is_array(picture), is_pil(picture)) == (False, True)
    assert [is_url(text) for text in ("data:image/png;base64,", "HTTPS://x/y", "shot.png")] == [True, True, False]


def test_looking_at_images_imports_neither_numpy_nor_pillow() -> None:
    code = (
        "import sys, modelport.media as m; m.is_array(1); m.to_file(b'x'); print({'numpy', 'PIL'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


# --- files and URLs ---


def test_a_file_is_read_with_its_name_and_type(tmp_path: Path) -> None:
    path = tmp_path / "shot.png"
    path.write_bytes(encoded("PNG"))

    file = read_file(path)

    assert (file, file.name, file.media_type) == (encoded("PNG"), "shot.png", "image/png")


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"gone\.png is not there: check the path"):
        read_file(tmp_path / "gone.png")
    with pytest.raises(InvalidRequest, match="is a directory: give the path of a file"):
        read_file(tmp_path)
    with pytest.raises(InvalidRequest, match="cannot be read"):
        read_file(Path("a\0b"))


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "big.png"
    path.write_bytes(bytes(101))

    with pytest.raises(RequestTooLarge, match="larger than 100 bytes"):
        read_file(path, most=100)
    assert len(read_file(path, most=101)) == 101


@given(st.binary())
def test_bytes_survive_a_data_url(data: bytes) -> None:
    file = decode_data_url(encode_data_url(data, "image/png"))

    assert (file, file.media_type) == (data, "image/png")


def test_a_data_urls_type_is_told_from_its_bytes_where_it_says_none() -> None:
    plain = base64.b64encode(encoded("GIF")).decode()

    assert encode_data_url(encoded("GIF")) == f"data:image/gif;base64,{plain}"
    assert decode_data_url(f"data:;base64,{plain}").media_type == "image/gif"
    assert decode_data_url(f"data:image/x-odd;charset=utf-8;base64,{plain}").media_type == "image/x-odd"


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,AAA",
        "data:image/png;base64,AA=A",
        "data:image/png;base64,A A=",
        "data:image/png;base64,é",
        "data:image/png,AAAA",
        "data:image/png;base64",
        "data:<script>;base64,AAAA",
        "http://example.org/a.png",
        "",
    ],
)
def test_a_broken_data_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest):
        decode_data_url(url)


def test_a_data_url_that_is_too_large_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(RequestTooLarge):
        decode_data_url("data:;base64," + "!" * 4000, most=1000)
    assert len(decode_data_url(encode_data_url(bytes(1000)), most=1000)) == 1000
    with pytest.raises(RequestTooLarge):
        decode_data_url(encode_data_url(bytes(1001)), most=1000)


# --- from one form to another ---


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 4), (1, 1, 3)])
def test_an_array_becomes_a_png_of_the_same_pixels(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    png = encode_png(array)

    assert pixel_size(png) == (shape[1], shape[0])
    assert np.array_equal(
        np.asarray(Image.open(io.BytesIO(png))),
        array.reshape(shape[:2]) if shape[-1] == 1 and len(shape) == 3 else array,
    )


def test_a_strided_or_boolean_array_becomes_a_png_as_well() -> None:
    array = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)

    assert np.array_equal(to_array(encode_png(array[::2, ::-3])), array[::2, ::-3])
    assert to_array(encode_png(np.array([[True, False]]))).tolist() == [[255, 0]]


@pytest.mark.parametrize(
    "array", [np.zeros((5, 7, 2), np.uint8), np.zeros((5, 7)), np.zeros(5, np.uint8), np.zeros((0, 7), np.uint8)]
)
def test_an_array_that_is_no_image_is_refused_by_shape_and_type(array: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"height × width .* got shape \("):
        encode_png(array)


def test_every_form_becomes_a_file(tmp_path: Path) -> None:
    path, data = tmp_path / "a.gif", encoded("GIF")
    path.write_bytes(data)

    for image in (
        path,
        data,
        bytearray(data),
        memoryview(data),
        encode_data_url(data),
        ImageFile(data, None, "image/gif"),
    ):
        assert (to_file(image), to_file(image).media_type) == (data, "image/gif")
    assert to_file(Image.new("RGB", (2, 2))).media_type == "image/png"


def test_a_url_that_would_have_to_be_fetched_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="would have to be fetched: give its bytes"):
        to_file("https://example.org/a.png")
    with pytest.raises(InvalidRequest, match="must be a path, an array, a PIL image, bytes or a URL, got int"):
        to_file(3)


def test_urls_pass_and_all_else_becomes_a_data_url() -> None:
    assert to_data_url("https://example.org/a.png") == "https://example.org/a.png"
    assert to_data_url(encoded("JPEG")).startswith("data:image/jpeg;base64,")
    assert to_data_url(b"?", media_type="image/x").startswith("data:image/x;base64,")


def test_pictures_and_arrays_become_each_other() -> None:
    array = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)

    assert np.array_equal(to_array(Image.fromarray(array)), array)
    assert np.array_equal(np.asarray(to_pil(array)), array)
    assert to_array(Image.new("P", (2, 2))).shape == (2, 2, 3)
    assert to_array(Image.new("LA", (2, 2))).shape == (2, 2, 4)


def test_an_image_with_too_many_pixels_is_refused_by_its_header() -> None:
    with pytest.raises(RequestTooLarge, match="31 × 17 pixels; at most 526"):
        to_pil(encoded("PNG"), most=526)
    assert to_pil(encoded("PNG"), most=527).size == (31, 17)


@pytest.mark.parametrize("data", [b"", b"no image", encoded("PNG")[:60], encoded("JPEG")[:40]])
def test_a_broken_image_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest, match="cannot be decoded"):
        to_array(data)


def test_decoding_without_pillow_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded("PNG")
    monkeypatch.setitem(sys.modules, "PIL", None)

    with pytest.raises(LoadError, match=r"pip install modelport\[images\]"):
        to_pil(data)
