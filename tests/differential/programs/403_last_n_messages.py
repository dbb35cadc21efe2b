"""How far back code is looked for: a number, "auto", and what is neither."""

from autogen import ConversableAgent
from support import attempt, report

MESSAGES = [
    {"role": "user", "content": "```python\nprint('oldest')\n```", "name": "bot"},
    {"role": "assistant", "content": "said by oneself"},
    {"role": "user", "content": "```python\nprint('older')\n```", "name": "bot"},
    {"role": "user", "content": "no code", "name": "bot"},
    {"role": "user", "content": None, "name": "bot"},
]


def reply(messages=MESSAGES, **config):
    agent = ConversableAgent(
        "agent", human_input_mode="NEVER", code_execution_config={"work_dir": "coding", "use_docker": False, **config}
    )
    return attempt(agent.generate_code_execution_reply, messages)


report(
    default=reply(),
    auto=reply(last_n_messages="auto"),
    one=reply(last_n_messages=1),
    three=reply(last_n_messages=3),
    many=reply(last_n_messages=99),
    zero=reply(last_n_messages=0),
    negative=reply(last_n_messages=-1),
    word=reply(last_n_messages="all"),
    own_message_last=reply(MESSAGES[:2]),
    without_role=reply([{"content": "```python\nprint(1)\n```"}]),
    disabled=ConversableAgent("agent").generate_code_execution_reply(MESSAGES),
    given=attempt(
        ConversableAgent("agent", code_execution_config={"use_docker": False}).generate_code_execution_reply,
        MESSAGES,
        config={"work_dir": "other", "use_docker": False, "last_n_messages": 3},
    ),
)
