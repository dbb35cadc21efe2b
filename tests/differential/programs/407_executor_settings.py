"""code_execution_config: executors by name, one's own executor, and settings that contradict each other."""

from autogen import ConversableAgent, UserProxyAgent
from autogen.coding import (
    CodeBlock,
    CodeExecutor,
    CodeExecutorFactory,
    CodeResult,
    LocalCommandLineCodeExecutor,
    MarkdownCodeExtractor,
)
from support import attempt, report


class Pretending:
    """Runs nothing."""

    def __init__(self):
        self.seen = []

    @property
    def code_extractor(self):
        return MarkdownCodeExtractor()

    def execute_code_blocks(self, code_blocks):
        self.seen.extend([each.language, each.code] for each in code_blocks)
        return CodeResult(exit_code=len(self.seen) - 1, output=f"pretended {len(code_blocks)}")

    def restart(self):
        self.seen.clear()


def agent(**config):
    made = attempt(ConversableAgent, "agent", code_execution_config=config)
    return made if isinstance(made, dict) else made.code_executor


mine = Pretending()
user = UserProxyAgent("user", human_input_mode="NEVER", code_execution_config={"executor": mine, "last_n_messages": 2})
ask = [
    {"role": "user", "content": "```python\nprint(1)\n```"},
    {"role": "user", "content": "```sh\nls\n```\n```sh\npwd\n```"},
    {"role": "user", "content": ""},
]
by_name = agent(**{"executor": "commandline-local", "commandline-local": {"work_dir": "named", "timeout": 7}})
report(
    pretended=[user.generate_reply(ask), user.generate_reply(ask[:1]), mine.seen],
    is_executor=[isinstance(mine, CodeExecutor), isinstance(by_name, LocalCommandLineCodeExecutor)],
    by_name=[by_name.timeout, str(by_name.work_dir)],
    unknown=agent(executor="the-cloud"),
    docker_too=agent(executor=mine, use_docker=False),
    folder_too=agent(executor=mine, work_dir="x"),
    timeout_too=agent(executor=mine, timeout=3),
    bad_last_n=attempt(
        UserProxyAgent(
            "u", human_input_mode="NEVER", code_execution_config={"executor": mine, "last_n_messages": -2}
        ).generate_reply,
        ask,
    ),
    factory=CodeExecutorFactory.create({"executor": mine}) is mine,
    factory_without=attempt(CodeExecutorFactory.create, {}),
    not_a_dict=attempt(ConversableAgent, "agent", code_execution_config=[]),
    block=CodeBlock(code="1", language="python"),
)
