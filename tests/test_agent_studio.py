"""AgentStudio's programs on modelport: its classes, its manager, its remote provider, its way of counting tokens."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelport import as_model, generate
from modelport.agent_studio import (
    BaseModel,
    Config,
    Message,
    MessageList,
    ModelManager,
    PortModel,
    RemoteProvider,
    setup_model,
)
from modelport.errors import ConfigError, ConnectionFailed, LoadError, ModelError, ModelNotFound, NotAModel
from modelport.media import encode_png
from modelport.server.app import create_app
from modelport.server.run import listen, make_server, url_of
from modelport.sync import run
from modelport.types import request_from_params

SCREEN = np.random.default_rng(7).integers(0, 255, (6, 5, 3), dtype=np.uint8)

DOCUMENTED = '''
"""A model as AgentStudio's document describes it."""
from modelport.agent_studio import BaseModel


class Mine(BaseModel):
    name = "mine"
    weights = "W1"

    def compose_messages(self, intermedia_msg):
        return " ".join(str(message["content"]) for message in intermedia_msg)

    def generate_response(self, messages, **kwargs):
        return f"mine read: {messages}", {"total_tokens": 12}


class Uncounted(Mine):
    name = "uncounted"

    def generate_response(self, messages, **kwargs):
        return f"{kwargs.get('model')} read: {messages}", {"total_tokens": None}
'''


@pytest.fixture(autouse=True)
def _workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A directory with a models directory in it, and settings that are read anew."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "documented.py").write_text(DOCUMENTED, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    Config.forget()
    yield
    Config.forget()


def user(content: Any) -> Message:
    return Message(role="user", content=content)


# --- the base class ---------------------------------------------------------------------------------------------------


def test_a_class_of_the_document_is_found_by_its_name_and_answers() -> None:
    model = ModelManager().get_model("mine")

    response, info = model.generate_response(messages=[user("hello")])

    assert (model.name, response) == ("mine", "mine read: hello")
    assert info["total_tokens"] == 12


def test_what_a_class_has_beside_its_methods_is_reached_through_the_manager_too() -> None:
    model: Any = ModelManager().get_model("mine")

    assert model.weights == "W1"
    with pytest.raises(AttributeError):
        _ = model.no_such_thing


def test_a_subclass_without_the_two_methods_is_refused_with_the_mend() -> None:
    class Silent(BaseModel):
        name = "silent"

    class Uncomposed(Silent):
        def generate_response(self, messages: Any, **kwargs: Any) -> Any:
            return "x", {}

    class Unanswering(Silent):
        def compose_messages(self, intermedia_msg: Any) -> Any:
            return intermedia_msg

    with pytest.raises(NotAModel, match=r"^Uncomposed has generate_response\(\) but no compose_messages\(\): add "):
        as_model(Uncomposed)
    with pytest.raises(NotAModel, match=r"^Unanswering has no generate_response\(\) of its own: add "):
        as_model(Unanswering)


def test_a_method_that_was_not_written_says_so_when_called() -> None:
    with pytest.raises(NotImplementedError, match="BaseModel has no compose_messages"):
        BaseModel().compose_messages([])
    with pytest.raises(NotImplementedError, match="BaseModel has no generate_response"):
        BaseModel().generate_response([])


def test_the_later_name_of_compose_messages_may_be_overridden_instead() -> None:
    class Later(BaseModel):
        name = "later"

        def _format_messages(self, raw_messages: MessageList) -> Any:
            return [message.content for message in raw_messages]

        def generate_response(self, messages: Any, **kwargs: Any) -> Any:
            return f"{self.seed} {messages}", {}

    model = as_model(Later, config={"seed": 42})

    assert run(generate(model, request_from_params({"messages": "hi"})), suspends=False).text == "42 ['hi']"


# --- messages ---------------------------------------------------------------------------------------------------------


def test_a_message_is_a_role_and_content_by_position_by_name_and_as_json() -> None:
    message = Message("user", "hi")

    assert message == Message(role="user", content="hi")
    assert (message.role, message["content"]) == ("user", "hi")
    assert json.loads(json.dumps([message])) == [{"role": "user", "content": "hi"}]
    assert repr(message) == "Message(role='user', content='hi')"


def test_a_message_can_be_changed_as_agentstudios_can() -> None:
    message = Message("user", "hi")

    message.content = "bye"

    assert message["content"] == "bye"


def test_messages_of_any_class_with_role_and_content_are_read() -> None:
    class Theirs:
        def __init__(self, role: str, content: Any) -> None:
            self.role = role
            self.content = content

    response, _ = ModelManager().get_model("mine").generate_response([Theirs("system", "be"), Theirs("user", "kind")])

    assert response == "mine read: be kind"


def test_neighbours_of_one_role_are_one_turn_for_models_of_other_contracts() -> None:
    seen: list[Any] = []

    def noting(messages: Any) -> str:
        seen.extend(messages)
        return "ok"

    PortModel(as_model(noting)).generate_response([Message("system", "be"), user("look:"), user(SCREEN)])

    assert [message["role"] for message in seen] == ["system", "user"]
    text, picture = seen[1]["content"]
    assert text == {"type": "text", "text": "look:"}
    assert picture["image"] is SCREEN


# --- counting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mine", "uncounted"])
def test_tokens_can_be_summed_as_agentstudios_agent_does(name: str) -> None:
    model = ModelManager().get_model(name)
    total_tokens = 0

    for _ in range(3):
        _, info = model.generate_response(messages=[user("hello")], model="any")
        total_tokens += info.get("total_tokens", 0)

    assert total_tokens > 0


def test_tokens_that_the_model_did_not_count_are_estimates_and_marked_so() -> None:
    _, counted = ModelManager().get_model("mine").generate_response([user("hi")])
    _, guessed = ModelManager().get_model("uncounted").generate_response([user("hi")])

    assert counted["total_tokens"] == 12
    assert guessed["estimated"] is True
    assert guessed["total_tokens"] == guessed["prompt_tokens"] + guessed["completion_tokens"]


def test_what_else_a_model_put_into_its_info_is_still_there() -> None:
    class Talkative(BaseModel):
        name = "talkative"

        def compose_messages(self, intermedia_msg: Any) -> Any:
            return intermedia_msg

        def generate_response(self, messages: Any, **kwargs: Any) -> Any:
            return "x", {"system_fingerprint": "fp", "total_tokens": 3, "cost": 0.5}

    _, info = PortModel(as_model(Talkative)).generate_response([user("hi")])

    assert (info["system_fingerprint"], info["total_tokens"], info["cost"]) == ("fp", 3, 0.5)


# --- the manager ------------------------------------------------------------------------------------------------------


def test_every_spec_that_modelport_loads_is_a_model_here() -> None:
    response, _ = ModelManager().get_model("models/documented.py:Mine").generate_response([user("hello")])

    assert response == "mine read: hello"


def test_the_manager_lists_the_models_that_it_knows() -> None:
    models = ModelManager().models

    assert {"mine", "uncounted"} <= models.keys()
    assert "documented.py:Mine" in models["mine"]


def test_an_unknown_name_is_an_error_that_suggests_and_nothing_is_fallen_back_to() -> None:
    with pytest.raises(ModelNotFound, match="mine"):
        ModelManager().get_model("mien")


def test_a_name_that_is_not_found_is_asked_of_the_provider_that_is_set() -> None:
    Config().provider = "uncounted"

    response, _ = ModelManager().get_model("checkpoint-7").generate_response([user("hi")])

    assert response == "checkpoint-7 read: hi"


def test_the_earlier_name_of_the_manager_works() -> None:
    assert setup_model("mine").name == "mine"


def test_a_models_error_is_the_cause_of_the_one_that_is_raised() -> None:
    class Failing(BaseModel):
        name = "failing"

        def compose_messages(self, intermedia_msg: Any) -> Any:
            return intermedia_msg

        def generate_response(self, messages: Any, **kwargs: Any) -> Any:
            raise OSError("CUDA out of memory")

    with pytest.raises(ModelError) as caught:
        PortModel(as_model(Failing)).generate_response([user("hi")])

    assert isinstance(caught.value.__cause__, OSError)


@pytest.fixture
def mine() -> PortModel:
    return ModelManager().get_model("mine")


async def test_a_model_can_be_awaited(mine: PortModel) -> None:
    response, _ = await mine.agenerate_response([user("hello")])

    assert response == "mine read: hello"


# --- settings ---------------------------------------------------------------------------------------------------------


def test_there_is_one_config_and_what_is_set_on_it_is_seen_everywhere() -> None:
    Config().temperature = 0.5
    Config().anything = "else"

    assert Config().temperature == 0.5
    assert Config().anything == "else"


def test_config_has_the_settings_of_the_environment_and_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("modelport.toml").write_text('provider = "mine"\nmax_tokens = 77\n', encoding="utf-8")
    monkeypatch.setenv("MODELPORT_TEMPERATURE", "0.25")
    Config.forget()

    config = Config()

    assert (config.provider, config.max_tokens, config.temperature) == ("mine", 77, 0.25)
    assert (config.model_server, config.seed, config.max_retries, config.remote) == (None, None, 3, True)


def test_a_key_is_the_environments_and_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")

    assert Config().openai_api_key == "sk-canary"
    Config().openai_api_key = "sk-canary"
    assert "sk-canary" not in repr(Config())


def test_what_config_does_not_have_is_named_with_what_it_has() -> None:
    with pytest.raises(
        AttributeError, match=r"^Config has no 'max_token': set it on Config\(\), or use one of .*max_tok"
    ):
        _ = Config().max_token
    with pytest.raises(AttributeError, match="set GEMINI_API_KEY in the environment"):
        _ = Config().gemini_api_key


def test_settings_reach_a_model_that_takes_them_and_only_those() -> None:
    Config().temperature = 0.5
    Config().seed = 42
    seen: list[Any] = []

    def seeded(messages: Any, seed: int | None = None) -> str:
        seen.append(seed)
        return "ok"

    PortModel(as_model(seeded)).generate_response([user("hi")])

    assert seen == [42]


def test_what_the_caller_gives_comes_before_the_settings() -> None:
    Config().temperature = 0.5
    seen: list[Any] = []

    def noting(messages: Any, temperature: Any = None) -> str:
        seen.append(temperature)
        return "ok"

    PortModel(as_model(noting)).generate_response([user("hi")], temperature=0.0)

    assert seen == [0.0]


# --- another machine --------------------------------------------------------------------------------------------------


class Looking(BaseModel):
    """Says what it sees, and keeps it."""

    name = "looking"

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def compose_messages(self, intermedia_msg: Any) -> Any:
        return intermedia_msg

    def generate_response(self, messages: Any, **kwargs: Any) -> Any:
        self.seen = [message.content for message in messages]
        return f"I see {len(messages)} pieces", {"total_tokens": 9}


@pytest.fixture
def looking() -> Looking:
    return Looking()


@pytest.fixture
def server(looking: Looking) -> Iterator[str]:
    """A server in a thread, with one model; its URL."""
    ready = threading.Event()
    sock = listen("127.0.0.1", 0)
    running = make_server(create_app([as_model(looking)]), on_ready=ready.set)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [sock]})
    thread.start()
    assert ready.wait(10)
    yield url_of(sock)
    running.should_exit = True
    thread.join(10)
    sock.close()


@pytest.fixture
def provider(server: str) -> Iterator[RemoteProvider]:
    provider = RemoteProvider(model_server=server)
    yield provider
    provider.close()


def test_a_model_on_another_machine_sees_text_and_screens_as_they_were(
    provider: RemoteProvider, looking: Looking
) -> None:
    Path("screen.png").write_bytes(encode_png(SCREEN))

    response, info = provider.generate_response(messages=[user("look:"), user(SCREEN), user(Path("screen.png"))])

    assert (response, info["total_tokens"]) == ("I see 3 pieces", 9)
    assert looking.seen[0] == "look:"
    assert np.array_equal(looking.seen[1], SCREEN)
    assert np.array_equal(looking.seen[2], SCREEN)


def test_the_server_is_the_setting_where_none_is_given(server: str) -> None:
    Config().model_server = server.removeprefix("http://")

    with closing(ModelManager().get_model("remote")) as model:
        response, _ = model.generate_response([user("hi")], model="looking")

    assert response == "I see 1 pieces"


def test_a_name_with_a_server_is_a_model_there(server: str) -> None:
    with closing(ModelManager().get_model("looking", model_server=server)) as model:
        response, info = model.generate_response([user("hi")])

    assert (response, info["model"]) == ("I see 1 pieces", "looking")


async def test_a_model_on_another_machine_can_be_awaited(provider: RemoteProvider) -> None:
    response, _ = await provider.agenerate_response([user("hi")])
    await provider.aclose()

    assert response == "I see 1 pieces"


def test_a_server_that_is_down_is_a_connection_error_as_agentstudio_meant_it() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    Config().max_retries = 1

    with pytest.raises(ConnectionError) as caught:
        RemoteProvider(model_server=address).generate_response([user("hi")])

    assert isinstance(caught.value, ConnectionFailed)


def test_a_remote_provider_without_a_server_says_where_to_set_one() -> None:
    with pytest.raises(ConfigError) as caught:
        RemoteProvider()

    assert str(caught.value) == (
        "model_server is not set: give RemoteProvider(model_server='http://host:port'), or set "
        "MODELPORT_MODEL_SERVER, or model_server in modelport.toml"
    )
    assert caught.value.param == "model_server"


def test_a_remote_provider_is_a_model_as_any_other(provider: RemoteProvider) -> None:
    answer = run(generate(as_model(provider), request_from_params({"messages": "hi"})), suspends=provider.suspends)

    assert as_model(provider) is provider
    assert answer.text == "I see 1 pieces"


def test_a_model_whose_file_fails_is_an_error_with_its_cause() -> None:
    Path("broken.py").write_text("import no_such_module_anywhere\n", encoding="utf-8")

    with pytest.raises(LoadError, match="no_such_module_anywhere"):
        ModelManager().get_model("broken.py:Mine")
