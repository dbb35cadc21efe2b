"""The reader of pickles: what plain pickles hold, as Python reads them, and nothing of any other."""

import contextlib
import pathlib
import pickle
import struct
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as npst

from modelport.dialects.agentstudio.reading import _STEPS, MOST_OPCODES, read_pickle
from modelport.dialects.agentstudio.values import MOST_DEPTH, AgentMessage, PickleRefused
from tests.dialects.agentstudio.studio import Message, studio_installed

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
KEYS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text() | st.binary()
SIMPLE = KEYS | st.integers(-(2**2000), 2**2000)
ARRAYS = npst.arrays(
    npst.boolean_dtypes()
    | npst.integer_dtypes()
    | npst.unsigned_integer_dtypes()
    | npst.floating_dtypes(sizes=(16, 32, 64))
    | npst.complex_number_dtypes(sizes=(64, 128)),
    npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
)
PATHS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))).map(
    lambda parts: pathlib.PurePosixPath(*parts)
)
VALUES = st.recursive(
    SIMPLE | st.sets(KEYS) | st.frozensets(KEYS) | PATHS,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner),
    max_leaves=20,
)


@pytest.fixture(autouse=True)
def studio() -> Iterator[None]:
    with studio_installed():
        yield


# --- what is allowed --------------------------------------------------------------------------------------------------


@given(VALUES, st.sampled_from(PROTOCOLS))
def test_plain_values_are_read_as_python_reads_them(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol)

    read = read_pickle(data)

    assert read == pickle.loads(data)
    assert repr(read) == repr(pickle.loads(data))  # of the same types, all the way down


@given(ARRAYS, st.sampled_from(PROTOCOLS), st.booleans(), st.booleans())
def test_arrays_are_read_bit_for_bit(array: Any, protocol: int, columns: bool, readable_only: bool) -> None:
    array = np.asfortranarray(array) if columns else array
    array.flags.writeable = not readable_only

    read = read_pickle(pickle.dumps([array, array], protocol))

    assert read[0].dtype == array.dtype
    assert read[0].shape == array.shape
    assert read[0].tobytes() == array.tobytes()
    assert read[1] is read[0]
    assert read[0].flags.writeable


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_messages_are_read_with_what_they_hold(protocol: int) -> None:
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    said = [Message("system", "Look."), Message("user", picture), Message("user", pathlib.Path("/etc/passwd"))]

    read = read_pickle(pickle.dumps(said, protocol))

    assert {type(one) for one in read} == {AgentMessage}
    assert [one.role for one in read] == ["system", "user", "user"]
    assert read[0].content == "Look."
    assert np.array_equal(read[1].content, picture)
    assert type(read[2].content) is pathlib.PurePosixPath


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_shared_stays_shared(protocol: int) -> None:
    inner = ["x"]

    read = read_pickle(pickle.dumps({"a": inner, "b": (inner, [inner])}, protocol))

    assert read == {"a": ["x"], "b": (["x"], [["x"]])}
    assert read["a"] is read["b"][0] is read["b"][1][0]


def test_windows_paths_are_names_on_any_system() -> None:
    data = b"\x80\x04\x8c\x07pathlib\x8c\x0bWindowsPath\x93\x8c\x03C:\\\x8c\x01x\x86R."

    assert read_pickle(data) == pathlib.PureWindowsPath("C:\\", "x")


@pytest.mark.parametrize(("name", "other"), [(b"numpy._core", b"numpy.core"), (b"pathlib", b"pathlib._local")])
def test_what_other_versions_name_otherwise_is_read(name: bytes, other: bytes) -> None:
    value: list[Any] = [np.arange(6).reshape(2, 3), pathlib.PurePosixPath("a/b")]
    for protocol in (0, 1, 2):  # whose names are lines, of any length
        data = pickle.dumps(value, protocol).replace(b"c" + other, b"c" + name)  # whichever of them this version writes
        for written in (name, other):
            read = read_pickle(data.replace(b"c" + name, b"c" + written))

            assert np.array_equal(read[0], value[0])
            assert read[1] == value[1]


# --- what is not ------------------------------------------------------------------------------------------------------


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def named(module: str, name: str) -> list[bytes]:
    """A name in every way that a pickle can say it."""
    return [f"c{module}\n{name}\n".encode(), text(module) + text(name) + b"\x93"]


OUTSIDE = [
    ("os", "system"),
    ("posix", "system"),
    ("subprocess", "Popen"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("builtins", "getattr"),
    ("builtins", "__import__"),
    ("builtins", "open"),
    ("builtins", "bytearray"),
    ("__builtin__", "eval"),
    ("importlib", "import_module"),
    ("operator", "attrgetter"),
    ("functools", "partial"),
    ("pickle", "loads"),
    ("_codecs", "decode"),
    ("codecs", "encode"),
    ("copyreg", "__newobj__"),
    ("copyreg", "add_extension"),
    ("pathlib", "os.system"),
    ("pathlib", "Path.unlink"),
    ("pathlib", "Path"),
    ("numpy", "load"),
    ("numpy", "ndarray.tofile"),
    ("numpy", "memmap"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy.core.multiarray", "fromfile"),
    ("numpy.testing._private.utils", "runstring"),
    ("agent_studio.utils.types", "Message.__init__.__globals__"),
    ("agent_studio.utils.types", "TaskConfig"),
    ("agent_studio.utils", "types Message"),
    ("agent_studio.utils.types", "Message "),
    ("modelport", "load"),
    ("modelport.dialects.agentstudio.values", "AgentMessage"),
    ("__main__", "Message"),
    ("", ""),
]
USES = {
    "alone": b"",
    "called": b"\x8c\x04true\x85R",
    "called on nothing": b")R",
    "made": b"\x8c\x04true\x85\x81",
    "made with names": b")}\x92",
    "built": b")\x81}\x8c\x01xK\x01sb",
    "in a list": b"\x85",
    "as a key": b"0}K\x00K\x01s",
}


@pytest.mark.parametrize("outside", OUTSIDE, ids=".".join)
def test_nothing_that_is_not_on_the_list_can_be_named(outside: tuple[str, str]) -> None:
    for name in named(*outside):
        for use in USES.values():
            with pytest.raises(PickleRefused, match=r"which is not on the list|not allowed"):
                read_pickle(b"\x80\x04" + name + use + b".")


ON_THE_LIST = [
    ("agent_studio.utils.types", "Message"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.numeric", "_frombuffer"),
    ("_codecs", "encode"),
    ("builtins", "bytes"),
    ("builtins", "set"),
    ("builtins", "object"),
    ("copyreg", "_reconstructor"),
]
MISUSES = [
    b"",
    b"K\x01\x85R",
    b"\x8c\x01x\x8c\x03rot\x86R",
    b"\x8c\x01x\x8c\x06base64\x86R",
    b"]R",
    b"K\x01R",
    b"K\x01\x85\x81",
    b"2\x85R",
    b"2K\x00\x85C\x01b\x87R",
    b"}b",
    b")\x81}\x8c\x08__dict__K\x01sb",
    b")\x81}\x8c\x04roleK\x01sb",
    b")\x81N}\x8c\x04roleK\x01s\x86b",
    b"\x8c\x02O8\x89\x88\x87R",
    b"\x8c\x02V8\x89\x88\x87R",
    b"\x8c\x04U400\x89\x88\x87R",
    b"\x8c\x02u1\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ftb",
    b"]]\x85a\x85R",
]


@pytest.mark.parametrize("allowed", ON_THE_LIST, ids=".".join)
def test_what_is_on_the_list_can_be_used_in_its_own_way_only(allowed: tuple[str, str]) -> None:
    for name in named(*allowed):
        for misuse in MISUSES:
            with pytest.raises(PickleRefused):
                read_pickle(b"\x80\x04" + name + misuse + b".")


@pytest.mark.parametrize(
    "misuse",
    [b"", b"K\x01\x85R", b")\x81", b"]R", b")R}b", b"C\x01x\x85R", b"X\x01\x20\x00\x00" + b"x" * 8193 + b"\x85R"],
)
def test_a_path_is_made_of_a_little_text_and_nothing_else(misuse: bytes) -> None:
    with pytest.raises(PickleRefused):
        read_pickle(b"cpathlib\nPosixPath\n" + misuse + b".")


def test_opcodes_that_reach_outside_have_no_row() -> None:
    # persistent ids, the registry of extensions, old classes, keyword arguments, buffers out of band, Python 2's text
    reaching = [*b"PQ", 0x82, 0x83, 0x84, *b"io", 0x92, 0x97, 0x98, *b"STU"]

    assert not set(reaching) & set(_STEPS)
    for opcode in reaching:
        with pytest.raises(PickleRefused, match="not allowed"):
            read_pickle(bytes([opcode]) + b"\x01\x00\x00\x00os\nsystem\n.")


def test_every_opcode_of_a_table_is_one_of_pythons() -> None:
    assert {*_STEPS, ord(".")} <= set(b"".join(getattr(pickle, name) for name in OPCODES))


OPCODES = [
    name for name, value in vars(pickle).items() if name.isupper() and isinstance(value, bytes) and len(value) == 1
]


class Reduces:
    def __init__(self, *how: Any) -> None:
        self.how = how

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.how


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "bomb",
    [
        Reduces(print, ("boom",)),
        Reduces(pathlib.Path, ("x",), {"y": 1}),
        Reduces(list, (), None, iter([1])),
        Reduces(dict, (), None, None, iter([("a", 1)])),
        np.array([print], dtype=object),
        np.array(["text"]),
        np.array([(1, 2)], dtype=[("a", "i4"), ("b", "i4")]),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
        np.float64(1.5),
        np.ma.masked_array([1, 2], [False, True]),
        1 + 2j,
        range(3),
        slice(1),
        Ellipsis,
        type,
        len,
        object(),
        ValueError("x"),
        {(1, 2): 3},
        {frozenset({1})},
        {2**64: 1},
    ],
    ids=lambda value: f"{type(value).__name__}",
)
def test_other_objects_are_refused(bomb: Any, protocol: int) -> None:
    with pytest.raises(PickleRefused):
        read_pickle(pickle.dumps(bomb, protocol))


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_what_is_cut_short_anywhere_is_refused() -> None:
    said = [Message("user", "hi"), Message("user", np.zeros((2, 2), np.uint8)), Message("user", pathlib.Path("x"))]
    for protocol in PROTOCOLS:
        data = pickle.dumps([said, {"a": 2**40, "b": 1.5, "c": b"x", "d": {1}, "e": "é" * 300}], protocol)
        for end in range(len(data)):
            with pytest.raises(PickleRefused):
                read_pickle(data[:end])


def test_what_goes_on_after_its_end_is_refused() -> None:
    with pytest.raises(PickleRefused, match="goes on"):
        read_pickle(pickle.dumps(1) + pickle.dumps(2))


@pytest.mark.parametrize(
    "head", [b"X", b"B", b"\x8b", b"\x8d", b"\x8e", b"\x96", b"\x95", b"\x8a", b"\x8c", b"C"], ids=bytes.hex
)
def test_no_length_is_believed_before_the_bytes_are_there(head: bytes) -> None:
    for size in (b"\xff" * 8, struct.pack("<Q", 2**40), b"\xff\xff\xff\x7f"):
        with pytest.raises(PickleRefused):
            read_pickle(b"\x80\x04" + head + size)


def test_nesting_is_bounded() -> None:
    def nested(depth: int) -> Any:
        value: Any = "x"
        for _ in range(depth):
            value = [value]
        return value

    assert read_pickle(pickle.dumps(nested(MOST_DEPTH))) == nested(MOST_DEPTH)
    with pytest.raises(PickleRefused, match="nested deeper"):
        read_pickle(pickle.dumps(nested(MOST_DEPTH + 1)))
    for deep in (b"]" * 20_000 + b"a" * 19_999, b")" + b"\x85" * 20_000, b"(" * 20_000 + b"l" * 20_000):
        with pytest.raises(PickleRefused, match="nested deeper"):
            read_pickle(deep + b".")


@pytest.mark.parametrize("cycle", [b"]\x942a.", b"]\x94h\x00a.", b"}\x94K\x00h\x00s.", b"](]\x94h\x00\x85ae."])
def test_what_holds_itself_is_refused(cycle: bytes) -> None:
    with pytest.raises(PickleRefused, match="holds itself"):
        read_pickle(cycle)


def test_a_bomb_of_references_is_read_in_a_moment_and_never_grows() -> None:
    bomb = b")" + b"2\x86" * 60 + b"."  # 2**60 tuples, if each were made

    began = time.monotonic()
    read = read_pickle(bomb)

    assert time.monotonic() - began < 20
    assert read[0] is read[1]


@pytest.mark.parametrize(
    "call",
    [
        b"c_codecs\nencode\nX\x00\x00\x01\x00" + b"x" * 65536 + b"\x8c\x06latin1\x86",
        b"cbuiltins\nset\n](" + b"K\x01" * 60000 + b"e\x85",
        b"cpathlib\nPurePosixPath\n(" + b"\x8c\x01x" * 2000 + b"t",
    ],
)
def test_one_long_call_that_is_made_again_and_again_is_refused(call: bytes) -> None:
    bomb = call + b"\x94" + b"0\x940" + b"(" + b"h\x01h\x00R" * 60_000 + b"l."

    began = time.monotonic()
    with pytest.raises(PickleRefused, match="more work in it than bytes"):
        read_pickle(bomb)

    assert time.monotonic() - began < 20


def test_arrays_that_share_their_bytes_are_bounded_together() -> None:
    payload = b"B" + struct.pack("<I", 2**20) + bytes(2**20) + b"\x940"
    dtype = b"cnumpy\ndtype\n\x8c\x02u1\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x940"
    one = b"cnumpy.core.numeric\n_frombuffer\n(h\x00h\x01J\x00\x00\x10\x00\x85\x8c\x01CtR"

    assert len(read_pickle(payload + dtype + b"](" + one * 3 + b"e.")) == 3
    with pytest.raises(PickleRefused, match="arrays have more"):
        read_pickle(payload + dtype + b"](" + one * 300 + b"e.")


def test_opcodes_are_counted() -> None:
    with pytest.raises(PickleRefused, match="opcodes"):
        read_pickle(b"]" + b"N0" * MOST_OPCODES + b".")


@pytest.mark.parametrize(
    "shape",
    [b"J\xff\xff\xff\xff\x85", b"K\x05\x85", b"]", b"K\x01K\x01K\x01\x87\x85", b"\x88\x85", b"(" + b"K\x01" * 9 + b"t"],
)
def test_a_shape_that_does_not_fit_is_refused(shape: bytes) -> None:
    dtype = b"cnumpy\ndtype\n\x8c\x02u1\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"

    with pytest.raises(PickleRefused, match="array"):
        read_pickle(b"cnumpy.core.numeric\n_frombuffer\n(C\x01\x00" + dtype + shape + b"\x8c\x01CtR.")


HALF = st.sampled_from(
    [bytes([opcode]) for opcode in _STEPS] + [b"\x8c\x01x", b"C\x01b", b"K\x01", b"\n", b"0\n", b"os\n"]
)


@settings(max_examples=200)
@given(st.lists(HALF | st.binary(max_size=4), max_size=40).map(b"".join))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(PickleRefused):
        read_pickle(data + b".")


@settings(max_examples=100)
@given(VALUES, st.sampled_from(PROTOCOLS), st.data())
def test_a_pickle_that_was_changed_is_read_or_refused(value: Any, protocol: int, data: Any) -> None:
    good = bytearray(pickle.dumps([Message("user", "x"), np.ones(3), value], protocol))
    for _ in range(3):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(PickleRefused):
        read_pickle(bytes(good))
