"""AutoGen's contract: create(), message_retrieval(), cost(), get_usage(). This model does sums, for money.

modelport check examples/arithmetic_model.py:ArithmeticClient
modelport chat examples/arithmetic_model.py:ArithmeticClient -m "What is 6 * (3 + 4)?"
"""

import ast
import operator
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

DOLLARS_PER_TOKEN = 0.0001

OPERATIONS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
}


class ArithmeticClient:
    """Finds a sum in the last message and works it out. The constructor gets its entry of the config list."""

    def __init__(self, config: dict[str, Any], **kwargs: Any) -> None:
        self.model = config.get("model", "arithmetic")
        self.digits = config.get("digits", 6)

    def create(self, params: dict[str, Any]) -> SimpleNamespace:
        """A response with one choice for each of ``n``."""
        question = str(params["messages"][-1]["content"])
        text = self.answer(question)
        message = SimpleNamespace(content=text, function_call=None)
        choices = [SimpleNamespace(message=message) for _ in range(params.get("n") or 1)]
        usage = SimpleNamespace(prompt_tokens=len(question.split()), completion_tokens=len(text.split()) * len(choices))
        return SimpleNamespace(choices=choices, model=self.model, usage=usage)

    def answer(self, question: str) -> str:
        """The sum with its result."""
        found = re.search(r"[-(\d][-+*/%().\d\s]*[\d)]", question)
        if found is None:
            return "I see no sum in that."
        try:
            result = work_out(ast.parse(found[0].strip(), mode="eval").body)
        except (SyntaxError, ValueError, ArithmeticError, RecursionError) as error:
            return f"{found[0].strip()} cannot be worked out: {error}."
        return f"{found[0].strip()} = {round(result, self.digits):g}"

    def message_retrieval(self, response: SimpleNamespace) -> list[str]:
        """The text of each choice."""
        return [choice.message.content for choice in response.choices]

    def cost(self, response: SimpleNamespace) -> float:
        """US dollars."""
        return float((response.usage.prompt_tokens + response.usage.completion_tokens) * DOLLARS_PER_TOKEN)

    @staticmethod
    def get_usage(response: SimpleNamespace) -> dict[str, Any]:
        """Tokens and cost, by AutoGen's names."""
        prompt, completion = response.usage.prompt_tokens, response.usage.completion_tokens
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "cost": (prompt + completion) * DOLLARS_PER_TOKEN,
            "model": response.model,
        }


def work_out(node: ast.AST) -> float:
    """The value of a parsed sum; nothing else is ever run."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        return OPERATIONS[type(node.op)](work_out(node.left), work_out(node.right))
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATIONS:
        return OPERATIONS[type(node.op)](work_out(node.operand))
    raise ValueError("it is not a sum")
