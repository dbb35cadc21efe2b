"""The conversable agent, in parts: identity, replying, talking, asking, judging, working, coding, chatting, nesting."""

from modelport.agents.conversable.agent import ConversableAgent
from modelport.agents.conversable.working import register_function

__all__ = ("ConversableAgent", "register_function")
