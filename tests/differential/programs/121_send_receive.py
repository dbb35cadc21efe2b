"""send and receive by hand: with and without a reply asked for, and messages that are none."""

from autogen import ConversableAgent
from support import attempt, report


def agent(name):
    return ConversableAgent(
        name,
        llm_config=False,
        human_input_mode="NEVER",
        default_auto_reply=f"{name} here",
        max_consecutive_auto_reply=1,
    )


a, b = agent("a"), agent("b")
a.send("no reply wanted", b)
a.send("a reply, please", b, request_reply=True)
b.receive("said directly", a, request_reply=False)
b.receive({"content": "as a dict", "name": "somebody"}, a, request_reply=False, silent=True)
a.send({"content": None, "function_call": {"name": "f", "arguments": "{}"}}, b, request_reply=False)
a.send(
    {"tool_calls": [{"id": "1", "type": "function", "function": {"name": "g", "arguments": '{"x": 1}'}}]},
    b,
    request_reply=False,
)
a.send({"role": "function", "name": "f", "content": "42"}, b, request_reply=False)
a.send({"role": "tool", "tool_call_id": "1", "content": "43"}, b, request_reply=False)
a.send([("content", "pairs")], b, request_reply=False)
a.send({"content": "extra", "unknown": 1, "role": "system"}, b, request_reply=False)
a.send({"content": "as system", "override_role": "system"}, b, request_reply=False)
a.send("", b, request_reply=False)
report(
    of_a=list(a.chat_messages[b]),
    of_b=list(b.chat_messages[a]),
    no_content=attempt(a.send, {"role": "user"}, b),
    null_content=attempt(a.send, {"content": None}, b),
    received_nothing=attempt(b.receive, {"role": "user"}, a),
    number=attempt(a.send, 42, b, request_reply=False),
    none=attempt(a.send, None, b, request_reply=False),
    reply_at_receive=[a.reply_at_receive[b], b.reply_at_receive[a]],
)
b.stop_reply_at_receive(a)
a.initiate_chat(b, message="start")
b.stop_reply_at_receive()
a.send("are you there?", b)
report(end=b.chat_messages[a])
