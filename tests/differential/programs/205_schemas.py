"""The JSON schemas of tools, from every kind of signature."""

from enum import Enum
from typing import Annotated, Any, Dict, List, Literal, Optional, Tuple, Union

from autogen.function_utils import get_function_schema
from pydantic import BaseModel, Field
from support import report


class Point(BaseModel):
    x: int
    y: Annotated[int, Field(description="up")] = 0


class Line(BaseModel):
    points: List[Point] = Field(description="in order")
    name: Optional[str] = None


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


# fmt: off
def nothing() -> str: ...
def basic(a: int, b: float, c: str, d: bool) -> str: ...
def described(a: Annotated[int, "the first"], b: Annotated[str, "the second"] = "two") -> str: ...
def defaults(a: int = 1, b: float = 2.5, c: Optional[str] = None, d: bool = True) -> str: ...
def containers(a: List[int], b: Dict[str, float], c: Tuple[int, str], d: List[Dict[str, Any]]) -> str: ...
def modern(a: list[int], b: dict[str, float], c: "int | None" = None) -> str: ...
def choices(a: Literal["x", "y"], b: Union[int, str], c: Annotated[Literal[1, 2], "one or two"] = 1) -> str: ...
def enums(colour: Colour) -> str: ...
def models(line: Annotated[Line, "a line"], point: Point = Point(x=1)) -> Line: ...
def lists_of_models(points: Annotated[List[Point], "all of them"]) -> None: ...
def anything(a: Any, b: object = None) -> str: ...
def keyword_only(*, a: int, b: Annotated[str, "second"] = "x") -> str: ...
def list_default(a: Annotated[List[int], "numbers"] = [1, 2]) -> str: ...  # noqa: B006
async def slow(a: Annotated[str, "text"]) -> str: ...
# fmt: on


def documented(a: int) -> str:
    """A docstring is not the description."""


tools = [
    nothing,
    basic,
    described,
    defaults,
    containers,
    modern,
    choices,
    enums,
    models,
    lists_of_models,
    anything,
    keyword_only,
    list_default,
    slow,
    documented,
]
report(
    **{each.__name__: get_function_schema(each, description=f"About {each.__name__}") for each in tools},
    named=get_function_schema(basic, name="renamed", description="Under another name"),
)
