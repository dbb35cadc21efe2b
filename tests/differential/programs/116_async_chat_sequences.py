"""a_initiate_chats: chats at the same time, and those that wait for others."""

import asyncio

from autogen import ConversableAgent
from support import ScriptedClient, failed, llm, report


def scripted(name, *replies):
    agent = ConversableAgent(name, llm_config=llm(), human_input_mode="NEVER")
    agent.register_model_client(ScriptedClient, replies=replies)
    return agent


user = ConversableAgent("user", human_input_mode="NEVER", max_consecutive_auto_reply=0)


def chat(number, *before, **settings):
    agent = scripted(f"agent_{number}", f"answer {number}")
    return {
        "chat_id": number,
        "recipient": agent,
        "message": f"question {number}",
        "max_turns": 1,
        "silent": True,
        "prerequisites": list(before),
        **settings,
    }


async def attempted(*chats):
    try:
        return await user.a_initiate_chats(list(chats))
    except Exception as error:
        return failed(error)


async def main():
    results = await user.a_initiate_chats([chat(3, 1, 2), chat(1), chat(2, 1, carryover="a hint"), chat(4, 3, 2)])
    report(
        results=results,
        order_of_ids=sorted(results),
        kept=sorted(user.get_chat_results()),
        without_id=await attempted({"recipient": scripted("x", "y"), "message": "hi", "max_turns": 1}),
        of_wrong_type=await attempted(chat(1), chat(2, "1")),
        going_round=await attempted(chat(1, 2), chat(2, 1)),
    )


asyncio.run(main())
