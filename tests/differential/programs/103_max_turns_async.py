"""The async twin of a chat with max_turns, and one without."""

import asyncio

from autogen import ConversableAgent
from support import ScriptedClient, llm, report

asked = []
teacher = ConversableAgent("teacher", system_message="You teach.", llm_config=llm(), human_input_mode="NEVER")
student = ConversableAgent(
    "student", llm_config=False, human_input_mode="NEVER", default_auto_reply="And then?", max_consecutive_auto_reply=2
)
teacher.register_model_client(ScriptedClient, replies=[f"Lesson {n}." for n in range(9)], requests=asked)


async def main():
    turns = await student.a_initiate_chat(teacher, message="Teach me.", max_turns=2)
    history = [dict(each) for each in turns.chat_history]
    free = await student.a_initiate_chat(teacher, message="Teach me more.", summary_method=None)
    report(turns=history, summary=turns.summary, cost=turns.cost, free=free, asked=asked)


asyncio.run(main())
