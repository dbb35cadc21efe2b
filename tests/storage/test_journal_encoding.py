"""What a journal can hold: data, images of every kind, and a label for what is neither."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image
from pydantic import BaseModel

from modelport.media import ImageFile, encode_png
from modelport.storage.journal.encoding import NotSaved, decode, encode, with_files

PIXELS = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


def there_and_back(value: Any) -> Any:
    encoded = encode(value)
    assert encoded.not_saved == ()
    return decode(with_files(encoded.data) if encoded.has_paths else encoded.data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_plain_data_comes_back_as_it_was(value: Any) -> None:
    assert there_and_back(value) == value


def test_half_a_character_comes_back() -> None:
    assert there_and_back({"content": "broken \ud83d"}) == {"content": "broken \ud83d"}


@pytest.mark.parametrize("dtype", ["uint8", "float32", "bool"])
def test_an_array_comes_back_as_an_array_that_can_be_written_to(dtype: str) -> None:
    array = PIXELS.astype(dtype)

    back = there_and_back({"content": [array]})["content"][0]

    assert back.dtype == array.dtype
    assert np.array_equal(back, array)
    back[0] = 0


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "1", "CMYK", "P"])
def test_a_pil_image_comes_back_with_its_mode_and_pixels(mode: str) -> None:
    image = Image.fromarray(PIXELS).convert(mode)

    back = there_and_back(image)

    assert (back.mode, back.size) == (image.mode, image.size)
    assert back.convert("RGB").tobytes() == image.convert("RGB").tobytes()


def test_an_image_named_by_a_path_outlives_its_file(tmp_path: Path) -> None:
    file = tmp_path / "frame.png"
    file.write_bytes(encode_png(PIXELS))
    encoded = encode({"type": "image", "image": file, "beside": PIXELS})
    content = file.read_bytes()
    data = with_files(encoded.data)
    file.unlink()

    back = decode(data)["image"]

    assert encoded.has_paths
    assert np.array_equal(decode(data)["beside"], PIXELS)
    assert isinstance(back, ImageFile)
    assert (back, back.name, back.media_type) == (content, "frame.png", "image/png")


def test_a_path_that_names_no_image_stays_a_path(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("secret")

    assert there_and_back([tmp_path / "notes.txt", tmp_path / "none.png", tmp_path]) == [
        tmp_path / "notes.txt",
        tmp_path / "none.png",
        tmp_path,
    ]


def test_numbers_of_numpy_and_models_of_pydantic_become_plain_data() -> None:
    class Answer(BaseModel):
        score: float = 0.5

    assert there_and_back([np.float32(0.25), np.int64(3), Answer()]) == [0.25, 3, {"score": 0.5}]


def test_what_is_no_data_is_kept_as_text_and_reported_by_name() -> None:
    message = {"content": "hi", "context": {"lock": threading.Lock(), "tools": [print]}}

    data, not_saved, _ = encode(message)
    back = decode(data)

    assert not_saved == ("context.lock: a _thread.lock", "context.tools[0]: a builtin_function_or_method")
    assert back["content"] == "hi"
    assert isinstance(back["context"]["lock"], NotSaved)
    assert back["context"]["lock"].kind == "_thread.lock"
    assert back["context"]["lock"].startswith("[a _thread.lock that could not be saved: <unlocked")


def test_a_label_stays_a_label_when_it_is_saved_again() -> None:
    back = there_and_back({"lock": decode(encode(threading.Lock())[0])})["lock"]

    assert isinstance(back, NotSaved)
    assert back.kind == "_thread.lock"


def test_data_that_holds_itself_is_cut_off_where_it_is_deepest() -> None:
    message: dict[str, Any] = {"content": "hi"}
    message["self"] = message

    data, not_saved, _ = encode(message)

    assert decode(data)["content"] == "hi"
    assert len(not_saved) == 1
    assert not_saved[0].endswith(": a dict")


def test_an_object_that_fights_being_looked_at_is_labelled_all_the_same() -> None:
    class Awkward:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("no")

        def __repr__(self) -> str:
            raise RuntimeError("never")

    data, not_saved, _ = encode([Awkward()])

    assert len(not_saved) == 1
    assert "its repr() raised RuntimeError" in decode(data)[0]


def test_an_array_of_objects_is_not_saved_as_data() -> None:
    _, not_saved, _ = encode(np.array([object()]))

    assert not_saved == ("the entry: a numpy.ndarray",)


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\xc7\x00\x63", b"\xc7\x04\x01\xff\xff\xff\xff", b"\xc7\x02\x06zz"])
def test_bytes_that_are_no_entry_are_an_error_and_never_run(data: bytes) -> None:
    with pytest.raises(Exception) as caught:
        decode(data)

    assert isinstance(caught.value, ValueError | TypeError)
