"""The rules, each shown to find what it is for. A rule that cannot fail guards nothing."""

import pytest

from tests.workshop.rules import dangerous_code, hidden_imports, long_file, long_functions, unfinished_marks


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import pickle as p",
        "from pickle import loads",
        "from shelve import open as o",
        "def f():\n    import dill",
        "import importlib\nimportlib.import_module('marshal')",
        "__import__('pickle')",
        "eval('1')",
        "run = exec",
        "import builtins\nbuiltins.eval('1')",
        "import torch\ntorch.load('x')",
        "from torch import load",
        "import numpy as np\nnp.load('x')",
        "f(allow_pickle=True)",
        "f(allow_pickle=flag)",
        "import os\nos.system('ls')",
        "run('ls', shell=True)",
    ],
)
def test_code_out_of_data_is_found(source: str) -> None:
    assert list(dangerous_code(source))


@pytest.mark.parametrize(
    "source",
    [
        "text = 'import pickle'",
        "# eval(",
        "model.eval()",
        "import json\njson.loads('1')",
        "f(allow_pickle=False)",
        "class A:\n    def exec(self): ...",
    ],
)
def test_what_only_looks_dangerous_is_let_be(source: str) -> None:
    assert list(dangerous_code(source)) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    from modelport.types import Message",
        "async def f():\n    import modelport.client",
        "class A:\n    def f(self):\n        from .types import Message",
        "def f():\n    importlib.import_module('modelport.server')",
    ],
)
def test_an_import_of_our_own_inside_a_function_is_found(source: str) -> None:
    assert list(hidden_imports(source))


@pytest.mark.parametrize(
    "source",
    ["from modelport.types import Message", "def f():\n    import numpy", "if TYPE_CHECKING:\n    import modelport.x"],
)
def test_an_import_at_the_top_or_of_something_heavy_is_fine(source: str) -> None:
    assert list(hidden_imports(source)) == []


def test_a_file_may_have_five_hundred_lines_and_no_more() -> None:
    assert not long_file("x\n" * 499)
    assert long_file("x\n" * 501)


def test_a_long_function_is_found_and_its_docstring_is_not_counted() -> None:
    body = "    x = 1\n"
    docstring = '    """' + "text\n" * 60 + '    """\n'

    assert not list(long_functions("def f():\n" + body * 40))
    assert not list(long_functions("def f():\n" + docstring + body * 40))
    assert list(long_functions("def f():\n" + body * 41))


def test_an_unfinished_mark_is_found() -> None:
    mark = "TO" + "DO"

    assert list(unfinished_marks(f"x = 1  # {mark}: later"))
    assert not list(unfinished_marks("x = 1  # to do this, call that"))
