"""A user proxy that runs the code it is sent, configured by a dict: success, failure, languages, several blocks."""

from autogen import AssistantAgent, UserProxyAgent
from support import ScriptedClient, llm, report

asked = []


def chat(*replies):
    bot = AssistantAgent("bot", llm_config=llm())
    bot.register_model_client(ScriptedClient, replies=[*replies, "TERMINATE"], requests=asked)
    user = UserProxyAgent(
        "user", human_input_mode="NEVER", code_execution_config={"work_dir": "coding", "use_docker": False}
    )
    return user.initiate_chat(bot, message="Write code.").chat_history


def python(code):
    return f"Here:\n```python\n{code}\n```"


report(
    success=chat(python("print('out')\nimport sys; print('err', file=sys.stderr)")),
    failure=chat(python("print('before')\nraise ValueError('no')"), python("import sys; sys.exit(3)")),
    shell=chat("```sh\necho from sh\n```"),
    bash=chat("```bash\nfalse || echo from bash\n```"),
    unknown_language=chat("```cobol\nDISPLAY 'hi'\n```"),
    inferred=chat("```\nprint('inferred')\n```"),
    several=chat(
        python("print('one')") + "\n" + python("print('two')") + "\n```sh\nexit 2\n```\n" + python("print('never')")
    ),
    no_code=chat("no code at all"),
    syntax_error=chat(python("print(")),
    unicode=chat(python("print('Grüße, 世界')")),
    filename=chat(python("# filename: kept.py\nprint('kept')"), "```sh\nls kept.py\n```"),
    asked=len(asked),
)
