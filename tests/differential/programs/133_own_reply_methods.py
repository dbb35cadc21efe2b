"""Agents in the style of AutoGen's contributed ones: a class that registers its own methods as replies."""

from autogen import Agent, AssistantAgent, ConversableAgent, OpenAIWrapper, UserProxyAgent
from support import ScriptedClient, llm, report

asked = []


class Retriever(UserProxyAgent):
    """Looks things up before the model is asked."""

    def __init__(self, name="retriever", documents=(), **kwargs):
        super().__init__(name=name, human_input_mode="NEVER", code_execution_config=False, **kwargs)
        self._documents = list(documents)
        self.register_reply(Agent, Retriever._look_up, position=2)

    def _look_up(self, messages=None, sender=None, config=None):
        message = self._oai_messages[sender][-1] if messages is None else messages[-1]
        found = [each for each in self._documents if any(word in each for word in message["content"].split())]
        return (True, f"found: {found}") if "UPDATE CONTEXT" in message["content"] else (False, None)

    @staticmethod
    def message_generator(sender, recipient, context):
        return f"{context['problem']} {sender._documents[: context.get('n_results', 1)]}"


class Voting(ConversableAgent):
    """Asks its model three times and takes the answer that comes most often."""

    def __init__(self, name, llm_config, **kwargs):
        super().__init__(name, llm_config=llm_config, human_input_mode="NEVER", **kwargs)
        self.replace_reply_func(ConversableAgent.generate_oai_reply, Voting.generate_voted_reply)
        self.votes = []

    def generate_voted_reply(self, messages=None, sender=None, config=None):
        messages = self._oai_messages[sender] if messages is None else messages
        for _ in range(3):
            response = self.client.create(
                messages=self._oai_system_message + messages, cache=self.client_cache, agent=self
            )
            self.votes.append(self.client.extract_text_or_completion_object(response)[0])
        return True, max(set(self.votes), key=self.votes.count)


class Only(ConversableAgent):
    def __init__(self, name):
        super().__init__(name, llm_config=False)
        self.register_reply([Agent, None], Only.answer, remove_other_reply_funcs=True)

    def answer(self, messages=None, sender=None, config=None):
        return True, None if len(messages) > 2 else f"only this, to {sender.name}"


bot = AssistantAgent("bot", llm_config=llm())
bot.register_model_client(ScriptedClient, replies=["UPDATE CONTEXT trees", "thank you. TERMINATE"], requests=asked)
retriever = Retriever(
    documents=["trees are green", "the sky is blue"],
    is_termination_msg=lambda message: "TERMINATE" in (message.get("content") or ""),
)
report(
    retrieved=retriever.initiate_chat(bot, message=retriever.message_generator, problem="What is green?", n_results=2)
)

voting = Voting("voting", llm())
voting.register_model_client(ScriptedClient, replies=["blue", "green", "green"], requests=asked)
report(voted=retriever.initiate_chat(voting, message="Which colour?", max_turns=1), votes=voting.votes)
only = Only("only")
report(only=retriever.initiate_chat(only, message="Hello?"), asked=asked)

changed = ConversableAgent("changed", llm_config=llm(), human_input_mode="NEVER")
changed.llm_config["temperature"] = 0.25
changed.client = OpenAIWrapper(**changed.llm_config)
changed.client.register_model_client(ScriptedClient, replies=["warm"], requests=asked)
report(changed=changed.generate_reply([{"role": "user", "content": "Warm?"}]), last=asked[-1])
