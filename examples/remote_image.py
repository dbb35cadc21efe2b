"""A screenshot to a model on another machine: it arrives there as the array that it is here, bit for bit.

modelport serve examples/screen_model.py:ScreenModel &
python examples/remote_image.py http://127.0.0.1:8000
"""

import sys
import time

import numpy as np

from modelport import Client


def main(url: str) -> None:
    """Sends the picture, asks again with it still in the conversation, and tells how long each took."""
    screenshot = np.zeros((1080, 1920, 3), np.uint8)
    screenshot[200:800, 300:1500] = (24, 90, 161)

    client = Client(model=f"remote:{url}/screen")
    messages: list[dict[str, object]] = [{"role": "user", "content": ["What is on the screen?", screenshot]}]
    for _ in range(2):
        began = time.perf_counter()
        answer = client.create(messages=messages)
        print(f"{answer.text} ({(time.perf_counter() - began) * 1000:.0f} ms)")
        messages += [{"role": "assistant", "content": answer.text}, {"role": "user", "content": "And now?"}]
    client.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
