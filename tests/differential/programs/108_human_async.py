"""Human input in async chats: the blocking input() in the background, and an async override of it."""

import asyncio

from autogen import ConversableAgent, UserProxyAgent
from support import ScriptedClient, llm, report, typing_in


class Polite(UserProxyAgent):
    """Is asked without a keyboard."""

    answers = ["go on, please", "exit"]

    async def a_get_human_input(self, prompt):
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        print(f"[{prompt}] {answer}")
        return answer


async def main():
    bot = ConversableAgent("bot", llm_config=llm(), human_input_mode="NEVER")
    bot.register_model_client(ScriptedClient, replies=[f"Answer {n}." for n in range(9)])
    user = UserProxyAgent("user", code_execution_config=False)
    with typing_in(["more", "exit"]) as prompts:
        report(typed=await user.a_initiate_chat(bot, message="Hi."), prompts=list(prompts))
    polite = Polite("polite", code_execution_config=False)
    report(overridden=await polite.a_initiate_chat(bot, message="Good day."), kept=polite._human_input)


asyncio.run(main())
