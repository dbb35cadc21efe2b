"""Users who override how code is run: run_code, execute_code_blocks."""

from autogen import ConversableAgent, UserProxyAgent
from support import report

seen = []


class Careful(UserProxyAgent):
    def run_code(self, code, **kwargs):
        seen.append([code, sorted(kwargs.items(), key=str)])
        return (0, f"would run {len(code)} characters\n", None) if "bad" not in code else (1, "refused", None)


class Whole(ConversableAgent):
    def execute_code_blocks(self, code_blocks):
        seen.append(code_blocks)
        return 7, "never run"


careful = Careful(
    "careful", human_input_mode="NEVER", code_execution_config={"work_dir": "w", "use_docker": False, "timeout": 5}
)
whole = Whole("whole", human_input_mode="NEVER", code_execution_config={"use_docker": False})
ask = "```python\n# filename: a.py\nprint(1)\n```\n```bash\nls\n```\n```ruby\nputs 1\n```"
report(
    replies=[
        careful.generate_reply([{"role": "user", "content": ask}]),
        careful.generate_reply([{"role": "user", "content": "```python\nbad\n```"}]),
        whole.generate_reply([{"role": "user", "content": ask}]),
    ],
    seen=seen,
)
