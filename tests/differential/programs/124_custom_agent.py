"""An agent that is no ConversableAgent: whoever has the methods of the protocol may be talked to."""

from autogen import Agent, ConversableAgent
from autogen.agentchat.agent import LLMAgent
from support import report


class Wall:
    """Has the shape of an Agent, and no base class."""

    def __init__(self):
        self.heard = []

    @property
    def name(self):
        return "wall"

    @property
    def description(self):
        return "Says nothing twice."

    silent = None

    def send(self, message, recipient, request_reply=None):
        recipient.receive(message, self, request_reply)

    async def a_send(self, message, recipient, request_reply=None):
        await recipient.a_receive(message, self, request_reply)

    def receive(self, message, sender, request_reply=None, silent=None):
        self.heard.append([message, sender.name, request_reply])
        if len(self.heard) < 3:
            self.send(f"heard {len(self.heard)}", sender, request_reply=len(self.heard) < 2)

    async def a_receive(self, message, sender, request_reply=None):
        self.receive(message, sender, request_reply)

    def generate_reply(self, messages=None, sender=None, **kwargs):
        return "a wall replies"

    async def a_generate_reply(self, messages=None, sender=None, **kwargs):
        return "a wall replies"


wall = Wall()
agent = ConversableAgent("agent", human_input_mode="NEVER", default_auto_reply="well?")
agent.send("hello, wall", wall)
report(
    heard=wall.heard,
    history=agent.chat_messages[wall],
    is_agent=[isinstance(wall, Agent), isinstance(agent, Agent), isinstance("text", Agent)],
    is_llm_agent=[isinstance(wall, LLMAgent), isinstance(agent, LLMAgent)],
)
