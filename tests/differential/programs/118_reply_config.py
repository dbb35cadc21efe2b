"""A reply function's config: copied, changed while it runs, and put back by reset()."""

from autogen import Agent, ConversableAgent
from support import report

seen = []


def counting(recipient, messages=None, sender=None, config=None):
    config["count"] += 1
    seen.append(dict(config))
    return True, f"asked {config['count']} times"


def put_back(config):
    config["count"] = 100


def agent(**settings):
    made = ConversableAgent("agent", human_input_mode="NEVER")
    made.register_reply([Agent, None], counting, config=given, **settings)
    return made


given = {"count": 0}
ask = [{"role": "user", "content": "again"}]
plain, resetting = agent(), agent(reset_config=put_back)
replies = [each.generate_reply(ask) for each in (plain, plain, resetting, plain)]
plain.reset()
resetting.reset()
report(replies=replies, after=[plain.generate_reply(ask), resetting.generate_reply(ask)], given=given, seen=seen)
