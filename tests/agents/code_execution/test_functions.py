from pathlib import Path

import pytest

from modelport.agents.code_execution import (
    Alias,
    CodeBlock,
    FunctionWithRequirements,
    ImportFromModule,
    LocalCommandLineCodeExecutor,
    to_stub,
    with_requirements,
)
from modelport.agents.code_execution.functions import AnyFunction, functions_source, required_packages


def add(a: int, b: int = 2, *rest: int, scale: float = 1.0) -> int:
    """Add two numbers."""
    return int((a + b + sum(rest)) * scale)


@with_requirements(
    python_packages=["left-pad"],
    global_imports=["math", Alias("json", "j"), ImportFromModule("os.path", ["join", Alias("split", "cut")])],
)
def area(radius: float) -> float:
    return math.pi * radius**2  # type: ignore[name-defined, no-any-return] # noqa: F821 - imported where it runs


ADD_TEXT = '''
def add(a: int, b: int = 2, *rest: int, scale: float = 1.0) -> int:
    """Add two numbers."""
    return int((a + b + sum(rest)) * scale)
'''
STUB = '''def add(a: int, b: int = 2, *rest: int, scale: float = 1.0) -> int:
    """Add two numbers."""
    ...'''


# --- stubs ---


@pytest.mark.parametrize("function", [add, with_requirements()(add), FunctionWithRequirements.from_str(ADD_TEXT)])
def test_a_stub_is_the_signature_and_the_docstring(function: AnyFunction) -> None:
    assert to_stub(function) == STUB


def test_a_stub_of_text_has_every_kind_of_parameter() -> None:
    function = FunctionWithRequirements.from_str("def f(a, b=1, /, c=[2], *, d, e: str='x', **f): pass")

    assert to_stub(function) == "def f(a, b=1, /, c=[2], *, d, e: str = 'x', **f):\n    ..."


def test_the_prompt_names_module_and_functions(tmp_path: Path) -> None:
    executor = LocalCommandLineCodeExecutor(work_dir=tmp_path, functions=[add], functions_module="tools")

    prompt = executor.format_functions_for_prompt()

    assert "from tools import" in prompt
    assert STUB in prompt
    assert executor.format_functions_for_prompt("$module_name: $functions") == f"tools: {STUB}"


# --- sources ---


def test_a_source_has_the_imports_and_no_decorators() -> None:
    source = functions_source([area, add, FunctionWithRequirements.from_str("def f(): pass")])

    assert source.startswith("import math\nimport json as j\nfrom os.path import join, split as cut\n\ndef area(")
    assert "@" not in source
    assert "\ndef add(" in source
    assert source.endswith("def f(): pass\n\n")


def test_packages_are_asked_for_once() -> None:
    text = FunctionWithRequirements.from_str("def f(): pass", ["b", "left-pad"])

    assert required_packages([area, add, text]) == ["left-pad", "b"]


def test_a_decorated_function_is_still_one() -> None:
    assert with_requirements()(add)(1, 2, 3) == 6
    assert FunctionWithRequirements.from_callable(add)(1) == 3
    assert area.__name__ == "area"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def f(:", "Could not compile function"),
        ("x = 1", "exactly one function, got 0"),
        ("def f(): pass\ndef g(): pass", r"exactly one function, got 2: \['f', 'g'\]"),
        ("def f():\0 pass", "Could not compile function"),
    ],
)
def test_text_that_is_not_one_function_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        FunctionWithRequirements.from_str(text)


def test_text_is_never_run_in_this_process(tmp_path: Path) -> None:
    FunctionWithRequirements.from_str(f"open({str(tmp_path / 'ran')!r}, 'w')\ndef f(): pass")

    assert not (tmp_path / "ran").exists()


def test_a_function_of_text_cannot_be_called_here() -> None:
    with pytest.raises(NotImplementedError, match="f was given as text"):
        FunctionWithRequirements.from_str("def f(): pass")()


def test_a_function_without_a_source_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="the source of 'len' cannot be found"):
        functions_source([len])


# --- in an executor ---


def python(code: str) -> list[CodeBlock]:
    return [CodeBlock(code=code, language="python")]


def test_code_calls_the_functions(tmp_path: Path) -> None:
    def local(name: str) -> str:
        return f"hello {name}"

    executor = LocalCommandLineCodeExecutor(
        work_dir=tmp_path, functions=[local, add, FunctionWithRequirements(area.func, (), ["math"])]
    )

    result = executor.execute_code_blocks(
        python("from functions import *\nprint(local('you'), add(1), round(area(1), 2))")
    )

    assert (result.exit_code, result.output) == (0, "hello you 3 3.14\n")


def test_functions_that_do_not_load_are_an_error(tmp_path: Path) -> None:
    broken = FunctionWithRequirements.from_str("def f(): pass", [], ["no_such_module_at_all"])
    executor = LocalCommandLineCodeExecutor(work_dir=tmp_path, functions=[broken])

    with pytest.raises(ValueError, match=r"(?s)Functions failed to load: .*no_such_module_at_all"):
        executor.execute_code_blocks(python("1"))


def test_packages_that_cannot_be_installed_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    wanted = FunctionWithRequirements.from_str("def f(): pass", ["modelport-no-such-package"])
    executor = LocalCommandLineCodeExecutor(work_dir=tmp_path, functions=[wanted])

    with pytest.raises(ValueError, match=r"(?s)Pip install failed.*modelport-no-such-package"):
        executor.execute_code_blocks(python("1"))


def test_a_module_name_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="valid Python identifier; got functions_module='not a name'"):
        LocalCommandLineCodeExecutor(work_dir=tmp_path, functions_module="not a name")
