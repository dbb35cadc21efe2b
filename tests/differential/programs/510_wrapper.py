"""OpenAIWrapper by itself: prompts, messages, context, and what reaches the model client."""

from autogen import OpenAIWrapper
from support import ScriptedClient, attempt, report

asked = []
ASK = [{"role": "user", "content": "{greeting}, world"}]


def create(_entry=(), _base=(), **settings):
    client = OpenAIWrapper(
        config_list=[{"model": "m", "model_client_cls": "ScriptedClient", **dict(_entry)}],
        **{"cache_seed": None, **dict(_base)},
    )
    client.register_model_client(ScriptedClient, replies=["ok"], requests=asked)
    outcome = attempt(client.create, **settings)
    return outcome if isinstance(outcome, dict) else client.extract_text_or_completion_object(outcome)


report(
    messages=create(messages=ASK),
    prompt=create(prompt="once upon"),
    neither=create(),
    both=create(messages=ASK, prompt="once upon"),
    filled=create(messages=ASK, context={"greeting": "Hello"}, allow_format_str_template=True),
    not_filled=create(messages=ASK, context={"greeting": "Hello"}),
    missing_word={"error": create(messages=ASK, context={"other": 1}, allow_format_str_template=True)["error"]},
    prompt_function=create(prompt=lambda context: f"{context['n']} sheep", context={"n": 3}),
    overridden=create(
        {"temperature": 0.1, "max_tokens": 5}, {"temperature": 0.9, "top_p": 0.5}, messages=ASK, temperature=0.5
    ),
    fields_of_all_kinds=create(
        {"tags": ["t"], "price": [1, 2], "api_key": "k", "base_url": "u", "api_type": "t", "timeout": 5, "seed": 1},
        messages=ASK,
        stream=False,
        tools=[{"type": "function", "function": {"name": "f"}}],
        user="me",
        cache_seed=None,
    ),
    asked=asked,
)
alone = OpenAIWrapper(model="m", model_client_cls="ScriptedClient", cache_seed=None, temperature=0)
alone.register_model_client(ScriptedClient, replies=["alone"], requests=asked)
report(
    without_list=alone.extract_text_or_completion_object(alone.create(messages=[{"role": "user", "content": "Hi."}])),
    last=asked[-1],
)
