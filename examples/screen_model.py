"""AgentStudio's contract: a name, compose_messages() and generate_response(). This model measures the pictures it gets.

modelport check examples/screen_model.py:ScreenModel
modelport serve examples/screen_model.py:ScreenModel
"""

from typing import Any

from modelport.agent_studio import BaseModel


class ScreenModel(BaseModel):
    """Tells size, brightness and main colour of the last screenshot, which arrives as the array that was sent."""

    name = "screen"

    def compose_messages(self, intermedia_msg: list[dict[str, Any]]) -> Any:
        """The contents in order: texts and arrays."""
        return [message["content"] for message in intermedia_msg]

    def generate_response(self, messages: Any, **kwargs: Any) -> tuple[str, dict[str, int]]:
        """The answer, and its tokens: one for each word, and one for each picture."""
        pictures = [content for content in messages if hasattr(content, "shape")]
        words = sum(len(content.split()) for content in messages if isinstance(content, str))
        answer = _describe(pictures[-1]) if pictures else "I was not shown anything."
        return answer, {
            "prompt_tokens": words + len(pictures),
            "completion_tokens": len(answer.split()),
            "total_tokens": words + len(pictures) + len(answer.split()),
        }


def _describe(picture: Any) -> str:
    height, width = picture.shape[:2]
    size = f"{width}×{height} pixels"
    if picture.ndim == 2:
        return f"A grey picture of {size}, mean {picture.mean():.2f}."
    red, green, blue = (float(value) for value in picture[:, :, :3].mean(axis=(0, 1)))
    main = max((red, "red"), (green, "green"), (blue, "blue"))[1]
    return f"A picture of {size}, mean {picture.mean():.2f}, above all {main} ({red:.0f}, {green:.0f}, {blue:.0f})."
