"""Several entries: the first that answers and passes the filter is taken; what happens when one raises."""

from autogen import OpenAIWrapper
from support import ScriptedClient, attempt, report

asked = []
ASK = [{"role": "user", "content": "Hi."}]


class First(ScriptedClient):
    pass


class Second(ScriptedClient):
    pass


def create(first, second, **settings):
    entries = [
        {"model": "one", "model_client_cls": "First"},
        {"model": "two", "model_client_cls": "Second", "tag": "x"},
    ]
    client = OpenAIWrapper(config_list=entries, cache_seed=None)
    client.register_model_client(First, replies=first, requests=asked)
    client.register_model_client(Second, replies=second, requests=asked)
    response = attempt(client.create, messages=ASK, **settings)
    if isinstance(response, dict):
        return response
    texts = client.extract_text_or_completion_object(response)
    return [texts, response.config_id, response.pass_filter, response.cost, client.total_usage_summary]


def short(context, response):
    return len(response.choices[0].message.content) <= context["longest"]


report(
    first=create(["one"], ["two"]),
    filtered=create(["much too long"], ["short"], filter_func=short, context={"longest": 5}),
    none_passes=create(["much too long"], ["also too long"], filter_func=short, context={"longest": 5}),
    several_choices=create([["a", "b"]], ["two"], n=2),
    asked=asked,
)
report(
    first_raises=create([RuntimeError("out of memory")], ["two"]),
    both_raise=create([RuntimeError("out of memory")], [RuntimeError("out of luck")]),
)
