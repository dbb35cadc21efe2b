import traceback

import pytest

from modelport.config import entry_from, open_entry
from modelport.errors import LoadError

CANARY = "sk-canary-5f1e"


class Talkative:
    """A class that repeats in its complaint what it was given."""

    def __init__(self, config: dict[str, object]) -> None:
        raise ValueError(f"cannot use {config['hf_token']} with {config['api_key']}")

    def create(self, params: object) -> object:
        return params

    def message_retrieval(self, response: object) -> list[str]:
        return [str(response)]


def test_a_constructor_that_repeats_its_keys_does_not_get_them_into_our_error() -> None:
    entry = entry_from({"model": Talkative, "api_key": CANARY, "hf_token": f"{CANARY}-hf"}, 0)

    with pytest.raises(LoadError) as caught:
        open_entry(entry)

    assert "cannot use *** with ***" in caught.value.message
    assert CANARY not in "".join(traceback.format_exception(caught.value))
