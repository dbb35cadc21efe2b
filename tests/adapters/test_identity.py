"""A model's identity changes with its code and its configuration, and with nothing else."""

import functools
import subprocess
import sys
from typing import Any

import pytest

from modelport import as_model
from modelport.model import identity


def function_of(source: str) -> Any:
    """A function that exists in no file, as in a notebook or a shell."""
    space: dict[str, Any] = {"__name__": "notebook"}
    exec(source, space)
    return space["reply"]


def client_of(answer: str) -> Any:
    class Client:
        def create(self, params: Any) -> Any:
            return answer

        def message_retrieval(self, response: Any) -> Any:
            return [response]

    return Client


def plain(messages: Any) -> str:
    return "one"


class Weighted:
    name = "weighted"

    def __init__(self, path: str = "a", **kwargs: Any) -> None:
        self.path = path
        self.lock = object()

    def compose_messages(self, intermedia_msg: Any) -> Any:
        return intermedia_msg

    def generate_response(self, messages: Any, **kwargs: Any) -> Any:
        return self.path, {}


def of(thing: Any, **kwargs: Any) -> str:
    return identity(as_model(thing, **kwargs))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def reply(m): return 'one'", "def reply(m): return 'two'"),
        ("def reply(m): return m.a", "def reply(m): return m.b"),
        ("def reply(m, x=1): return x", "def reply(m, x=2): return x"),
        ("def reply(m, *, x=1): return x", "def reply(m, *, x=2): return x"),
        ("def reply(m): return [1 for _ in m]", "def reply(m): return [2 for _ in m]"),
        ("def reply(m): return (lambda: 'a')()", "def reply(m): return (lambda: 'b')()"),
        ("def reply(m): return m in {'a', 'b'}", "def reply(m): return m in {'a', 'c'}"),
    ],
)
def test_other_code_has_another_identity_also_where_there_is_no_source(one: str, other: str) -> None:
    assert of(function_of(one)) == of(function_of(one))
    assert of(function_of(one)) != of(function_of(other))


def test_what_a_function_closes_over_is_part_of_it() -> None:
    def made(answer: Any) -> Any:
        return lambda messages: answer

    assert of(made("a")) == of(made("a"))
    assert of(made("a")) != of(made("b"))
    assert of(made(plain)) != of(made(len))


def test_the_arguments_of_a_partial_are_part_of_it() -> None:
    def reply(prefix: str, messages: Any) -> str:
        return prefix

    assert of(functools.partial(reply, "a")) == of(functools.partial(reply, "a"))
    assert of(functools.partial(reply, "a")) != of(functools.partial(reply, "b"))


def test_a_class_of_the_same_name_with_other_code_is_another_model() -> None:
    one, other = client_of("a"), client_of("b")

    assert one.__qualname__ == other.__qualname__
    assert of(one) != of(other)


def test_a_base_class_is_part_of_a_class() -> None:
    def derived(base: type) -> type:
        return type("Derived", (base,), {})

    assert of(derived(client_of("a"))) == of(derived(client_of("a")))
    assert of(derived(client_of("a"))) != of(derived(client_of("b")))


def test_an_objects_plain_values_are_part_of_it_and_its_other_objects_only_by_their_class() -> None:
    assert of(Weighted("a")) == of(Weighted("a"))
    assert of(Weighted("a")) != of(Weighted("b"))


def test_a_method_is_known_with_the_object_that_it_is_of() -> None:
    class Holder:
        def __init__(self, path: str) -> None:
            self.path = path

        def reply(self, messages: Any) -> str:
            return self.path

    assert of(Holder("a").reply) == of(Holder("a").reply)
    assert of(Holder("a").reply) != of(Holder("b").reply)


@pytest.mark.parametrize("contract", [client_of("a"), plain, Weighted], ids=["ModelClient", "function", "AgentStudio"])
def test_the_configuration_is_part_of_it_whatever_the_order_of_its_entries(contract: Any) -> None:
    one = {"device": "cuda", "params": {"max_length": 1000, "beams": 2}}
    turned = {"params": {"beams": 2, "max_length": 1000}, "device": "cuda"}

    assert of(contract, config=one) == of(contract, config=turned)
    assert of(contract, config=one) != of(contract, config={**one, "device": "cpu"})


def test_what_reached_the_constructor_is_part_of_it() -> None:
    assert of(client_of("a")) != of(type("Client", (client_of("a"),), {}), arguments={})

    class Configured(client_of("a")):  # type: ignore[misc]
        def __init__(self, config: Any, **kwargs: Any) -> None:
            pass

    assert of(Configured, arguments={"weights": "W1"}) != of(Configured, arguments={"weights": "W2"})


@pytest.mark.parametrize("name", ["api_key", "OPENAI_API_KEY", "hf_token", "password", "client_secret"])
def test_a_secret_is_neither_told_nor_does_it_change_anything(name: str) -> None:
    one = of(plain, config={name: "sk-canary-1"})

    assert "canary" not in one
    assert one == of(plain, config={name: "sk-canary-2"})


def test_a_limit_on_tokens_is_no_secret() -> None:
    assert of(plain, config={"max_tokens": 1}) != of(plain, config={"max_tokens": 2})


def test_an_identity_of_its_own_comes_before_all_that() -> None:
    class Versioned(Weighted):
        identity = "weights-7"

    assert of(Versioned("a")) == of(Versioned("b")) == "weights-7"


def test_an_identity_is_the_same_in_every_process() -> None:
    program = (
        "from modelport import as_model\n"
        "def reply(m, x={'b', 'a', 'c'}):\n    return m in {'p', 'q', 'r'}\n"
        "print(as_model(reply, config={'z': {'p', 'q', 'r'}, 'y': object()}).identity)"
    )

    seen = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    }

    assert len(seen) == 1


def test_nothing_is_computed_until_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def unexpected(*args: Any) -> str:
        raise AssertionError("the identity was computed")

    monkeypatch.setattr("modelport.adapters.function.identity_of", unexpected)

    model = as_model(plain)

    with pytest.raises(AssertionError):
        identity(model)
