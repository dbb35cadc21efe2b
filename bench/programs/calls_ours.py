"""Calls of a no-op model client through modelport: uncached, from a cache, into a cache; and by hand, for the floor."""

from pathlib import Path
from typing import Any

from bench.programs.noop import NoOp, conversation, timed
from bench.programs.talk import serve
from modelport import Client
from modelport.autogen import OpenAIWrapper

_CONFIG: list[dict[str, Any]] = [{"model": "noop", "model_client_cls": "NoOp"}]


def _client(cache: Any = None) -> Client:
    client = Client(config_list=_CONFIG, cache=cache)
    client.register_model_client(model_client_cls=NoOp)
    return client


def main() -> None:
    """Serves the commands; cache files go into the working directory."""
    kept = [conversation(number) for number in range(16)]
    unseen = iter(range(1_000_000, 2_000_000))
    plain = _client()
    clients = {"sqlite": _client(Path("cache.sqlite3")), "memory": _client("memory")}
    wrapper = OpenAIWrapper(config_list=_CONFIG)
    wrapper.register_model_client(model_client_cls=NoOp)
    model = NoOp(_CONFIG[0])

    def uncached(times: int) -> float:
        create = plain.create
        return timed(lambda number: create(messages=kept[number % 16]), times)

    def drop_in(times: int) -> float:
        create = wrapper.create
        return timed(lambda number: create(messages=kept[number % 16], cache_seed=None), times)

    def by_hand(times: int) -> float:
        return timed(lambda number: model.create({"messages": kept[number % 16]}), times)

    def hit(times: int, cache: str) -> float:
        create = clients[cache].create
        for messages in kept:
            create(messages=messages)
        return timed(lambda number: create(messages=kept[number % 16]), times)

    def miss(times: int, cache: str) -> float:
        create = clients[cache].create
        fresh = [conversation(next(unseen)) for _ in range(times)]
        return timed(lambda number: create(messages=fresh[number]), times)

    serve(uncached=uncached, drop_in=drop_in, by_hand=by_hand, hit=hit, miss=miss)


if __name__ == "__main__":
    main()
