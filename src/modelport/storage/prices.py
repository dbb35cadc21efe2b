"""Prices of well-known models, from the package ``genai-prices`` where it is installed. Reads no network."""

import re
from functools import lru_cache

__all__ = ("listed_price",)

# Loading the table takes a quarter of a second, which a program that only calls models of its own must not wait:
# a name that no vendor of priced models uses is not looked up.
_VENDORS = re.compile(
    r"(.*/)?(gpt-|chatgpt|o[1-9]\b|claude|gemini|mistral|ministral|magistral|codestral|command|deepseek-|grok|sonar|kimi|nova)"
)


@lru_cache(maxsize=1024)
def listed_price(model: str) -> tuple[float, float] | None:
    """US dollars for 1,000 tokens of *model*'s prompt and completion; None where the table has no such model."""
    if _VENDORS.match(model) is None:
        return None
    try:
        import genai_prices
    except ImportError:
        return None
    dollars = []
    for count in ({"input_tokens": 1000}, {"output_tokens": 1000}):
        try:
            dollars.append(float(genai_prices.calc_price(genai_prices.Usage(**count), model).total_price))
        except (LookupError, ValueError):
            return None
    return dollars[0], dollars[1]
