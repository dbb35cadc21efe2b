"""A pickle's opcodes, read one by one into plain values, which ``values`` makes. Imports no unpickler.

The format is that of Python's own ``pickletools``, protocols 0 to 5. Opcodes that reach outside (persistent ids, the
extension registry, buffers out of band), and those that only Python 2 wrote, have no row in the table, and so are
refused like any other byte. Work is linear in the bytes: opcodes, memo and depth are bounded, and no length is believed
before as many bytes are there.
"""

import struct
from collections.abc import Callable
from typing import Any

from modelport.dialects.agentstudio.values import PickleRefused, build, call, finished, key, made, named

__all__ = ("MOST_OPCODES", "read_pickle")

MOST_OPCODES = 256 * 1024
MOST_LINE = 64 * 1024  # bytes of a line of the oldest protocol that holds no text
MOST_NUMBER = 256  # bytes of a whole number
_FREE = 64 * 1024  # characters and items that calls may look at beyond as many as the pickle has bytes
_LOOKED_AT = frozenset({str, list, tuple})
_MARK = object()


def read_pickle(data: bytes) -> Any:
    """The value that *data* holds.

    Text, numbers, truth values, None, bytes, lists, tuples, dicts, sets, NumPy arrays of plain numbers, paths (as
    names: ``PurePath``) and :class:`~modelport.dialects.agentstudio.values.AgentMessage`, and nothing else.

    Raises:
        PickleRefused: it is not a whole pickle, or holds something else.
    """
    return _Machine(data).run()


class _Machine:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._left = len(data) + _FREE
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        for _ in range(MOST_OPCODES):
            opcode = self.take(1)[0]
            if opcode == _STOP:
                return self._result()
            step = _STEPS.get(opcode)
            if step is None:
                raise PickleRefused(f"it has opcode {opcode:#04x} at byte {self._at - 1}, which is not allowed")
            step(self)
        raise PickleRefused(f"it has more than {MOST_OPCODES} opcodes")

    def _result(self) -> Any:
        if len(self.stack) != 1:
            raise PickleRefused(f"it ends with {len(self.stack)} values, not one")
        if self._at != len(self._data):
            raise PickleRefused(f"it goes on for {len(self._data) - self._at} bytes after its end")
        return finished(self.pop())

    # --- bytes ---

    def take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) != count:
            raise PickleRefused(f"it is cut short: {count} bytes were to come at byte {self._at}")
        self._at += count
        return piece

    def number(self, form: str) -> int:
        (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return value  # type: ignore[no-any-return]

    def line(self, most: int = MOST_LINE) -> bytes:
        end = self._data.find(b"\n", self._at, self._at + most)
        if end < 0:
            raise PickleRefused(f"it is cut short: no line ends within {most} bytes of byte {self._at}")
        line = self._data[self._at : end]
        self._at = end + 1
        return line

    def rest(self) -> int:
        return len(self._data) - self._at

    def spend(self, arguments: Any) -> None:
        """Count what a call will look at. One text may be called with again and again, at a few bytes each time."""
        sized = arguments if type(arguments) is tuple else ()
        self._left -= len(sized) + sum(len(one) for one in sized if type(one) in _LOOKED_AT)
        if self._left < 0:
            raise PickleRefused("it has more work in it than bytes")

    # --- the stack ---

    def pop(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise PickleRefused(f"it takes from an empty stack at byte {self._at - 1}")
        return self.stack.pop()

    def top(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise PickleRefused(f"it takes from an empty stack at byte {self._at - 1}")
        return self.stack[-1]

    def since_mark(self) -> list[Any]:
        stack = self.stack
        for at in range(len(stack) - 1, -1, -1):
            if stack[at] is _MARK:
                items = stack[at + 1 :]
                del stack[at:]
                return items
        raise PickleRefused(f"it takes to a mark that is not there at byte {self._at - 1}")

    def recall(self, index: int) -> None:
        if index not in self.memo:
            raise PickleRefused(f"it recalls number {index}, which it has not remembered")
        self.stack.append(self.memo[index])


Step = Callable[[_Machine], None]


def _constant(value: Any) -> Step:
    return lambda machine: machine.stack.append(value)


def _number(form: str) -> Step:
    return lambda machine: machine.stack.append(machine.number(form))


def _sized(form: str, convert: Callable[[bytes], Any], most: int | None = None) -> Step:
    def step(machine: _Machine) -> None:
        size = machine.number(form)
        if size < 0 or (most is not None and size > most):
            raise PickleRefused(f"it has a value of {size} bytes")
        machine.stack.append(convert(machine.take(size)))

    return step


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise PickleRefused("it holds text that is not UTF-8, or half a character") from None


def _whole(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


# --- the oldest protocol, in lines ---


def _escaped_line(machine: _Machine) -> None:
    try:
        text = machine.line(machine.rest()).decode("raw-unicode-escape")
    except UnicodeDecodeError:
        raise PickleRefused("it holds text with an escape that is none") from None
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PickleRefused("it holds half a character") from None
    machine.stack.append(text)


def _int_line(machine: _Machine) -> None:
    line = machine.line()
    machine.stack.append({b"00": False, b"01": True}[line] if line in {b"00", b"01"} else _decimal(line))


def _long_line(machine: _Machine) -> None:
    machine.stack.append(_decimal(machine.line().removesuffix(b"L")))


def _decimal(line: bytes) -> int:
    if not line.removeprefix(b"-").isdigit() or len(line) > 3 * MOST_NUMBER:
        raise PickleRefused("it holds a whole number that is none, or a huge one")
    return int(line)


def _float_line(machine: _Machine) -> None:
    line = machine.line()
    try:
        machine.stack.append(float(line))
    except ValueError:
        raise PickleRefused("it holds a number that is none") from None


def _index_line(machine: _Machine) -> int:
    return _decimal(machine.line())


def _name_lines(machine: _Machine) -> None:
    module, name = _text(machine.line()), _text(machine.line())
    machine.stack.append(named(module, name))


# --- containers ---


def _list(machine: _Machine) -> None:
    machine.stack.append(machine.since_mark())


def _tuple(machine: _Machine) -> None:
    machine.stack.append(tuple(machine.since_mark()))


def _tuple_of(count: int) -> Step:
    def step(machine: _Machine) -> None:
        items = [machine.pop() for _ in range(count)]
        machine.stack.append(tuple(reversed(items)))

    return step


def _dict(machine: _Machine) -> None:
    target: dict[Any, Any] = {}
    _set_all(target, machine.since_mark())
    machine.stack.append(target)


def _set_all(target: Any, items: list[Any]) -> None:
    if type(target) is not dict or len(items) % 2:
        raise PickleRefused("it sets items of what is no dict, or a key without a value")
    for at in range(0, len(items), 2):
        target[key(items[at])] = items[at + 1]


def _set_items(machine: _Machine) -> None:
    items = machine.since_mark()
    _set_all(machine.top(), items)


def _set_item(machine: _Machine) -> None:
    value, name = machine.pop(), machine.pop()
    _set_all(machine.top(), [name, value])


def _append(machine: _Machine) -> None:
    _extend(machine, [machine.pop()])


def _appends(machine: _Machine) -> None:
    _extend(machine, machine.since_mark())


def _extend(machine: _Machine, items: list[Any]) -> None:
    target = machine.top()
    if type(target) is not list:
        raise PickleRefused("it appends to what is no list")
    target.extend(items)


def _add_items(machine: _Machine) -> None:
    items = machine.since_mark()
    target = machine.top()
    if type(target) is not set:
        raise PickleRefused("it adds to what is no set")
    target.update(map(key, items))


def _frozenset(machine: _Machine) -> None:
    machine.stack.append(frozenset(map(key, machine.since_mark())))


# --- stack, memo, names ---


def _protocol(machine: _Machine) -> None:
    version = machine.number("<B")
    if version > 5:
        raise PickleRefused(f"it is of protocol {version}; 0 to 5 are known")


def _frame(machine: _Machine) -> None:
    size = machine.number("<Q")
    if size > machine.rest():
        raise PickleRefused(f"it is cut short: a frame of {size} bytes was to come")


def _pop(machine: _Machine) -> None:
    if not machine.stack:
        raise PickleRefused("it takes from an empty stack")
    machine.stack.pop()


def _remember(index: Callable[[_Machine], int]) -> Step:
    def step(machine: _Machine) -> None:
        machine.memo[index(machine)] = machine.top()

    return step


def _recall(index: Callable[[_Machine], int]) -> Step:
    return lambda machine: machine.recall(index(machine))


def _index(form: str) -> Callable[[_Machine], int]:
    return lambda machine: machine.number(form)


def _stack_name(machine: _Machine) -> None:
    name, module = machine.pop(), machine.pop()
    machine.stack.append(named(module, name))


def _reduce(machine: _Machine) -> None:
    arguments, function = machine.pop(), machine.pop()
    machine.spend(arguments)
    machine.stack.append(call(function, arguments))


def _new(machine: _Machine) -> None:
    arguments, kind = machine.pop(), machine.pop()
    machine.stack.append(made(kind, arguments))


def _build(machine: _Machine) -> None:
    state = machine.pop()
    build(machine.top(), state)


_STOP = ord(".")
_STEPS: dict[int, Step] = {
    0x80: _protocol,
    0x95: _frame,
    ord("("): lambda machine: machine.stack.append(_MARK),
    ord("0"): _pop,
    ord("1"): lambda machine: machine.since_mark().clear(),
    ord("2"): lambda machine: machine.stack.append(machine.top()),
    ord("N"): _constant(None),
    0x88: _constant(True),
    0x89: _constant(False),
    ord("I"): _int_line,
    ord("J"): _number("<i"),
    ord("K"): _number("<B"),
    ord("M"): _number("<H"),
    ord("L"): _long_line,
    0x8A: _sized("<B", _whole, MOST_NUMBER),
    0x8B: _sized("<i", _whole, MOST_NUMBER),
    ord("F"): _float_line,
    ord("G"): _number(">d"),
    ord("V"): _escaped_line,
    ord("X"): _sized("<I", _text),
    0x8C: _sized("<B", _text),
    0x8D: _sized("<Q", _text),
    ord("B"): _sized("<I", bytes),
    ord("C"): _sized("<B", bytes),
    0x8E: _sized("<Q", bytes),
    0x96: _sized("<Q", bytes),  # a bytearray, which is what a writable array's data comes as
    ord("]"): lambda machine: machine.stack.append([]),
    ord("a"): _append,
    ord("e"): _appends,
    ord("l"): _list,
    ord(")"): _constant(()),
    ord("t"): _tuple,
    0x85: _tuple_of(1),
    0x86: _tuple_of(2),
    0x87: _tuple_of(3),
    ord("}"): lambda machine: machine.stack.append({}),
    ord("d"): _dict,
    ord("s"): _set_item,
    ord("u"): _set_items,
    0x8F: lambda machine: machine.stack.append(set()),
    0x90: _add_items,
    0x91: _frozenset,
    ord("g"): _recall(_index_line),
    ord("h"): _recall(_index("<B")),
    ord("j"): _recall(_index("<I")),
    ord("p"): _remember(_index_line),
    ord("q"): _remember(_index("<B")),
    ord("r"): _remember(_index("<I")),
    0x94: _remember(lambda machine: len(machine.memo)),
    ord("c"): _name_lines,
    0x93: _stack_name,
    ord("R"): _reduce,
    0x81: _new,
    ord("b"): _build,
}
