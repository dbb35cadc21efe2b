"""The schema of a function, as a model gets it. The expected values are what AutoGen 0.2.40 gives, but where noted."""

import dataclasses
import enum
import functools
import logging
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, ForwardRef, Literal, Optional, Union

import pytest
from pydantic import BaseModel, Field, validate_call
from typing_extensions import TypedDict  # pydantic asks for it below Python 3.12

from modelport.agents.tools import function_name, get_function_schema
from modelport.agents.tools.schemas import get_parameter_json_schema, get_parameters
from modelport.agents.tools.signatures import get_typed_annotation, get_typed_return_annotation

if TYPE_CHECKING:
    from collections.abc import Callable


class Currency(BaseModel):
    """Some money."""

    currency: Annotated[str, "the code"]
    amount: Annotated[float, Field(description="how much", ge=0)] = 1.0


EURO = Currency(currency="EUR")
NOTHING = object()


class Line(BaseModel):
    cost: Currency


class Order(BaseModel):
    lines: list[Line]


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Options(TypedDict, total=False):
    deep: bool


class Connection:
    """Nothing that JSON has a form for."""


def parameters_of(function: "Callable[..., Any]") -> dict[str, Any]:
    schema = get_function_schema(function, name="f", description="d")
    parameters = schema["function"]["parameters"]
    assert isinstance(parameters, dict)
    return parameters


def test_plain_types_defaults_and_descriptions() -> None:
    def f(a: Annotated[str, "Parameter a"], b: int = 2, c: Annotated[float, "Parameter c"] = 0.1) -> None: ...

    assert get_function_schema(f, description="function f") == {
        "type": "function",
        "function": {
            "description": "function f",
            "name": "f",
            "parameters": {
                "type": "object",
                "properties": {
                    "a": {"type": "string", "description": "Parameter a"},
                    "b": {"type": "integer", "default": 2, "description": "b"},
                    "c": {"type": "number", "default": 0.1, "description": "Parameter c"},
                },
                "required": ["a"],
            },
        },
    }


def test_annotations_as_text_are_understood() -> None:
    def f(a: "Annotated[str, 'what']", b: "int | None" = None) -> None: ...

    assert parameters_of(f)["properties"] == {
        "a": {"type": "string", "description": "what"},
        "b": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None, "description": "b"},
    }


def test_choices_unions_and_containers() -> None:
    def f(
        a: Literal["USD", "EUR"],
        b: Optional[str],  # noqa: UP045  (as users write it)
        c: Union[int, str],  # noqa: UP007
        d: list[int],
        e: dict[str, list[float]],
        g: Any,
        h: Colour = Colour.RED,
    ) -> None: ...

    assert parameters_of(f)["properties"] == {
        "a": {"enum": ["USD", "EUR"], "type": "string", "description": "a"},
        "b": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "b"},
        "c": {"anyOf": [{"type": "integer"}, {"type": "string"}], "description": "c"},
        "d": {"items": {"type": "integer"}, "type": "array", "description": "d"},
        "e": {
            "additionalProperties": {"items": {"type": "number"}, "type": "array"},
            "type": "object",
            "description": "e",
        },
        "g": {"description": "g"},
        "h": {"enum": ["red", "blue"], "title": "Colour", "type": "string", "default": "red", "description": "h"},
    }


def test_a_pydantic_model_a_dataclass_and_a_typed_dict() -> None:
    def f(base: Annotated[Currency, "Base currency"], point: Point, options: Options) -> None: ...

    properties = parameters_of(f)["properties"]

    assert properties["base"] == {
        "description": "Base currency",
        "properties": {
            "currency": {"title": "Currency", "type": "string"},
            "amount": {"default": 1.0, "description": "how much", "minimum": 0, "title": "Amount", "type": "number"},
        },
        "required": ["currency"],
        "title": "Currency",
        "type": "object",
    }
    assert properties["point"]["required"] == ["x"]
    assert properties["options"]["properties"] == {"deep": {"title": "Deep", "type": "boolean"}}


def test_definitions_of_nested_models_stand_where_their_references_point() -> None:
    # AutoGen leaves them inside the property, where no "#/$defs/..." finds them.
    def f(order: Order, spare: Line | None = None) -> None: ...

    parameters = parameters_of(f)

    assert sorted(parameters["$defs"]) == ["Currency", "Line"]
    assert "$defs" not in parameters["properties"]["order"]
    assert parameters["properties"]["spare"]["anyOf"][0] == {"$ref": "#/$defs/Line"}


def test_two_types_of_one_name_do_not_get_mixed_up() -> None:
    def make(kind: Any) -> Any:
        class Item(BaseModel):
            value: kind

        return Item

    def f(a: list[make(int)], b: list[make(str)]) -> None: ...  # type: ignore[valid-type]

    parameters = parameters_of(f)

    kinds = [
        parameters["$defs"][parameters["properties"][name]["items"]["$ref"].removeprefix("#/$defs/")]["properties"][
            "value"
        ]["type"]
        for name in "ab"
    ]
    assert kinds == ["integer", "string"]


def test_a_field_may_describe_a_parameter_too() -> None:
    def f(a: Annotated[int, Field(description="how many", gt=0)]) -> None: ...

    assert parameters_of(f)["properties"] == {
        "a": {"description": "how many", "exclusiveMinimum": 0, "type": "integer"}
    }


def test_defaults_become_json_or_are_left_out() -> None:
    def f(
        a: Currency = EURO,
        b: date = date(2026, 1, 1),
        c: Any = NOTHING,
        d: tuple[int, ...] = (1, 2),
    ) -> None: ...

    properties = parameters_of(f)["properties"]

    assert properties["a"]["default"] == {"currency": "EUR", "amount": 1.0}
    assert properties["b"]["default"] == "2026-01-01"
    assert "default" not in properties["c"]
    assert properties["d"]["default"] == [1, 2]


def test_what_a_partial_gives_by_name_is_not_shown_to_the_model() -> None:
    def search(query: str, limit: int = 3, *, key: str) -> None: ...

    schema = get_function_schema(functools.partial(search, key="secret"), description="d")

    assert schema["function"]["name"] == "search"
    assert "secret" not in str(schema)
    assert list(schema["function"]["parameters"]["properties"]) == ["query", "limit"]
    assert schema["function"]["parameters"]["required"] == ["query"]


class Weather:
    def now(self, city: str) -> None: ...

    @classmethod
    def made(cls, city: str) -> None: ...

    @staticmethod
    def fixed(city: str) -> None: ...

    def __call__(self, city: "Annotated[str, 'where']") -> None: ...


@pytest.mark.parametrize(
    "function", [Weather().now, Weather.made, Weather.fixed, Weather(), validate_call(Weather.fixed)]
)
def test_methods_and_callable_objects_have_the_parameters_that_are_left_to_give(function: Any) -> None:
    parameters = parameters_of(function)

    assert list(parameters["properties"]) == parameters["required"] == ["city"]
    assert function_name(function) in {"now", "made", "fixed", "Weather"}


def test_async_functions_are_described_like_others() -> None:
    async def f(a: bool) -> None: ...

    assert parameters_of(f)["properties"] == {"a": {"type": "boolean", "description": "a"}}


def test_a_missing_annotation_is_an_error_with_both_names() -> None:
    def f(a, b: int, c) -> None: ...  # type: ignore[no-untyped-def]

    with pytest.raises(TypeError) as caught:
        get_function_schema(f, description="d")

    assert str(caught.value) == (
        "All parameters of the function 'f' without default values must be annotated. "
        "The annotations are missing for the following parameters: 'a', 'c'"
    )


def test_a_default_without_an_annotation_is_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    def f(a: int, b=2) -> None: ...  # type: ignore[no-untyped-def]

    with caplog.at_level(logging.WARNING):
        parameters = parameters_of(f)

    assert list(parameters["properties"]) == ["a"]
    assert "parameters of the function 'f' with default values are not annotated: 'b'" in caplog.text


@pytest.mark.parametrize(
    ("annotation", "error"), [(Connection, TypeError), ("Missing", NameError), (Annotated[int, 5], ValueError)]
)
def test_an_annotation_of_no_use_is_an_error_with_both_names(annotation: Any, error: type[Exception]) -> None:
    def query(where: Any) -> None: ...

    query.__annotations__["where"] = annotation

    with pytest.raises(error) as caught:
        get_function_schema(query, description="d")

    assert "where" in str(caught.value)
    assert "'query'" in str(caught.value)
    assert "Annotated" in str(annotation) or str(annotation).removeprefix("<class '").split("'")[0] in str(caught.value)


def test_an_annotation_that_is_no_python_is_an_error() -> None:
    with pytest.raises(TypeError, match="is not Python"):
        get_typed_annotation("not a type", {})


def test_unknown_names_stay_forward_references() -> None:
    assert get_typed_annotation("Missing", {}) == ForwardRef("Missing")


def test_the_return_annotation_is_a_type_or_none() -> None:
    def said() -> "int": ...  # type: ignore[empty-body]

    def unsaid(): ...  # type: ignore[no-untyped-def]

    assert get_typed_return_annotation(said) is int
    assert get_typed_return_annotation(unsaid) is None


def test_the_pieces_give_what_the_whole_does() -> None:
    parameters = get_parameters(["a"], {"a": Annotated[int, "how many"], "b": str}, {"b": "x"})

    assert parameters.model_dump() == {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "description": "how many"},
            "b": {"type": "string", "default": "x", "description": "b"},
        },
        "required": ["a"],
    }
    assert get_parameter_json_schema("b", str, {}) == {"type": "string", "description": "b"}


def test_nothing_heavy_is_imported_for_tools_with_plain_parameters() -> None:
    program = (
        "import sys, modelport.agents.tools as tools\n"
        "def f(a: int, b: str = 'x') -> str: return str(a) + b\n"
        "tools.get_function_schema(f, description='d')\n"
        "call = {'name': 'f', 'arguments': '{\"a\": 1}'}\n"
        "assert tools.execute(call, {'f': tools.wrap_tool(f)}, print)[1]['content'] == '1x'\n"
        "assert not {'pydantic', 'asyncio', 'mcp'} & set(sys.modules), sorted(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
