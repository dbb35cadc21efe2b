"""initiate_chats: each chat gets the summaries of those before it, but for what it excludes."""

import autogen
from autogen import ConversableAgent
from support import ScriptedClient, attempt, llm, report


def scripted(name, *replies):
    agent = ConversableAgent(name, llm_config=llm(), human_input_mode="NEVER")
    agent.register_model_client(ScriptedClient, replies=replies)
    return agent


def describe(sender, recipient, context):
    return f"Describe, {recipient.name}. {sorted(context)}, {context['carryover']}"


user = ConversableAgent("user", human_input_mode="NEVER", max_consecutive_auto_reply=0)
one, two, three = scripted("one", "alpha"), scripted("two", "beta", "delta"), scripted("three", "gamma")

results = user.initiate_chats(
    [
        {"recipient": one, "message": "Begin.", "max_turns": 1},
        {"recipient": two, "message": "Go on.", "max_turns": 1, "carryover": "a hint", "verbose": True},
        {
            "recipient": three,
            "message": describe,
            "max_turns": 1,
            "finished_chat_indexes_to_exclude_from_carryover": [0],
            "verbose": True,
        },
        {"recipient": two, "message": {"content": "End."}, "max_turns": 1, "silent": True, "carryover": ["listed"]},
    ]
)
report(
    results=results,
    kept=[each.summary for each in user.get_chat_results()],
    second=user.get_chat_results(1).summary,
    no_recipient=attempt(user.initiate_chats, [{"message": "to nobody"}]),
    no_sender=attempt(autogen.initiate_chats, [{"recipient": one, "message": "from nobody"}]),
    of_the_module=attempt(
        autogen.initiate_chats,
        [{"sender": user, "recipient": scripted("four", "epsilon"), "message": "Hi.", "max_turns": 1}],
    ),
)
