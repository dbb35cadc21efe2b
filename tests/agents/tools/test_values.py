"""Arguments become models, results become text."""

import dataclasses
import enum
from datetime import date
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ValidationError, validate_call

from modelport.agents.tools import load_basemodels_if_needed, serialize_to_str
from modelport.agents.tools.values import model_loader


class Currency(BaseModel):
    currency: str
    amount: float


@dataclasses.dataclass
class Point:
    x: int


class Kind(enum.Enum):
    A = 1


def test_a_dict_becomes_the_model_that_the_function_asks_for() -> None:
    @load_basemodels_if_needed
    def convert(base: Annotated[Currency, "Base currency"], to: str = "USD") -> str:
        return f"{base.amount} {base.currency} {to}"

    assert convert(base={"currency": "EUR", "amount": 1}) == "1.0 EUR USD"
    assert convert(base=Currency(currency="EUR", amount=2), to="GBP") == "2.0 EUR GBP"


async def test_async_functions_get_models_too() -> None:
    @load_basemodels_if_needed
    async def convert(base: "Currency") -> str:
        return base.currency

    assert await convert(base={"currency": "EUR", "amount": 1}) == "EUR"


def test_a_model_with_a_default_may_be_left_out() -> None:
    @load_basemodels_if_needed
    def convert(base: Currency = Currency(currency="EUR", amount=3)) -> float:  # noqa: B008
        return base.amount

    assert convert() == 3


def test_arguments_that_do_not_fit_the_model_are_an_error_that_names_the_field() -> None:
    load = model_loader(Currency)
    assert load is not None

    with pytest.raises(ValidationError, match="amount"):
        load({"currency": "EUR", "amount": "much"})
    with pytest.raises(TypeError, match="fields of Currency, got str"):
        load("EUR")  # type: ignore[arg-type]


def test_models_inside_lists_stay_dicts_unless_the_function_validates_its_call() -> None:
    def plain(prices: list[Currency]) -> str:
        return type(prices[0]).__name__

    assert load_basemodels_if_needed(plain)(prices=[{"currency": "EUR", "amount": 1}]) == "dict"
    assert load_basemodels_if_needed(validate_call(plain))(prices=[{"currency": "EUR", "amount": 1}]) == "Currency"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        ({"a": "é"}, '{"a": "é"}'),
        (None, "null"),
        (1.5, "1.5"),
        ([1, (2,)], "[1, [2]]"),
        (Currency(currency="EUR", amount=1), '{"currency":"EUR","amount":1.0}'),
        ([Currency(currency="EUR", amount=1)], '[{"currency": "EUR", "amount": 1.0}]'),
        (Point(1), '{"x": 1}'),
        ({"when": date(2026, 1, 1), "kind": Kind.A}, '{"when": "2026-01-01", "kind": 1}'),
    ],
)
def test_results_become_text(value: Any, text: str) -> None:
    assert serialize_to_str(value) == text


def test_a_result_that_has_no_json_is_an_error_that_names_its_type() -> None:
    with pytest.raises(TypeError, match="Object of type object is not JSON serializable"):
        serialize_to_str([object()])
