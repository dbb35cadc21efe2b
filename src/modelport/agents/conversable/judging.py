"""Whether a chat goes on: termination messages, how often an agent may reply by itself, and what a person says."""

from collections.abc import Generator
from typing import Any

from modelport.agents.agent import Agent
from modelport.agents.conversable.replying import twin_of
from modelport.agents.conversable.talking import Talking
from modelport.agents.iostream import IOStream, colored
from modelport.sync import offload

__all__ = ("Judging",)

_Verdict = tuple[bool, dict[str, Any] | None]


class Judging(Talking):
    """The part of an agent that asks a person, or stops."""

    def get_human_input(self, prompt: str) -> str:
        """What a person answers to *prompt*: overridden to ask elsewhere than at the terminal."""
        reply = IOStream.get_default().input(prompt)
        self._human_input.append(reply)
        return reply

    async def a_get_human_input(self, prompt: str) -> str:
        """As :meth:`get_human_input`, without holding up the event loop."""
        if type(self).get_human_input is not Judging.get_human_input:
            return await offload(self.get_human_input, prompt)
        reply = await IOStream.get_default().a_input(prompt)
        self._human_input.append(reply)
        return reply

    def check_termination_and_human_reply(
        self, messages: list[dict[str, Any]] | None = None, sender: Agent | None = None, config: Any = None
    ) -> _Verdict:
        """``(True, None)`` where the chat is over, ``(True, message)`` where a person speaks, else ``(False, None)``.

        ALWAYS asks a person at every message, TERMINATE at a termination message and when as many replies were made
        as may follow each other, NEVER asks nobody and stops then.
        """
        del config
        steps = self._judge(messages, sender)
        try:
            prompt = next(steps)
            while True:
                prompt = steps.send(self.get_human_input(prompt))
        except StopIteration as done:
            verdict: _Verdict = done.value
            return verdict

    @twin_of(check_termination_and_human_reply)
    async def a_check_termination_and_human_reply(
        self, messages: list[dict[str, Any]] | None = None, sender: Agent | None = None, config: Any = None
    ) -> _Verdict:
        """As :meth:`check_termination_and_human_reply`, awaiting the person."""
        del config
        steps = self._judge(messages, sender)
        try:
            prompt = next(steps)
            while True:
                prompt = steps.send(await self.a_get_human_input(prompt))
        except StopIteration as done:
            verdict: _Verdict = done.value
            return verdict

    def _judge(self, messages: list[dict[str, Any]] | None, sender: Agent | None) -> Generator[str, str, _Verdict]:
        """Yields what to ask a person, is sent the answer, gives the verdict: for blocking and async callers alike."""
        if messages is None:
            messages = self._oai_messages[sender] if sender else []
        message = messages[-1] if messages else {}
        stream = IOStream.get_default()
        question, ends = self._question(message, sender)
        reply = ""
        if question is None:
            reply = "exit" if ends else ""
        else:
            reply = yield question
            if not reply:
                stream.print(colored("\n>>>>>>>> NO HUMAN INPUT RECEIVED.", "red"), flush=True)
                reply = "exit" if ends else ""
        counter = self._consecutive_auto_reply_counter
        if reply == "exit":
            counter[sender] = 0
            return True, None
        if reply or self._max_consecutive_auto_reply_dict[sender] == 0:
            counter[sender] = 0
            return True, _persons_message(reply, message)
        counter[sender] += 1
        if self.human_input_mode != "NEVER":
            stream.print(colored("\n>>>>>>>> USING AUTO REPLY...", "red"), flush=True)
        return False, None

    def _question(self, message: dict[str, Any], sender: Agent | None) -> tuple[str | None, bool]:
        """What to ask a person, if anything, and whether no answer ends the chat."""
        who = "the sender" if sender is None else sender.name
        if self.human_input_mode == "ALWAYS":
            question = (
                f"Replying as {self.name}. Provide feedback to {who}. Press enter to skip and use auto-reply, "
                "or type 'exit' to end the conversation: "
            )
            return question, bool(self._is_termination_msg(message))
        replied_enough = self._consecutive_auto_reply_counter[sender] >= self._max_consecutive_auto_reply_dict[sender]
        if replied_enough and self.human_input_mode == "NEVER":
            return None, True
        ends = bool(self._is_termination_msg(message))
        if not replied_enough and not ends:
            return None, False
        if self.human_input_mode == "NEVER":
            return None, True
        skip = "" if ends else " to skip and use auto-reply,"
        return f"Please give feedback to {who}. Press enter{skip} or type 'exit' to stop the conversation: ", ends


def _persons_message(reply: str, message: dict[str, Any]) -> dict[str, Any]:
    """What a person said, with an answer to each call that they broke into: models insist on one."""
    results: list[dict[str, Any]] = []
    call = message.get("function_call")
    if call:
        results.append({"role": "function", "name": call.get("name", ""), "content": "USER INTERRUPTED"})
    results.extend(
        {"role": "tool", "tool_call_id": each.get("id", ""), "content": "USER INTERRUPTED"}
        for each in message.get("tool_calls") or ()
    )
    said: dict[str, Any] = {"role": "user", "content": reply}
    if results:
        said["tool_responses"] = results
    return said
