"""Answers from a cache: given to a chat, by seed, by default, none; other questions and other models miss."""

from pathlib import Path

from autogen import AssistantAgent, Cache, ConversableAgent, OpenAIWrapper
from support import ScriptedClient, report

asked = []
user = ConversableAgent("user", human_input_mode="NEVER", max_consecutive_auto_reply=0)


def answer(message, *replies, cache=None, model="cached", **settings):
    bot = AssistantAgent(
        "bot",
        system_message="Hi.",
        llm_config={"config_list": [{"model": model, "model_client_cls": "ScriptedClient"}], **settings},
    )
    bot.register_model_client(ScriptedClient, replies=replies, requests=asked)
    result = user.initiate_chat(bot, message=message, cache=cache, silent=True)
    return [result.summary, result.cost, len(bot.client_cache or []) if bot.client_cache else None, len(asked)]


report(
    by_default=[answer("A", "first"), answer("A", "never asked"), answer("B", "another")],
    by_seed=[
        answer("A", "seeded", cache_seed=9),
        answer("A", "never asked", cache_seed=9),
        answer("A", "other seed", cache_seed=10),
    ],
    none=[answer("A", "one", cache_seed=None), answer("A", "two", cache_seed=None)],
    other_model=answer("A", "of another model", model="other"),
    temperature=answer("A", "warmer", temperature=1),
    folders=sorted(path.name for path in Path(".cache").iterdir()),
)
with Cache.disk(cache_seed="words", cache_path_root="mine") as cache:
    report(given=[answer("A", "kept", cache=cache), answer("A", "never asked", cache=cache)])
with Cache.disk(cache_seed="words", cache_path_root="mine") as cache:
    report(reopened=answer("A", "never asked", cache=cache))
with Cache.disk(cache_seed="fresh", cache_path_root="mine") as cache:
    report(other_cache=answer("A", "asked anew", cache=cache))

client = OpenAIWrapper(config_list=[{"model": "cached", "model_client_cls": "ScriptedClient"}], cache_seed=3)
client.register_model_client(ScriptedClient, replies=["wrapped"])
responses = [client.create(messages=[{"role": "user", "content": "Hi."}]) for _ in range(2)]
report(
    wrapper=[
        [client.extract_text_or_completion_object(each), each.cost, each.config_id, each.pass_filter]
        for each in responses
    ],
    usage=[client.actual_usage_summary, client.total_usage_summary],
)
