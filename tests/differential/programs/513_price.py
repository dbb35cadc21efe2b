"""A price of one's own, per thousand tokens: in the entry, in the config, as one number."""

from autogen import OpenAIWrapper
from support import ScriptedClient, attempt, report


def cost(replies=("one two three",), _base=(), **entry):
    client = OpenAIWrapper(
        config_list=[{"model": "m", "model_client_cls": "ScriptedClient", **entry}],
        **{"cache_seed": None, **dict(_base)},
    )
    client.register_model_client(ScriptedClient, replies=replies)
    response = attempt(client.create, messages=[{"role": "user", "content": "Hi."}] * 4)
    return response if isinstance(response, dict) else [response.cost, client.total_usage_summary]


report(
    own=cost(),
    a_list=cost(price=[1000, 2000]),
    a_tuple=cost(price=(500, 0)),
    one_number=cost(price=1000),
    in_config=cost(_base={"price": [1000, 1000]}),
    free=cost(price=[0, 0]),
)
