"""History: last_message, clear_history, reset, and the messages an agent starts with."""

from autogen import ConversableAgent
from support import attempt, report


def agent(name, **settings):
    return ConversableAgent(name, llm_config=False, human_input_mode="NEVER", default_auto_reply="ok", **settings)


a, b, c = agent("a", max_consecutive_auto_reply=2), agent("b", max_consecutive_auto_reply=2), agent("c")
report(empty=attempt(a.last_message), stranger=attempt(a.last_message, b))
a.initiate_chat(b, message="one")
report(only=attempt(a.last_message), with_b=attempt(a.last_message, b), with_c=attempt(a.last_message, c))
a.send("two", c, request_reply=False)
report(
    ambiguous=attempt(a.last_message),
    who=[each.name for each in a.chat_messages],
    for_summary=a.chat_messages_for_summary(c),
)
report(more_than_there_are=attempt(a.clear_history, nr_messages_to_preserve=2))
a.send("three", c, request_reply=False)
a.clear_history(nr_messages_to_preserve=2)
report(preserved={each.name: list(messages) for each, messages in a.chat_messages.items()})
a.clear_history(b, nr_messages_to_preserve=1)
report(cleared_b={each.name: list(messages) for each, messages in a.chat_messages.items()})
a.clear_history()
report(
    cleared={each.name: list(messages) for each, messages in a.chat_messages.items()},
    empty_again=attempt(a.last_message),
)

a.send("before it", b, False)
a.send(
    {"role": "tool", "content": "4", "tool_responses": [{"tool_call_id": "1", "role": "tool", "content": "4"}]},
    b,
    False,
)
a.send("five", b, False)
a.clear_history(nr_messages_to_preserve=2)
report(tool_kept=list(a.chat_messages[b]))
b.reset()
report(after_reset=dict(b.chat_messages), indexed=attempt(lambda: b.chat_messages[a]))

past = {c: [{"role": "user", "content": "long ago", "name": "c"}]}
d = agent("d", chat_messages=past)
report(
    given=d.last_message(c),
    continued=c.initiate_chat(d, message="now", clear_history=False, max_turns=1).chat_history,
    seen=past[c],
)
