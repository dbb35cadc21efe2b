"""The door: which contract a thing is taken for, how its object is made, what is given back as it is."""

from types import SimpleNamespace
from typing import Any

import pytest

from modelport import as_model
from modelport.adapters import (
    AgentStudioModel,
    FunctionModel,
    ModelClientModel,
    NativeModel,
    construct,
    contract_of,
)
from modelport.errors import LoadError
from modelport.testing import ScriptedModel


class Stream:
    name = "stream"

    def stream(self, request: Any) -> Any:
        yield "x"


class Client:
    def create(self, params: Any) -> Any:
        return "x"

    def message_retrieval(self, response: Any) -> Any:
        return [response]


class Studio:
    name = "studio"

    def compose_messages(self, intermedia_msg: Any) -> Any:
        return intermedia_msg

    def generate_response(self, messages: Any, **kwargs: Any) -> Any:
        return "x", {}


class Everything(Stream, Client, Studio):
    def __call__(self, messages: Any) -> str:
        return "x"


@pytest.mark.parametrize(
    ("thing", "contract", "adapter"),
    [
        (Stream, "native", NativeModel),
        (Client, "modelclient", ModelClientModel),
        (Studio, "agentstudio", AgentStudioModel),
        (lambda messages: "x", "function", FunctionModel),
        (Everything, "native", NativeModel),
        (type("Both", (Client, Studio), {}), "modelclient", ModelClientModel),
    ],
)
def test_a_thing_is_taken_for_the_contract_that_its_methods_keep(thing: Any, contract: str, adapter: type) -> None:
    assert contract_of(thing) == contract
    assert type(as_model(thing)) is adapter


@pytest.mark.parametrize("cls", [Stream, Client, Studio])
def test_an_object_is_taken_as_its_class_is(cls: Any) -> None:
    thing = cls()

    model: Any = as_model(thing)

    assert model.target is thing


def test_methods_that_are_set_on_an_object_count() -> None:
    thing = SimpleNamespace(create=lambda params: "x", message_retrieval=lambda response: [response])

    assert contract_of(thing) == "modelclient"


def test_a_model_is_given_back_as_it_is_unless_it_shall_have_another_name() -> None:
    model = ScriptedModel(name="scripted")

    assert as_model(model) is model
    assert as_model(model, name="scripted") is model
    assert as_model(model, name="other").name == "other"


@pytest.mark.parametrize(
    ("thing", "config", "name"),
    [
        (Client, None, "Client"),
        (Client, {"model": "mistral"}, "mistral"),
        (Studio, {"model": "mistral"}, "studio"),
        (Stream, None, "stream"),
    ],
)
def test_a_model_is_named_by_its_contract(thing: Any, config: Any, name: str) -> None:
    assert as_model(thing, config=config).name == name
    assert as_model(thing, config=config, name="mine").name == "mine"


# --- constructors -----------------------------------------------------------------------------------------------------


class Keeping:
    """Keeps what it was made with."""

    name = "keeping"
    made: Any = None

    def stream(self, request: Any) -> Any:
        yield "x"


def keeping(init: Any) -> Any:
    return type("Keeping", (Keeping,), {"__init__": init})


def test_a_constructor_is_given_the_entries_that_it_names() -> None:
    def init(self: Any, device: str, beams: int = 1) -> None:
        self.made = (device, beams)

    assert construct(keeping(init), {"device": "cuda", "price": [0, 0], "tags": ["x"]}).made == ("cuda", 1)


def test_a_constructor_that_takes_anything_is_given_all_but_what_is_the_ports() -> None:
    def init(self: Any, **kwargs: Any) -> None:
        self.made = kwargs

    config = {"device": "cuda", "temperature": 0, "price": [0, 0], "tags": ["x"], "model_client_cls": "Keeping"}

    assert construct(keeping(init), config, {"extra": 1}).made == {"device": "cuda", "temperature": 0, "extra": 1}


def test_a_constructor_that_takes_a_config_is_given_one() -> None:
    def init(self: Any, config: Any) -> None:
        self.made = config

    assert construct(keeping(init), {"device": "cuda"}).made == {"device": "cuda"}


def test_arguments_come_before_the_config() -> None:
    def init(self: Any, device: str) -> None:
        self.made = device

    assert construct(keeping(init), {"device": "cuda"}, {"device": "cpu"}).made == "cpu"


def test_an_argument_that_a_constructor_does_not_take_is_an_error() -> None:
    def init(self: Any, device: str) -> None:
        self.made = device

    with pytest.raises(LoadError) as caught:
        construct(keeping(init), None, {"device": "cpu", "beams": 2})

    assert str(caught.value) == (
        "Keeping() cannot be called with what it was given (got an unexpected keyword argument 'beams'): "
        "take it in __init__, or add **kwargs"
    )


def test_the_error_of_a_constructor_is_the_cause_of_ours() -> None:
    boom = FileNotFoundError("no weights")

    def init(self: Any) -> None:
        raise boom

    with pytest.raises(LoadError) as caught:
        as_model(keeping(init))

    assert caught.value.__cause__ is boom


def test_nothing_that_the_user_holds_is_copied() -> None:
    class Loaded:
        def __init__(self, config: Any, **kwargs: Any) -> None:
            self.weights = kwargs["weights"]

        def create(self, params: Any) -> Any:
            return "x"

        def message_retrieval(self, response: Any) -> Any:
            return [response]

    class Weights:
        def __deepcopy__(self, memo: Any) -> Any:
            raise TypeError("weights cannot be copied")

        __copy__ = __reduce__ = __deepcopy__  # type: ignore[assignment]

    weights = Weights()
    model: Any = as_model(Loaded, config={"tensor": weights}, arguments={"weights": weights})

    assert model.client.weights is weights
