"""The words in which a route's bodies are described. Knows no wire."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from modelport.server.limits import Limits

__all__ = ("STOP", "STOPS", "Count", "Emulations", "Facts", "Parameter", "Shape", "Shapes", "Stamp")

Count = Annotated[int, Meta(ge=0)]
Stamp = Annotated[int, Meta(ge=0, description="Unix time, in seconds")]
Emulations = Annotated[list[str], Meta(description="the fields that were kept in the model's stead")]
_LIMITS = Limits()
_STOP = {"type": "string", "minLength": 1, "maxLength": _LIMITS.stop_length}
STOPS: Mapping[str, Any] = {
    "anyOf": [{"type": "array", "maxItems": _LIMITS.stops, "items": _STOP}, {"type": "null"}],
}
"""The schema of a list of stop sequences, as a server bounds it."""
STOP: Mapping[str, Any] = {"anyOf": [_STOP, *STOPS["anyOf"]]}
"""The same, or one of them."""


class Facts(Struct):
    """What is known of an answer beyond the wire's own form."""

    emulated: Emulations | UnsetType = UNSET
    cached: bool | UnsetType = UNSET
    usage_estimated: bool | UnsetType = UNSET
    cost: Annotated[float, Meta(description="US dollars")] | UnsetType = UNSET


class Parameter(Struct, frozen=True, kw_only=True):
    """One thing that a request says beside its body. ``place`` is query, header or path."""

    name: str
    place: str
    schema: Mapping[str, Any]
    description: str


class Shape(Struct, frozen=True, kw_only=True):
    """The bodies of one route.

    ``asks`` is the type of a request's body, ``gives`` of a whole answer (several: of either form), ``pieces`` of one
    event or line of a streamed one. What crosses in no JSON has ``binary``, which says what it is, and ``kinds``, the
    content types of its answers where they are not its dialect's. ``plain`` tells that its JSON has no charset, as its
    dialect's has.
    ``fates`` say what becomes of a request's fields; ``timed`` tells that it is an answer that may take long, of a
    model that may fail. ``rest`` is the name of what follows a path that ends in ``/``. ``links`` are operations that
    take the answer's id, each with the name of its parameter.
    """

    summary: str
    asks: Any = None
    gives: Any = None
    pieces: Any = None
    binary: str = ""
    kinds: tuple[str, ...] = ()
    plain: bool = False
    fates: Mapping[str, str] = {}
    parameters: tuple[Parameter, ...] = ()
    timed: bool = False
    rest: str = "id"
    links: Mapping[str, str] = {}
    statuses: tuple[int, ...] = ()  # that can come, too


class Shapes(Struct, frozen=True, kw_only=True):
    """The routes of one wire, by method and path, and the form of its dialects' errors, by their names.

    ``narrow`` says what the types cannot: by a type's name, or by that and a field's, what its schema has beside or in
    place of what the type tells. ``beside`` are types that only ``narrow`` names.
    """

    routes: Mapping[str, Shape]
    errors: Mapping[str, Any] = {}
    beside: tuple[Any, ...] = ()
    narrow: Mapping[str, Mapping[str, Any]] = {}
