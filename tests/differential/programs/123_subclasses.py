"""Users' subclasses: generate_reply, receive, send, get_human_input and the way of printing, overridden."""

import asyncio

from autogen import AssistantAgent, ConversableAgent, UserProxyAgent
from support import ScriptedClient, llm, plain, report

log = []


class Echo(ConversableAgent):
    def generate_reply(self, messages=None, sender=None, **kwargs):
        log.append(["generate_reply", sender.name, len(messages or self.chat_messages[sender]), sorted(kwargs)])
        return f"echo: {self.chat_messages[sender][-1]['content']}"

    async def a_generate_reply(self, messages=None, sender=None, **kwargs):
        log.append(["a_generate_reply", sender.name, messages is None, sorted(kwargs)])
        return f"async echo: {self.chat_messages[sender][-1]['content']}"


class Gate(UserProxyAgent):
    def get_human_input(self, prompt):
        log.append(["get_human_input", prompt])
        return "exit" if "Two" in self.last_message()["content"] else "from the web form"

    def send(self, message, recipient, request_reply=None, silent=False):
        log.append(["send", str(message), recipient.name, request_reply, silent])
        return super().send(message, recipient, request_reply, silent)

    def receive(self, message, sender, request_reply=None, silent=False):
        log.append(["receive", str(message), sender.name, request_reply, silent])
        return super().receive(message, sender, request_reply, silent)


class Terse(AssistantAgent):
    def _print_received_message(self, message, sender):
        print(f"<{sender.name}: {message}>")

    def _process_received_message(self, message, sender, silent):
        log.append(["_process_received_message", silent])
        return super()._process_received_message(message, sender, silent)


echo = Echo("echo", human_input_mode="NEVER")
user = UserProxyAgent("user", human_input_mode="NEVER", code_execution_config=False, default_auto_reply="more")
report(
    sync=plain(user.initiate_chat(echo, message="hello", max_turns=2)),
    twin=asyncio.run(user.a_initiate_chat(echo, message="hello", max_turns=2)),
)
gate = Gate("gate", code_execution_config=False)
terse = Terse("terse", llm_config=llm())
terse.register_model_client(ScriptedClient, replies=["One.", "Two.", "Three."])
report(gate=gate.initiate_chat(terse, message="Count."), log=log)
