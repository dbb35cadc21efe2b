"""max_turns counts the turns of the one who begins; a second chat continues where clear_history is False."""

from autogen import ConversableAgent
from support import ScriptedClient, llm, plain, report

asked = []
teacher = ConversableAgent("teacher", system_message="You teach.", llm_config=llm(), human_input_mode="NEVER")
student = ConversableAgent("student", system_message="You learn.", llm_config=llm(), human_input_mode="NEVER")
teacher.register_model_client(ScriptedClient, replies=[f"Lesson {n}." for n in range(9)], requests=asked)
student.register_model_client(ScriptedClient, replies=[f"Question {n}?" for n in range(9)], requests=asked)

# What came of each is noted at once: with AutoGen the next chat of the two takes its history away.
first = plain(student.initiate_chat(teacher, message="Teach me.", max_turns=2))
second = plain(student.initiate_chat(teacher, message="More.", max_turns=1, clear_history=False))
third = plain(student.initiate_chat(teacher, message="Anew.", max_turns=1))

report(
    first=first,
    second=second,
    third=third,
    asked=asked,
    zero=student.initiate_chat(teacher, message="Hm.", max_turns=0),
)
