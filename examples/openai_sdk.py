"""Any model behind `modelport serve`, used by the official OpenAI SDK.

modelport serve eliza &
python examples/openai_sdk.py http://127.0.0.1:8000
"""

import sys

from openai import OpenAI


def main(url: str) -> None:
    """One whole answer, and one streamed."""
    client = OpenAI(base_url=f"{url}/v1", api_key="none needed on this machine")
    print("served:", ", ".join(model.id for model in client.models.list()))

    answer = client.chat.completions.create(
        model="eliza", messages=[{"role": "user", "content": "I need a holiday"}], seed=1
    )
    print("whole:", answer.choices[0].message.content)

    stream = client.chat.completions.create(
        model="eliza", messages=[{"role": "user", "content": "My boss never listens to me"}], stream=True
    )
    print("streamed:", "|".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
