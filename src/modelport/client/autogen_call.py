"""One call of AutoGen's wrapper as one entry gets it: the entry's fields before the call's, and what is for whom."""

import logging
from collections.abc import Mapping
from typing import Any

from modelport.client.hearing import Hearer
from modelport.client.object_caches import store_of
from modelport.client.seed_cache import seed_cache
from modelport.client.templating import filled, instantiate
from modelport.errors import InvalidRequest
from modelport.storage.cache import Cache as Store
from modelport.wrappers.metering import Price
from modelport.wrappers.roles import follow, rules_from

__all__ = ("OF_A_CALL", "OF_THE_API", "Call", "given_rules", "judged")

logger: logging.Logger = logging.getLogger("modelport.client.openai_wrapper")

_SEED = 41
# The constructor's arguments of OpenAI's two clients, which AutoGen takes out of an entry before it is asked.
OF_THE_API = frozenset(
    {
        *("api_key", "organization", "project", "base_url", "timeout", "max_retries", "default_headers"),
        *("default_query", "http_client", "websocket_base_url", "webhook_secret", "azure_endpoint"),
        *("azure_deployment", "azure_ad_token", "azure_ad_token_provider"),
    }
)
OF_A_CALL = frozenset(
    {
        *("agent", "cache", "cache_seed", "filter_func", "allow_format_str_template", "context"),
        *("api_version", "api_type", "tags", "price"),
    }
)


def given_rules(value: Any, index: int) -> tuple[str, ...] | None:
    """The role rules of the entry at *index*; None leaves them to the model.

    Raises:
        ConfigError: they are none.
    """
    return None if value is None else rules_from(value, f"config_list[{index}].role_rules")


class Call:
    """What one entry is asked, and how. ``params`` are the model's. Their messages keep *rules*; ``emulated`` names
    those that they did not keep before."""

    __slots__ = ("_cache", "_seed", "agent", "context", "emulated", "filter_func", "hearer", "params", "price")

    def __init__(self, config: Mapping[str, Any], rules: tuple[str, ...], hearer: Hearer | None) -> None:
        self.params: dict[str, Any] = {name: value for name, value in config.items() if name not in OF_A_CALL}
        self.hearer: Hearer | None = hearer
        self.agent: Any = config.get("agent")
        self.context: Any = config.get("context")
        self.filter_func: Any = config.get("filter_func")
        self.price: Price | None = _price(config.get("price"))
        self._cache: Any = config.get("cache")
        self._seed: Any = config.get("cache_seed", _SEED)
        self.emulated: tuple[str, ...] = ()
        messages, prompt = self.params.get("messages"), self.params.get("prompt")
        if (messages is None) == (prompt is None):
            raise ValueError("give either messages or prompt, and not both")
        if self.context is not None:
            self._fill(bool(config.get("allow_format_str_template")))
        if rules and isinstance(messages, list | tuple):
            self.params["messages"], broken = follow(self.params["messages"], rules)
            self.emulated = tuple(f"role_rules.{name}" for name in broken)

    def _fill(self, allow: bool) -> None:
        prompt = self.params.get("prompt")
        if prompt is not None:
            self.params["prompt"] = instantiate(prompt, self.context, allow)
        elif self.context:
            self.params["messages"] = filled(self.params["messages"], self.context, allow)

    @property
    def live(self) -> Hearer | None:
        """Who hears the answer while it comes: nobody, where a filter may still reject it."""
        return self.hearer if self.filter_func is None else None

    @property
    def caches(self) -> bool:
        """Whether the answer may be from the cache, and goes there."""
        return self._seed is not None or self._cache is not None

    def store(self) -> Store | None:
        """Where the answer is cached, if it is."""
        if self._cache is not None:
            return store_of(self._cache)
        return None if self._seed is None else seed_cache(self._seed)


async def judged(call: Call, response: Any, *, waits: bool) -> bool:
    """Whether the caller's filter takes *response*; one that is ``async`` needs a call that *waits*."""
    given = call.filter_func(context=call.context, response=response)
    if hasattr(given, "__await__"):
        if not waits:
            given.close()
            raise InvalidRequest(
                "filter_func is async, and this call is not: await acreate(), or give a plain function",
                param="filter_func",
            )
        given = await given
    return bool(given)


def _price(value: Any) -> Price | None:
    if value is None:
        return None
    if isinstance(value, int | float):
        logger.warning("price is one number, taken for prompt and completion tokens alike: give [prompt, completion]")
        return float(value), float(value)
    prompt, completion = value
    return float(prompt), float(completion)
