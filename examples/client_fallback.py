"""One client, several models in order of preference: the first that answers is the answer.

python examples/client_fallback.py
"""

from typing import Any

from modelport import Client


def moody(messages: list[dict[str, Any]], **params: Any) -> str:
    """The model that one would rather use, on a bad day."""
    raise RuntimeError("out of memory")


def steady(messages: list[dict[str, Any]], **params: Any) -> str:
    """The one that is always there."""
    return f"You said: {messages[-1]['content']}"


def main() -> None:
    """Asks once, and tells who answered and what it took."""
    client = Client(
        config_list=[
            {"model": moody, "label": "moody", "max_retries": 1},
            {"model": steady, "label": "steady", "price": [0.5, 1.5]},  # dollars for 1,000 tokens
        ]
    )

    answer = client.create(messages=[{"role": "user", "content": "Is anybody there?"}])

    print(f"{answer.entry}: {answer.text}")
    client.print_usage_summary("actual")


if __name__ == "__main__":
    main()
