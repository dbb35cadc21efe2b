"""The models directory: what counts, what is skipped, what clashes, and what files may import from one another."""

import sys
from pathlib import Path

import pytest

from modelport.config import available_models, load
from modelport.config.discovery import find_in, list_models
from modelport.errors import ConfigError, LoadError, ModelNotFound
from modelport.model import generate
from modelport.sync import run
from modelport.types import ChatRequest, Message
from tests.config.conftest import CLIENT, FUNCTION, STUDIO, Write

ASK = ChatRequest(messages=(Message(role="user", content="hello"),))


def names(directory: str = "models") -> list[str]:
    return [each.name for _, each in list_models(directory).found]


# --- names ---


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("class A:\n    name = 'by attribute'\n    def stream(self, request): ...", "by attribute"),
        (
            "class A:\n    @property\n    def name(self): return 'by property'\n    def stream(self, r): ...",
            "by property",
        ),
        ("class A:\n    def __init__(self, n): self.name = n\n    def stream(self, r): ...\nb = A('of b')", "of b"),
        ("class A:\n    def stream(self, request): ...", "A"),
        ("class A:\n    def create(self, params): ...\n    def message_retrieval(self, r): ...", "A"),
        ("def f(messages): ...\nf.name = 'tagged'", "tagged"),
        ("def f(messages): ...\nmodels = [f]", "f"),
        ("class A:\n    name = 'listed'\n    def stream(self, r): ...\nclass B(A): name='not'\nmodels = [A]", "listed"),
    ],
)
def test_a_model_is_called_by_its_name(write: Write, text: str, name: str) -> None:
    write("models/mine.py", text)

    assert name in names()
    assert "not" not in names()


def test_a_name_property_is_read_without_the_constructor(write: Write) -> None:
    write(
        "models/mine.py",
        """
        class Heavy:
            def __init__(self): raise SystemError("weights loaded")
            @property
            def name(self): return "heavy"
            def stream(self, request): ...
        class Needy(Heavy):
            @property
            def name(self): return self.given
        """,
    )

    assert names() == ["heavy", "Needy"]


def test_what_a_file_imports_is_not_its_model(write: Write) -> None:
    write("models/base.py", "class Base:\n    name = 'base'\n    def stream(self, request): ...")
    write("models/mine.py", "from base import Base\nfrom json import loads\nclass Mine(Base):\n    name = 'mine'")

    assert sorted(names()) == ["base", "mine"]


def test_an_abstract_class_and_a_protocol_are_no_models(write: Write) -> None:
    write(
        "models/mine.py",
        """
        from abc import ABC, abstractmethod
        from typing import Protocol
        class Base(ABC):
            @abstractmethod
            def stream(self, request): ...
        class Shape(Protocol):
            def stream(self, request): ...
        class Mine(Base):
            def stream(self, request): ...
        """,
    )

    assert names() == ["Mine"]


def test_functions_count_only_where_they_say_so(write: Write) -> None:
    write("models/mine.py", "def helper(x): ...\ndef reply(messages): ...\n")

    assert names() == []


def test_a_list_with_something_else_in_it_is_an_error_of_that_file(write: Write) -> None:
    write("models/mine.py", "models = ['reply']")

    [(_, error)] = list_models("models").broken

    assert error.startswith("models/mine.py: models[0] is 'reply', which has no shape of a model: list classes,")


# --- files ---


def test_a_broken_file_skips_only_itself(write: Write) -> None:
    write("models/a_broken.py", "import torhc")
    write("models/mine.py", STUDIO)

    assert load("studio").name == "studio"
    assert [Path(path).name for path, _ in list_models("models").broken] == ["a_broken.py"]


def test_a_name_does_not_import_the_files_that_do_not_mention_it(write: Write) -> None:
    write("models/mine.py", STUDIO)
    write("models/other.py", "import sys\nsys.was_imported = True")

    load("studio")

    assert not hasattr(sys, "was_imported")


def test_a_name_that_is_put_together_while_running_is_found_in_the_end(write: Write) -> None:
    write("models/mine.py", STUDIO.replace('"studio"', '"-".join(["stu", "dio"])'))

    assert load("stu-dio").name == "stu-dio"


def test_private_and_hidden_files_are_left_alone(write: Write) -> None:
    for name in ("_private.py", ".hidden.py", "__init__.py", "notes.txt", "data/x.json"):
        write(f"models/{name}", "raise SystemError('imported')")

    assert list_models("models") == ([], [])


def test_a_folder_with_an_init_is_a_model_too(write: Write) -> None:
    write("models/big/__init__.py", "from .inner import Studio as _S\nclass Big(_S): name = 'big'")
    write("models/big/inner.py", STUDIO)

    assert load("big").name == "big"


def test_two_models_of_one_name_are_an_error_that_names_both_files(write: Write) -> None:
    write("models/one.py", STUDIO)
    write("models/two.py", STUDIO)

    with pytest.raises(ConfigError) as caught:
        load("studio")

    assert caught.value.message == (
        "two models are named 'studio': models/one.py:Studio and models/two.py:Studio; rename one, "
        "or name the one you want by its place"
    )
    assert [bool(each.error) for each in available_models() if each.name == "studio"] == [True, True]
    assert load("models/two.py:Studio").name == "studio"


def test_a_link_out_of_the_directory_is_reported_and_not_followed(write: Write, here: Path) -> None:
    write("outside.py", STUDIO)
    write("elsewhere/__init__.py", STUDIO)
    (here / "models").mkdir()
    (here / "models" / "mine.py").symlink_to(here / "outside.py")
    (here / "models" / "pack").symlink_to(here / "elsewhere")

    with pytest.raises(ModelNotFound, match=r"models/mine\.py is a link that leads out of models: copy the file in"):
        load("studio")
    assert len(list_models("models").broken) == 2


def test_a_link_that_leads_nowhere_is_reported(write: Write, here: Path) -> None:
    write("models/mine.py", STUDIO)
    (here / "models" / "gone.py").symlink_to(here / "models" / "nothing.py")

    assert load("studio").name == "studio"
    [(_, error)] = list_models("models").broken
    assert error == "models/gone.py cannot be read: No such file or directory"


def test_a_directory_of_another_name_is_found_by_its_setting(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("agent_studio/llm/mine.py", STUDIO)
    monkeypatch.setenv("MODELPORT_MODELS_DIR", "agent_studio/llm")

    assert load("studio").name == "studio"


# --- imports between files ---


def test_siblings_are_imported_by_plain_and_by_relative_name(write: Write) -> None:
    write("models/helper_one.py", "WORD = 'plain'")
    write("models/helper_two.py", "WORD = 'relative'")
    write(
        "models/mine.py",
        """
        from helper_one import WORD
        from .helper_two import WORD as OTHER
        def reply(messages):
            import helper_one
            return f"{helper_one.WORD} {OTHER}"
        reply.name = "mine"
        """,
    )

    assert run(generate(load("mine"), ASK), suspends=False).text == "plain relative"


def test_two_directories_may_have_files_and_helpers_of_one_name(write: Write) -> None:
    for folder in ("a", "b"):
        write(f"{folder}/helper_same.py", f"WORD = 'of {folder}'")
        write(f"{folder}/mine.py", "import helper_same\ndef reply(messages): return helper_same.WORD")

    first, second = load("a/mine.py"), load("b/mine.py")

    assert run(generate(first, ASK), suspends=False).text == "of a"
    assert run(generate(second, ASK), suspends=False).text == "of b"


def test_a_model_called_like_a_library_does_not_hide_it(write: Write) -> None:
    write(
        "models/msgspec.py",
        "import msgspec\nfrom msgspec import Struct\n" + "name_ = Struct\n" + CLIENT.replace("\n    ", "\n"),
    )

    assert load("CustomModelClient").name is not None


def test_a_sibling_that_was_imported_first_is_the_same_module(write: Write) -> None:
    write("models/base.py", STUDIO)
    write("models/mine.py", "from .base import Studio\nclass Mine(Studio): name = 'mine'")

    listing = find_in("models", "mine", thorough=False)
    [(_, mine)] = listing.found
    [base] = [each for _, each in list_models("models").found if each.name == "studio"]

    assert issubclass(mine.value, base.value)


def test_a_file_that_fails_once_is_tried_again(write: Write) -> None:
    write("models/mine.py", "import torhc")
    with pytest.raises(LoadError):
        load("models/mine.py")
    write("models/mine.py", FUNCTION)

    assert run(generate(load("models/mine.py"), ASK), suspends=False).text == "heard hello"
