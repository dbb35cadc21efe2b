"""What becomes of each field of a request on modelport's own wire: it is a ``ChatRequest``, so all of it arrives.

A model keeps a field, or it is kept for it, or refused in its name. The documentation's table is made of this.
"""

__all__ = ("FATES",)

FATES: dict[str, str] = {
    "messages": "honoured: images as bytes, each across once",
    "model": "honoured: which of the served models; absent, or `default`: the first",
    "n": "honoured: 1 to 128; emulated, by asking again, where the model takes no `n`",
    "temperature": "honoured: 0 to 2",
    "top_p": "honoured: 0 to 1",
    "max_tokens": "honoured: emulated, by cutting the answer at an estimate, where the model takes none",
    "stop": "honoured: emulated, by cutting the text, where the model takes none",
    "seed": "honoured",
    "presence_penalty": "honoured: −2 to 2",
    "frequency_penalty": "honoured: −2 to 2",
    "logit_bias": "honoured",
    "logprobs": "honoured: reaches models that take it; answers have no place for them",
    "top_logprobs": "honoured: reaches models that take it; answers have no place for them",
    "tools": "honoured: emulated, in words, where the model names a parser for its calls",
    "tool_choice": "honoured: a call that is demanded and does not come is an error",
    "parallel_tool_calls": "honoured",
    "response_format": "honoured: emulated, by asking for JSON, looking at it and asking again, where the model takes "
    "none",
    "reasoning_effort": "honoured",
    "user": "honoured",
    "metadata": "honoured",
    "extra": "honoured: plain data, of any names",
}
"""Every field of a request. Any other is rejected by name."""
