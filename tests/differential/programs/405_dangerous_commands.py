"""Shell commands that are refused before they run."""

from autogen.coding import CodeBlock, LocalCommandLineCodeExecutor
from support import attempt, report

executor = LocalCommandLineCodeExecutor(work_dir="work")


def check(language, code):
    return attempt(LocalCommandLineCodeExecutor.sanitize_command, language, code)


report(
    rm=check("sh", "rm -rf /"),
    mv=check("bash", "mv a /dev/null"),
    dd=check("shell", "dd if=/dev/zero of=x"),
    disk=check("sh", "echo 1 > /dev/sda1"),
    fork_bomb=check("bash", ":(){ :|:& };:"),
    harmless=check("sh", "rm a"),
    in_python=check("python", "rm -rf /"),
    executed=attempt(executor.execute_code_blocks, [CodeBlock(code="rm -rf nothing", language="sh")]),
)
