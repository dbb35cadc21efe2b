"""max_consecutive_auto_reply: for all, for one sender, changed later, none at all."""

from autogen import ConversableAgent
from support import report


def agent(name, **settings):
    return ConversableAgent(
        name, llm_config=False, human_input_mode="NEVER", default_auto_reply=f"{name} replies", **settings
    )


a, b = agent("a", max_consecutive_auto_reply=1), agent("b", max_consecutive_auto_reply=3)
report(first=a.initiate_chat(b, message="hi"))
a.update_max_consecutive_auto_reply(2)
report(second=a.initiate_chat(b, message="hi again"))
a.update_max_consecutive_auto_reply(0, b)
report(
    third=a.initiate_chat(b, message="once more"),
    limits=[a.max_consecutive_auto_reply(), a.max_consecutive_auto_reply(b), b.max_consecutive_auto_reply(a)],
    default=ConversableAgent("c").max_consecutive_auto_reply(),
    at_class=ConversableAgent.MAX_CONSECUTIVE_AUTO_REPLY,
)
zero, one = agent("zero", max_consecutive_auto_reply=0), agent("one", max_consecutive_auto_reply=1)
report(zero=one.initiate_chat(zero, message="nobody answers"))
a.reset_consecutive_auto_reply_counter()
a.reset_consecutive_auto_reply_counter(b)
