"""AutoGen's own exceptions: their texts, and that they are caught by name."""

import autogen
from autogen import AgentNameConflict, InvalidCarryOverType, NoEligibleSpeaker, SenderRequired, UndefinedNextAgent
from autogen.exception_utils import SenderRequired as SameSenderRequired
from support import attempt, report

a, b = autogen.ConversableAgent("a", human_input_mode="NEVER"), autogen.ConversableAgent("b", human_input_mode="NEVER")
report(
    texts=[
        str(each())
        for each in (AgentNameConflict, InvalidCarryOverType, NoEligibleSpeaker, SenderRequired, UndefinedNextAgent)
    ],
    own_texts=[
        str(each("mine"))
        for each in (AgentNameConflict, InvalidCarryOverType, NoEligibleSpeaker, SenderRequired, UndefinedNextAgent)
    ],
    exceptions=[issubclass(each, Exception) for each in (AgentNameConflict, InvalidCarryOverType, NoEligibleSpeaker)],
    same=SameSenderRequired is SenderRequired,
    message=NoEligibleSpeaker("because").message,
)
caught = []
try:
    a.initiate_chat(b, message="hi", carryover=7)
except InvalidCarryOverType:
    caught.append("carryover")
try:
    autogen.GroupChat([a, b], []).next_agent(a, [autogen.ConversableAgent("c")])
except UndefinedNextAgent:
    caught.append("next agent")
try:
    autogen.GroupChat([a, autogen.ConversableAgent("a")], []).agent_by_name("a", raise_on_name_conflict=True)
except AgentNameConflict:
    caught.append("name conflict")
a.register_reply("b", lambda *args, **kwargs: (True, "never"))
report(caught=caught, sender=attempt(a.generate_reply, [{"role": "user", "content": "hi"}]))
