"""LocalCommandLineCodeExecutor as an agent's executor, and by itself."""

from pathlib import Path

from autogen import AssistantAgent, ConversableAgent, UserProxyAgent
from autogen.coding import CodeBlock, LocalCommandLineCodeExecutor
from support import ScriptedClient, attempt, llm, report

executor = LocalCommandLineCodeExecutor(timeout=10, work_dir="work")
bot = AssistantAgent("bot", llm_config=llm())
bot.register_model_client(
    ScriptedClient,
    replies=[
        "```python\nprint('hello')\n```",
        "```python\nprint('one')\n```\nand\n```sh\necho two\n```",
        "```python\nraise SystemExit(4)\n```",
        "no code",
        "TERMINATE",
    ],
)
user = UserProxyAgent("user", human_input_mode="NEVER", code_execution_config={"executor": executor})
report(result=user.initiate_chat(bot, message="Run."), same=user.code_executor is executor)


def run(code, language="python", using=executor):
    result = attempt(using.execute_code_blocks, [CodeBlock(code=code, language=language)])
    return result if isinstance(result, dict) else [result.exit_code, result.output, result.code_file]


several = executor.execute_code_blocks([CodeBlock(code=f"print({n})", language="python") for n in range(3)])
report(
    python=run("print(1)"),
    stderr=run("import sys; print('out'); print('err', file=sys.stderr)"),
    error=run("1 / 0"),
    shell=run("echo $((1 + 1)); exit 3", "bash"),
    capitals=run("echo loud", "SH"),
    py=run("print('py')", "py"),
    unknown=run("x", "cobol"),
    saved=run("<p>hi</p>", "html"),
    named=run("# filename: mine.py\nprint('mine')"),
    in_a_folder=run("# filename: sub/mine.py\nprint('mine')"),
    outside=run("# filename: ../outside.py\nprint('out')"),
    absolute=run("# filename: /tmp/outside.py\nprint('out')"),
    slow=run("while True: pass", using=LocalCommandLineCodeExecutor(timeout=1, work_dir="work")),
    several=[several.exit_code, several.output],
    files=sorted(path.suffix for path in Path("work").iterdir()),
    settings=[executor.timeout, str(executor.work_dir), executor.functions, executor.functions_module],
    no_time=attempt(LocalCommandLineCodeExecutor, timeout=0),
    policy=run("print(1)", using=LocalCommandLineCodeExecutor(work_dir="work", execution_policies={"python": False})),
    plain_agent=ConversableAgent("x").code_executor,
)
