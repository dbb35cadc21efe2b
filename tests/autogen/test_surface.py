"""Every public name of AutoGen 0.2.40, held against ours: it is there, or the table says why not."""

import importlib
import inspect
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import modelport.autogen
from modelport.autogen._absent import absence_of
from modelport.autogen._left_out import LEFT_OUT
from tests.autogen.facts.introspect_autogen import members, parameters

FACTS = Path(__file__).parent / "facts"
NAMES: dict[str, list[str] | None] = json.loads((FACTS / "names.json").read_text(encoding="utf-8"))
SIGNATURES: dict[str, Any] = json.loads((FACTS / "signatures.json").read_text(encoding="utf-8"))
EVERY_NAME = [f"{module}.{name}".lstrip(".") for module, names in NAMES.items() for name in names or ()]

# Where a signature is not AutoGen's: why.
DIFFERENT: dict[str, str] = {
    "exception_utils:AgentNameConflict.__init__": "its text is called message, as every error's here",
}
# Members of AutoGen's classes that ours have not: why.
NO_MEMBER: dict[str, str] = {}


@cache
def ours(module: str) -> Any:
    return importlib.import_module(f"modelport.autogen.{module}".rstrip("."))


def is_ours(dotted: str) -> bool:
    module, _, name = dotted.rpartition(".")
    return absence_of(dotted) is None and hasattr(ours(module), name)


# --- names ---


def test_there_are_facts_to_hold_against() -> None:
    assert len(EVERY_NAME) > 180
    assert len(SIGNATURES) > 100


@pytest.mark.parametrize("module", NAMES)
def test_every_module_is_there_or_left_out_with_a_reason(module: str) -> None:
    if absence_of(module) is None:
        ours(module)
    else:
        with pytest.raises(ModuleNotFoundError, match="is left out"):
            ours(module)


@pytest.mark.parametrize("name", EVERY_NAME)
def test_every_name_is_there_or_left_out_with_a_reason(name: str) -> None:
    assert is_ours(name) or absence_of(name) is not None


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_the_table_leaves_out_is_autogens_and_not_here(name: str) -> None:
    assert name in NAMES or name in EVERY_NAME
    module, _, last = name.rpartition(".")
    if absence_of(module) is None:
        assert not hasattr(ours(module), last)


@pytest.mark.parametrize("name", LEFT_OUT)
def test_the_table_says_why_and_what_to_use(name: str) -> None:
    why, instead = LEFT_OUT[name]

    assert why
    assert instead
    assert not (why + instead).endswith(".")


@pytest.mark.parametrize("module", [name for name, names in NAMES.items() if names is not None])
def test_a_mirrors_list_has_nothing_that_autogen_has_not(module: str) -> None:
    if absence_of(module) is not None:
        return
    submodules = {name.rpartition(".")[2] for name in NAMES if name.rpartition(".")[0] == module and name}

    assert set(ours(module).__all__) <= set(NAMES[module] or ()) | submodules


def test_star_imports_and_dir_have_the_same_names() -> None:
    assert dir(modelport.autogen) == sorted(modelport.autogen.__all__)


# --- what is left out says so ---


def run(source: str) -> str:
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("from modelport.autogen import Completion", "ImportError: modelport.autogen.Completion is left out ("),
        ("import modelport.autogen as a; a.Completion", "AttributeError: modelport.autogen.Completion is left out ("),
        ("from modelport.autogen.oai.client import PlaceHolderClient", "PlaceHolderClient is left out ("),
        ("import modelport.autogen.math_utils", "ModuleNotFoundError: modelport.autogen.math_utils is left out ("),
        ("from modelport.autogen import math_utils", "ImportError: modelport.autogen.math_utils is left out ("),
        ("from modelport.autogen.oai import gemini", "ImportError: modelport.autogen.oai.gemini is left out ("),
        ("from modelport.autogen.oai.gemini import GeminiClient", "modelport.autogen.oai.gemini is left out ("),
        ("import modelport.autogen.nothing", "No module named 'modelport.autogen.nothing'"),
        ("from modelport.autogen import nothing", "cannot import name 'nothing'"),
        ("from modelport.autogen.oai.client import nothing", "cannot import name 'nothing'"),
        ("import modelport.autogen as a; a.nothing", "module 'modelport.autogen' has no attribute 'nothing'"),
    ],
)
def test_an_import_of_what_is_left_out_says_why(source: str, said: str) -> None:
    assert said in run(source)


def test_asking_for_what_is_left_out_is_no_error() -> None:
    assert not hasattr(modelport.autogen, "Completion")
    assert getattr(ours("oai.client"), "PlaceHolderClient", None) is None


# --- signatures ---


def whole_signatures() -> list[tuple[str, list[str]]]:
    found = []
    for name, facts in SIGNATURES.items():
        if absence_of(name.replace(":", ".").lstrip(".")) is not None:
            continue
        if isinstance(facts, list):
            found.append((name, facts))
        elif isinstance(facts, dict):
            found += [(f"{name}.{member}", asked) for member, asked in facts.items() if isinstance(asked, list)]
    return found


def missing(asked: list[str], got: list[str]) -> list[str]:
    """The parameters of *asked* that are not in *got* with the same kind and position, or need what they did not."""
    by_name, free = split(got)
    asked_by_name, asked_free = split(asked)
    wrong = [each for index, each in enumerate(asked_free) if free[index : index + 1] not in ([each], [f"{each}="])]
    wrong += [each for each in asked_by_name if not {each, f"{each}="} & {*by_name, *free}]
    added = free[len(asked_free) :] + [each for each in by_name if each.rstrip("=") not in rstripped(asked_by_name)]
    return wrong + [f"{each} is new and needed" for each in added if not each.endswith("=") and "*" not in each]


def rstripped(names: list[str]) -> set[str]:
    return {each.rstrip("=") for each in names}


def split(listed: list[str]) -> tuple[list[str], list[str]]:
    """Those that need their names (and ``**``), those that may go without."""
    first = next((index for index, each in enumerate(listed) if each.startswith("*")), len(listed))
    return [each for each in listed[first:] if each != "*"], listed[:first]


@pytest.mark.parametrize(("name", "asked"), whole_signatures(), ids=[name for name, _ in whole_signatures()])
def test_every_parameter_of_autogens_is_there_in_its_place(name: str, asked: list[str]) -> None:
    module, _, dotted = name.partition(":")
    first, _, member = dotted.partition(".")
    value = getattr(ours(module), first)
    if f"{name}" in NO_MEMBER:
        assert not hasattr(value, member)
        return

    got = parameters(getattr(value, member) if member else value)
    if member == "__init__":
        got = ["self", *(parameters(value) or [])]

    wrong = missing(asked, got or [])
    assert (wrong == []) is (name not in DIFFERENT), wrong


@pytest.mark.parametrize("name", [name for name, facts in SIGNATURES.items() if isinstance(facts, dict)])
def test_every_member_of_autogens_classes_is_there(name: str) -> None:
    if absence_of(name.replace(":", ".")) is not None:
        return
    module, _, cls = name.partition(":")
    mine = getattr(ours(module), cls)
    has = members(mine, home="modelport")

    gone = [
        member
        for member, kind in SIGNATURES[name].items()
        if member not in has
        and f"{name}.{member}" not in NO_MEMBER
        and not (kind == "field" and f"self.{member}:" in inspect.getsource(mine))
        and not (member == "__init__" and hasattr(mine, "__struct_fields__"))  # msgspec's; it is held against above
    ]
    assert gone == []


@pytest.mark.parametrize("name", [*DIFFERENT, *NO_MEMBER])
def test_every_listed_difference_is_of_something_that_autogen_has(name: str) -> None:
    thing, _, member = name.partition(".") if name.count(".") == 1 else name.rpartition(".")
    assert name in SIGNATURES or member in SIGNATURES[thing]


# --- cost ---


def test_importing_it_loads_no_model_agent_or_client() -> None:
    source = (
        "import sys; before = set(sys.modules); import modelport.autogen; "
        "print(*sorted(each for each in set(sys.modules) - before))"
    )

    loaded = set(run(source).split())
    own = {"modelport", "modelport.autogen", "modelport.autogen._absent", "modelport.autogen._left_out"}
    assert {name for name in loaded if name.startswith("modelport")} == own
    assert not {"typing", "logging", "asyncio", "json"} & loaded
