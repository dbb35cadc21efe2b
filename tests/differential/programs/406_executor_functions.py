"""Functions given to an executor, which the code it runs may import."""

from autogen.coding import CodeBlock, LocalCommandLineCodeExecutor
from autogen.coding.func_with_reqs import Alias, FunctionWithRequirements, ImportFromModule, with_requirements
from support import attempt, report


def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@with_requirements(global_imports=["json", Alias("math", "m")])
def root_as_json(number: float) -> str:
    return json.dumps({"root": m.sqrt(number)})  # noqa: F821


# fmt: off
@with_requirements(
    python_packages=[],
    global_imports=[ImportFromModule("textwrap", ["dedent"])],
)
def flat(text: str) -> str:
    return dedent(text)  # noqa: F821
# fmt: on


from_text = FunctionWithRequirements.from_str("def shout(text: str) -> str:\n    return text.upper()\n")


def run(functions, code, **settings):
    executor = LocalCommandLineCodeExecutor(work_dir="work", functions=functions, **settings)
    result = attempt(executor.execute_code_blocks, [CodeBlock(code=code, language="python")])
    return result if isinstance(result, dict) else [result.exit_code, result.output]


executor = LocalCommandLineCodeExecutor(work_dir="work", functions=[add, root_as_json, from_text])
report(
    plain=run([add], "from functions import add\nprint(add(1, 2))"),
    with_imports=run([root_as_json], "from functions import root_as_json\nprint(root_as_json(9))"),
    decorated_over_lines=run([flat], "from functions import flat\nprint(flat('  hi'))"),
    from_text=run([from_text], "import functions\nprint(functions.shout('hi'))"),
    own_module=run([add], "from mine import add\nprint(add(3, 4))", functions_module="mine"),
    bad_module=attempt(LocalCommandLineCodeExecutor, functions=[add], functions_module="not a name"),
    prompt=executor.format_functions_for_prompt("Module $module_name:\n$functions"),
    direct=[root_as_json.python_packages, add(1, 1), attempt(from_text, "hi")],
    not_one_function=attempt(FunctionWithRequirements.from_str, "a = 1"),
    broken=attempt(FunctionWithRequirements.from_str, "def f(:"),
)
