"""Calls of a no-op model client through AutoGen's OpenAIWrapper: uncached, from its cache, into its cache."""

from autogen import OpenAIWrapper  # type: ignore[import-not-found]  # of the peers' venv

from bench.programs.noop import NoOp, conversation, timed
from bench.programs.talk import serve

_CONFIG = [{"model": "noop", "model_client_cls": "NoOp"}]


def _wrapper() -> OpenAIWrapper:
    wrapper = OpenAIWrapper(config_list=_CONFIG)
    wrapper.register_model_client(model_client_cls=NoOp)
    return wrapper


def main() -> None:
    """Serves the three commands. Its cache goes into the working directory, as AutoGen's does."""
    wrapper = _wrapper()
    create = wrapper.create
    kept = [conversation(number) for number in range(16)]
    unseen = iter(range(1_000_000, 2_000_000))

    def uncached(times: int) -> float:
        return timed(lambda number: create(messages=kept[number % 16], cache_seed=None), times)

    def hit(times: int) -> float:
        for messages in kept:
            create(messages=messages)
        return timed(lambda number: create(messages=kept[number % 16]), times)

    def miss(times: int) -> float:
        fresh = [conversation(next(unseen)) for _ in range(times)]
        return timed(lambda number: create(messages=fresh[number]), times)

    serve(uncached=uncached, hit=hit, miss=miss)


if __name__ == "__main__":
    main()
