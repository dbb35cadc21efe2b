"""AutoGen's names: the seed's example word for word, its semantics, and the pains that are gone."""

import json
import logging
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modelport import autogen
from modelport.autogen import Cache, ModelClient, OpenAIWrapper, config_list_from_json
from modelport.errors import AllModelsFailed, ContractBroken, UnsupportedField
from tests.seed_autogen import CustomModelClient

HI = [{"role": "user", "content": "hi"}]


# The tutorial's entry, word for word.
ENTRY = """
{
"model": "Open-Orca/Mistral-7B-OpenOrca",
"model_client_cls": "CustomModelClient",
"device": "cuda",
"n": 1,
"params": {
"max_length": 1000,
}
}
""".replace("1000,\n}", "1000\n}")  # but for a comma that JSON does not have


class Counting(CustomModelClient):
    """Says how often it was asked, and with what."""

    def __init__(self, config: Any, **kwargs: Any) -> None:
        self.config, self.kwargs = config, kwargs
        self.asked: list[dict[str, Any]] = []

    def create(self, params: Any) -> Any:
        self.asked.append(params)
        response: Any = super().create(params)  # type: ignore[no-untyped-call]
        response.choices[0].message.content = f"answer {len(self.asked)}"
        return response


class Raising(CustomModelClient):
    def __init__(self, config: Any, **kwargs: Any) -> None:
        """As quiet as the others."""

    def create(self, params: Any) -> Any:
        raise RuntimeError("out of memory")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def entry(cls: str, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "model_client_cls": cls, **fields}


def wrapper(cls: type, times: int = 1, **fields: Any) -> OpenAIWrapper:
    client = OpenAIWrapper(config_list=[entry(cls.__name__, **fields) for _ in range(times)])
    for _ in range(times):
        client.register_model_client(cls)
    return client


# --- the tutorial ---


def test_the_tutorial_runs_word_for_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "OAI_CONFIG_LIST").write_text(f"[{ENTRY}]")
    config_list = config_list_from_json("OAI_CONFIG_LIST", filter_dict={"model_client_cls": ["CustomModelClient"]})

    client = OpenAIWrapper(config_list=config_list)
    client.register_model_client(model_client_cls=CustomModelClient)
    response = client.create(messages=HI)

    assert client.extract_text_or_completion_object(response) == ["this is a dummy text response"]
    assert OpenAIWrapper.extract_text_or_completion_object(response) == ["this is a dummy text response"]
    assert (response.model, response.cost, response.config_id, response.pass_filter) == ("model_name", 0, 0, True)
    assert f"CustomModelClient config: {json.loads(ENTRY)}" in capsys.readouterr().out


def test_n_of_the_entry_and_of_the_call_reach_the_class() -> None:
    client = wrapper(CustomModelClient)

    assert (
        client.extract_text_or_completion_object(client.create(messages=HI, n=3))
        == ["this is a dummy text response"] * 3
    )


def test_the_protocol_is_there_to_be_named() -> None:
    assert ModelClient.RESPONSE_USAGE_KEYS == ("prompt_tokens", "completion_tokens", "total_tokens", "cost", "model")


@pytest.mark.parametrize("name", autogen.__all__)
def test_every_name_is_there(name: str) -> None:
    assert hasattr(autogen, name)


# --- what create gets and gives ---


def test_the_class_gets_what_autogen_gives_it() -> None:
    client = OpenAIWrapper(
        config_list=[entry("Counting", device="cuda", temperature=0.5, price=[1, 2], timeout=9)],
        cache_seed=None,
        top_p=1,
    )
    lock = threading.Lock()
    client.register_model_client(Counting, weights=lock)
    response = client.create(messages=HI, temperature=0.9, tags=["x"], context=None)
    mine = response.message_retrieval_function.__self__.client

    assert mine.kwargs == {"weights": lock}
    assert mine.config == entry("Counting", device="cuda", temperature=0.5, price=[1, 2], timeout=9)
    # the entry comes before the call; what is for the wrapper or for OpenAI's own client is taken out
    assert mine.asked == [
        {
            "messages": HI,
            "temperature": 0.5,
            "top_p": 1,
            "model": "m",
            "model_client_cls": "Counting",
            "device": "cuda",
        }
    ]
    assert mine.asked[0]["messages"] is HI


def test_the_answer_is_the_users_own_object() -> None:
    made: list[Any] = []

    class Keeping(Counting):
        def create(self, params: Any) -> Any:
            made.append(super().create(params))
            made[-1].lock = threading.Lock()
            return made[-1]

    response = wrapper(Keeping).create(messages=HI)

    assert response is made[0]


def test_templates_and_prompts() -> None:
    client = wrapper(Counting, cache_seed=None)
    client.create(
        messages=[{"role": "user", "content": "{x}"}, {"role": "user"}],
        context={"x": "filled"},
        allow_format_str_template=True,
    )
    response = client.create(prompt=lambda context: context["x"] * 2, context={"x": "ab"})
    asked = response.message_retrieval_function.__self__.client.asked

    assert asked[0]["messages"] == [{"role": "user", "content": "filled"}, {"role": "user"}]
    assert asked[1]["prompt"] == "abab"
    with pytest.raises(ValueError, match="either messages or prompt"):
        client.create()
    with pytest.raises(ValueError, match="either messages or prompt"):
        client.create(messages=HI, prompt="hi")


# --- registering, as the seed does ---


def test_a_class_that_no_entry_names_is_a_value_error() -> None:
    client = OpenAIWrapper(config_list=[entry("Counting")])

    with pytest.raises(ValueError, match="CustomModelClient") as caught:
        client.register_model_client(CustomModelClient)
    assert "named there: Counting" in str(caught.value)


def test_a_call_before_all_are_registered_is_a_runtime_error() -> None:
    client = OpenAIWrapper(config_list=[entry("Counting"), entry("Raising")])
    client.register_model_client(Counting)

    with pytest.raises(RuntimeError, match="not activated: Raising"):
        client.create(messages=HI)


def test_each_registration_activates_one_entry() -> None:
    client = OpenAIWrapper(config_list=[entry("Counting"), entry("Counting")])

    client.register_model_client(Counting)
    with pytest.raises(RuntimeError, match="not activated: Counting"):
        client.create(messages=HI)
    client.register_model_client(Counting)

    assert client.create(messages=HI).config_id == 0


def test_registering_once_too_often_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    client = wrapper(Counting)

    client.register_model_client(Counting)

    assert "add an entry" in caplog.text


# --- the cache ---


def test_answers_are_cached_under_seed_41_unless_told_otherwise() -> None:
    client = wrapper(Counting)

    texts = [
        client.extract_text_or_completion_object(client.create(messages=HI, **options))
        for options in ({}, {}, {"cache_seed": None}, {"cache_seed": 7}, {"cache_seed": 7}, {"temperature": 1})
    ]

    assert texts == [["answer 1"], ["answer 1"], ["answer 2"], ["answer 3"], ["answer 3"], ["answer 4"]]
    assert Path(".cache/41/modelport.sqlite").exists()


def test_a_cached_answer_has_what_the_first_had() -> None:
    client = wrapper(Counting)
    first, second = client.create(messages=HI), client.create(messages=HI)

    assert (second.model, second.cost, second.config_id, second.pass_filter) == ("model_name", 0, 0, True)
    assert second.choices[0].message.content == first.choices[0].message.content
    assert second is not first


def test_a_cache_may_be_given() -> None:
    client = wrapper(Counting)

    with Cache.disk(cache_seed=5, cache_path_root="elsewhere") as cache:
        texts = [client.create(messages=HI, cache=cache).choices[0].message.content for _ in range(2)]

    assert texts == ["answer 1"] * 2
    assert Path("elsewhere/5/modelport.sqlite").exists()


def test_usage_is_actual_and_total(capsys: pytest.CaptureFixture[str]) -> None:
    class Costly(Counting):
        def cost(self, response: Any) -> float:
            return 0.5

        @staticmethod
        def get_usage(response: Any) -> dict[str, Any]:
            return {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "cost": 0.5, "model": "model_name"}

    client = wrapper(Costly)
    client.create(messages=HI)
    client.create(messages=HI)

    assert client.actual_usage_summary is not None
    assert client.total_usage_summary is not None
    assert (client.actual_usage_summary["total_cost"], client.total_usage_summary["total_cost"]) == (0.5, 1.0)
    assert client.total_usage_summary["model_name"]["total_tokens"] == 14
    client.print_usage_summary()
    assert "Total cost: 1.0\n" in capsys.readouterr().out
    client.clear_usage_summary()
    assert client.total_usage_summary is None


def test_get_usage_may_read_the_cost_that_autogen_sets_before_it() -> None:
    class Reading(Counting):
        def cost(self, response: Any) -> float:
            return 0.25

        @staticmethod
        def get_usage(response: Any) -> dict[str, Any]:
            return {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": response.cost, "model": "x"}

    client = wrapper(Reading)
    client.create(messages=HI)

    assert client.actual_usage_summary is not None
    assert client.actual_usage_summary["total_cost"] == 0.25


# --- filters ---


def test_the_last_answer_is_given_though_it_does_not_pass() -> None:
    client = wrapper(Counting, times=2, cache_seed=None)

    def never(context: Any, response: Any) -> bool:
        return False

    def second(context: Any, response: Any) -> bool:
        return bool(context["want"] in client.extract_text_or_completion_object(response))

    rejected = client.create(messages=HI, filter_func=never)
    assert (rejected.config_id, rejected.pass_filter) == (1, False)
    passed = client.create(messages=HI, filter_func=second, context={"want": "answer 2"})
    assert (passed.config_id, passed.pass_filter) == (0, True)


# --- rows R1 to R9: what users of AutoGen 0.2.40 run into ---


def test_r1_any_error_is_followed_by_the_next_entry() -> None:
    client = OpenAIWrapper(config_list=[entry("Raising"), entry("Counting")])
    client.register_model_client(Raising)
    client.register_model_client(Counting)

    assert client.create(messages=HI).config_id == 1


def test_r1_all_errors_are_told_and_the_only_one_is_the_users_own() -> None:
    with pytest.raises(RuntimeError, match="out of memory") as only:
        wrapper(Raising).create(messages=HI)
    with pytest.raises(AllModelsFailed, match="RuntimeError: out of memory") as both:
        wrapper(Raising, times=2).create(messages=HI)

    assert type(only.value) is RuntimeError
    assert [type(error) for _, error in both.value.errors] == [RuntimeError, RuntimeError]


def test_r2_is_as_in_the_seed() -> None:
    test_each_registration_activates_one_entry()


def test_r3_a_price_applies_where_the_response_has_no_usage() -> None:
    response = wrapper(CustomModelClient, price=[1.0, 2.0]).create(messages=[{"role": "user", "content": "x" * 400}])

    assert response.cost == pytest.approx((104 * 1.0 + 8 * 2.0) / 1000)


def test_r4_an_empty_usage_is_estimated() -> None:
    client = wrapper(CustomModelClient)
    client.create(messages=HI)

    assert client.actual_usage_summary is not None
    counts = client.actual_usage_summary["model_name"]
    assert (counts["prompt_tokens"], counts["completion_tokens"], counts["estimated"]) == (5, 8, 1)


def test_r5_changed_code_is_asked_anew() -> None:
    def made(source: str) -> type:
        names: dict[str, Any] = {"Base": CustomModelClient, "__name__": "theirs"}
        exec(source, names)
        cls: type = names["Mine"]
        return cls

    template = "class Mine(Base):\n    def message_retrieval(self, response):\n        return [{!r}]\n"
    texts = []
    for text in ("yesterday", "yesterday", "today"):
        client = wrapper(made(template.format(text)))
        texts += client.extract_text_or_completion_object(client.create(messages=HI))

    assert texts == ["yesterday", "yesterday", "today"]


def test_r6_what_cannot_be_pickled_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    class Locked(Counting):
        def create(self, params: Any) -> Any:
            response = super().create(params)
            response.lock = threading.Lock()
            response.choices[0].logits = object()
            return response

    client = wrapper(Locked)
    first, second = client.create(messages=HI), client.create(messages=HI)

    assert hasattr(first, "lock")
    assert not hasattr(second, "lock")
    assert second.choices[0].message.content == "answer 1"
    assert caplog.records == []


def test_r8_a_loaded_model_is_held_by_reference() -> None:
    weights = threading.Lock()
    client = OpenAIWrapper(config_list=[{**entry("Counting"), "weights": weights}])
    client.register_model_client(Counting, more=weights)
    mine = client.create(messages=HI).message_retrieval_function.__self__.client

    assert mine.config["weights"] is weights
    assert mine.kwargs["more"] is weights


class Frozen:
    __slots__ = ("choices", "model")

    def __init__(self) -> None:
        self.choices = [SimpleNamespace(message=SimpleNamespace(content="hello", function_call=None))]
        self.model = "m"


@pytest.mark.parametrize(
    "answer",
    [
        "hello",
        {"choices": [{"message": {"role": "assistant", "content": "hello", "function_call": None}}], "model": "m"},
        Frozen(),
    ],
    ids=["text", "dict", "slots"],
)
def test_r9_every_form_of_response_is_taken(answer: Any) -> None:
    class Giving(CustomModelClient):
        def __init__(self, config: Any) -> None:
            """Quiet."""

        def create(self, params: Any) -> Any:
            return answer

    Giving.cost = lambda self, response: 0.25  # type: ignore[method-assign]
    client = wrapper(Giving)
    responses = [client.create(messages=HI), client.create(messages=HI)]

    for response in responses:
        assert client.extract_text_or_completion_object(response) == ["hello"]
        assert (response.cost, response.model, response.choices[0].message.content) == (0.25, "m", "hello")


def test_a_broken_contract_says_what_was_asked_for() -> None:
    class Forgetful(CustomModelClient):
        def __init__(self, config: Any) -> None:
            """Quiet."""

        def create(self, params: Any) -> Any:
            return None

    with pytest.raises(ContractBroken, match=r"Forgetful\.create\(\) returned None"):
        wrapper(Forgetful).create(messages=HI)


# --- entries of other kinds, rates ---


def test_an_entry_may_name_a_model_that_is_found() -> None:
    Path("mine.py").write_text("def reply(messages, **params):\n    return 'found'\n")
    client = OpenAIWrapper(config_list=[{"provider": "mine.py:reply"}], cache_seed=None)

    response = client.create(messages=HI, temperature=0)

    assert client.extract_text_or_completion_object(response) == ["found"]
    assert (response.choices[0].message.content, response.cost, response.config_id) == ("found", None, 0)
    with pytest.raises(UnsupportedField, match="logprobs"):
        client.create(messages=HI, logprobs=True)


def test_the_base_config_is_an_entry_where_there_is_no_list() -> None:
    client = OpenAIWrapper(model="m", model_client_cls="Counting")
    client.register_model_client(Counting)

    assert client.create(messages=HI).choices[0].message.content == "answer 1"


def test_a_rate_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    client = wrapper(Counting, api_rate_limit=1000.0, cache_seed=None)

    assert [client.create(messages=HI).choices[0].message.content for _ in range(2)] == ["answer 1", "answer 2"]
    assert "api_rate_limit" not in client.create(messages=HI).message_retrieval_function.__self__.client.asked[0]
