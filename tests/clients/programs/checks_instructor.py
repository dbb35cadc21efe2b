"""instructor: pydantic models out of answers, by tools, by JSON and by schema; whole, in parts, and one by one."""

import instructor
import pytest
from instructor.core import InstructorRetryException
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel, field_validator
from reporting import KEY, MODEL, OPENAI, URL

ASKS = [{"role": "user", "content": "What is the weather in San Francisco for 3 days?"}]
MODES = [instructor.Mode.TOOLS, instructor.Mode.JSON, instructor.Mode.JSON_SCHEMA]


class Forecast(BaseModel):
    city: str
    days: int


def made(mode=instructor.Mode.TOOLS):
    return instructor.from_openai(OpenAI(base_url=OPENAI, api_key=KEY, max_retries=0), mode=mode)


def test_the_two_lines():
    class Hello(BaseModel):
        whom: str

    client = instructor.from_openai(OpenAI(base_url=f"{URL}/v1", api_key=KEY))

    hi = [{"role": "user", "content": "Say hello to 'Ada'."}]
    answer = client.chat.completions.create(model="obliging", response_model=Hello, messages=hi)

    assert answer.whom == "Ada"


@pytest.mark.parametrize("model", [MODEL, "textual"])
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_form(mode, model):
    answer = made(mode).chat.completions.create(model=model, response_model=Forecast, messages=ASKS)

    assert answer.model_dump() == {"city": "San Francisco", "days": 3}


async def test_a_form_async():
    client = instructor.from_openai(AsyncOpenAI(base_url=OPENAI, api_key=KEY))
    answer = await client.chat.completions.create(model=MODEL, response_model=Forecast, messages=ASKS)

    assert answer.model_dump() == {"city": "San Francisco", "days": 3}


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_form_in_parts(mode):
    parts = list(made(mode).chat.completions.create_partial(model=MODEL, response_model=Forecast, messages=ASKS))

    assert len(parts) > 1
    assert (parts[-1].city, parts[-1].days) == ("San Francisco", 3)


def test_several_of_a_form():
    ones = list(made().chat.completions.create_iterable(model=MODEL, response_model=Forecast, messages=ASKS))

    assert [one.model_dump() for one in ones] == [{"city": "San Francisco", "days": 3}]


def test_the_answer_itself():
    form, answer = made().chat.completions.create_with_completion(model=MODEL, response_model=Forecast, messages=ASKS)

    assert form.days == 3
    assert answer.usage.total_tokens > 0


def test_a_form_that_is_never_kept():
    class Long(Forecast):
        @field_validator("days")
        @classmethod
        def more(cls, days):
            if days < 10:
                raise ValueError("more days, please")
            return days

    with pytest.raises(InstructorRetryException, match="more days"):
        made().chat.completions.create(model=MODEL, response_model=Long, messages=ASKS, max_retries=2)


def test_by_responses():
    client = instructor.from_openai(OpenAI(base_url=OPENAI, api_key=KEY), mode=instructor.Mode.RESPONSES_TOOLS)
    answer = client.responses.create(model=MODEL, input=ASKS, response_model=Forecast)

    assert answer.model_dump() == {"city": "San Francisco", "days": 3}


def test_by_the_name_of_a_provider(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    client = instructor.from_provider(f"openai/{MODEL}", base_url=OPENAI)
    answer = client.create(response_model=Forecast, messages=ASKS)

    assert answer.model_dump() == {"city": "San Francisco", "days": 3}
