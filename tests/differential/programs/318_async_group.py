"""An async group chat, with async replies and tools."""

import asyncio

from autogen import Agent, ConversableAgent, GroupChat, GroupChatManager
from support import ScriptedClient, call, llm, report


async def think(recipient, messages=None, sender=None, config=None):
    await asyncio.sleep(0)
    return True, f"{recipient.name} thought about: {messages[-1]['content']}"


async def lookup(word: str) -> str:
    await asyncio.sleep(0)
    return f"{word} means itself"


async def main():
    thinker = ConversableAgent("thinker", human_input_mode="NEVER")
    thinker.register_reply([Agent, None], think)
    model = ConversableAgent("model", llm_config=llm(), human_input_mode="NEVER")
    model.register_model_client(
        ScriptedClient, replies=[{"tool_calls": [call("lookup", {"word": "port"})]}, "I see. TERMINATE"]
    )
    runner = ConversableAgent("runner", human_input_mode="NEVER", function_map={"lookup": lookup})
    group = GroupChat(
        [thinker, model, runner], [], max_round=6, speaker_selection_method="round_robin", send_introductions=True
    )
    manager = GroupChatManager(group, is_termination_msg=lambda message: "TERMINATE" in (message["content"] or ""))
    result = await thinker.a_initiate_chat(manager, message="What is a port?")
    report(
        result=result, group=group.messages, of_runner=runner.chat_messages[manager], last_speaker=manager.last_speaker
    )


asyncio.run(main())
