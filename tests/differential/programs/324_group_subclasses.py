"""Users' own group chats: select_speaker, append and the manager's run_chat, overridden."""

import random
from dataclasses import dataclass, field

from autogen import ConversableAgent, GroupChat, GroupChatManager
from support import report

log = []


class Alternating(GroupChat):
    def __init__(self, agents, messages, max_round=10, boss=None):
        super().__init__(agents, messages, max_round)
        self.boss = boss

    def select_speaker(self, last_speaker, selector):
        log.append([last_speaker.name, selector.name])
        return (
            random.choice([each for each in self.agents if each is not self.boss])
            if last_speaker is self.boss
            else self.boss
        )


@dataclass
class Numbered(GroupChat):
    prefix: str = "#"
    seen: list = field(default_factory=list)

    def append(self, message, speaker):
        self.seen.append(speaker.name)
        super().append({**message, "content": f"{self.prefix}{len(self.seen)} {message['content']}"}, speaker)


class Announcing(GroupChatManager):
    def run_chat(self, messages=None, sender=None, config=None):
        log.append(["never called: run_chat was registered as it is", sender.name])
        return super().run_chat(messages, sender, config)

    def _prepare_chat(self, recipient, clear_history, prepare_recipient=True, reply_at_receive=True):
        log.append(["_prepare_chat", recipient.name, clear_history, prepare_recipient, reply_at_receive])
        super()._prepare_chat(recipient, clear_history, prepare_recipient, reply_at_receive)


def people():
    return [
        ConversableAgent(name, human_input_mode="NEVER", default_auto_reply=f"{name} speaks")
        for name in ("ann", "bob", "eve")
    ]


random.seed(3)
ann, bob, eve = people()
group = Alternating([ann, bob, eve], [], 6, boss=ann)
bob.initiate_chat(GroupChatManager(group), message="Begin.", silent=True)
report(alternating=group.messages, speakers=log)

agents = people()
group = Numbered(agents, [], max_round=3, speaker_selection_method="round_robin", prefix="No. ")
manager = Announcing(group, name="announcer")
log.clear()
result = agents[0].initiate_chat(manager, message="Begin.", silent=True)
report(numbered=group.messages, seen=group.seen, result=result, calls=log)
