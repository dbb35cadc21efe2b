"""Several prompts in one legacy completion: bounded, in order, and given up with their caller."""

import asyncio
import json

from modelport.server import create_app
from modelport.server.app import Options
from modelport.server.limits import Limits
from modelport.testing import ScriptedModel, reply
from tests.server.helpers import Client, Gated, ask

PATH = "/v1/completions"


async def test_too_many_prompts_are_refused() -> None:
    app = create_app([Gated()], Options(limits=Limits(messages=2)))

    answer = await ask(app, path=PATH, body=json.dumps({"prompt": ["x"] * 3}).encode())

    assert (answer.status, answer.error["param"]) == (413, "prompt")


async def test_each_prompt_has_an_answer_of_its_own_and_all_are_counted_together() -> None:
    app = create_app([ScriptedModel(reply("first"), reply("second"))])

    answer = await ask(app, path=PATH, body=json.dumps({"prompt": ["a", "b"]}).encode())

    assert [(choice["index"], choice["text"]) for choice in answer.json["choices"]] == [(0, "first"), (1, "second")]
    assert answer.json["modelport"]["emulated"] == ["prompt"]
    assert answer.json["usage"]["completion_tokens"] > 1


async def test_a_caller_who_leaves_ends_the_prompt_that_is_being_answered() -> None:
    model = Gated()
    client = Client(create_app([model]), path=PATH, pieces=(b'{"prompt": ["a", "b"], "stream": true}',))
    asking = asyncio.create_task(client.ask())
    await model.begun.wait()
    model.go.release()
    await client.wrote.wait()
    client.leave()
    await asking

    assert model.left.is_set()
    assert model.deltas == 1
