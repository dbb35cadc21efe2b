"""One's own IOStream, for one chat and for all: what is printed and what is asked goes through it."""

from autogen import ConversableAgent, UserProxyAgent
from autogen.io import IOConsole, IOStream
from support import ScriptedClient, llm, report


class Recorder(IOStream):
    def __init__(self, *lines):
        self.lines, self.printed, self.prompts = list(lines), [], []

    def print(self, *objects, sep=" ", end="\n", flush=False):
        self.printed.append(sep.join(str(each) for each in objects) + end)

    def input(self, prompt="", *, password=False):
        self.prompts.append([prompt, password])
        return self.lines.pop(0)


def chat():
    bot = ConversableAgent("bot", llm_config=llm(), human_input_mode="NEVER")
    bot.register_model_client(ScriptedClient, replies=["Hello.", "Bye."])
    user = UserProxyAgent("user", code_execution_config=False)
    user.initiate_chat(bot, message="Hi.")
    bot.print_usage_summary()
    return user._human_input


mine = Recorder("how are you?", "exit")
with IOStream.set_default(mine):
    said = chat()
    inside = IOStream.get_default() is mine
report(
    said=said,
    printed="".join(mine.printed).splitlines(),
    prompts=mine.prompts,
    inside=inside,
    outside=IOStream.get_default() is mine,
)

everywhere = Recorder("exit")
before = IOStream.get_global_default()
IOStream.set_global_default(everywhere)
report(said_everywhere=chat(), printed_everywhere="".join(everywhere.printed).splitlines())
IOStream.set_global_default(before)
IOConsole().print("to", "the", "console", sep="-", end=".\n")
report(kinds=[isinstance(before, IOConsole), isinstance(mine, IOStream)])
