"""Entries of AutoGen's config lists whose models are not here."""

from typing import Any

import pytest

from modelport.client.openai_wrapper import OpenAIWrapper
from modelport.errors import ConfigError, ModelNotFound

ABSENT: list[dict[str, Any]] = [{"model": "gpt-4", "api_key": "sk-none"}, {"model": "nobody-knows"}]


@pytest.mark.parametrize(("entry", "error"), list(zip(ABSENT, (ConfigError, ModelNotFound), strict=True)))
def test_who_asks_one_is_told_and_who_has_one_is_not(entry: dict[str, Any], error: type[Exception]) -> None:
    wrapper = OpenAIWrapper(config_list=[entry])

    with pytest.raises(error, match=entry["model"]):
        wrapper.create(messages=[{"role": "user", "content": "hi"}])


@pytest.fixture
def wrapper() -> OpenAIWrapper:
    return OpenAIWrapper(config_list=[*ABSENT, {"model": "eliza"}], cache_seed=None)


async def test_the_next_entry_answers_in_its_stead(wrapper: OpenAIWrapper) -> None:
    response = await wrapper.acreate(messages=[{"role": "user", "content": "I am tired."}])

    assert response.config_id == 2
    assert wrapper.create(messages=[{"role": "user", "content": "I am tired."}]).config_id == 2


def test_a_wrong_field_is_still_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="max_retries"):
        OpenAIWrapper(config_list=[{"model": "gpt-4", "api_key": "k", "max_retries": "many"}])
