"""Summaries: the last message, a reflection with its prompt and role, one's own function, none, and wrong names."""

from autogen import AssistantAgent, ConversableAgent
from support import ScriptedClient, attempt, llm, plain, report

asked = []
bot = AssistantAgent("bot", llm_config=llm())
bot.register_model_client(
    ScriptedClient,
    replies=[
        "Answer A. TERMINATE",
        "Answer B.",
        "A summary.",
        "Answer C.",
        "Another summary.",
        *[f"Answer {n}." for n in range(9)],
    ],
    requests=asked,
)
user = ConversableAgent("user", llm_config=False, human_input_mode="NEVER")


def own_summary(sender, recipient, summary_args):
    kept = {name: value for name, value in summary_args.items() if name != "cache"}
    return f"{sender.name}, {recipient.name}, {kept}: {recipient.last_message(sender)['content']}"


def ask(message, **settings):
    return plain(attempt(user.initiate_chat, bot, message=message, max_turns=1, **settings))


report(
    last=ask("A"),
    reflection=ask("B", summary_method="reflection_with_llm"),
    prompted=ask(
        "C", summary_method="reflection_with_llm", summary_args={"summary_prompt": "Sum up!", "summary_role": "user"}
    ),
    own=ask("D", summary_method=own_summary, summary_args={"style": "short"}),
    none=ask("E", summary_method=None),
    unknown=ask("F", summary_method="haiku"),
    prompt_of_wrong_type=ask("G", summary_method="reflection_with_llm", summary_args={"summary_prompt": 7}),
    role_of_wrong_type=ask("H", summary_method="reflection_with_llm", summary_args={"summary_role": 7}),
    nobody_reflects=attempt(
        user.initiate_chat, ConversableAgent("mute"), message="I", max_turns=1, summary_method="reflection_with_llm"
    ),
    asked=asked,
)
