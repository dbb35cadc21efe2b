"""docs/fields.md says of each field what the code does with it."""

from importlib import import_module

import pytest

from modelport.registry import Registry
from modelport.types import ChatRequest
from tests.docs.fields import PAGE, made

DIALECTS = Registry("dialect", "modelport.dialects", "DIALECT").names()


def test_the_page_is_what_the_tables_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == made(), "docs/fields.md is behind the code: run `make fates`"


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_has_a_table(name: str) -> None:
    assert import_module(f"modelport.dialects.{name}").FATES


def test_the_ports_table_has_every_field_of_a_request() -> None:
    assert list(import_module("modelport.dialects.port").FATES) == list(ChatRequest.__struct_fields__)
