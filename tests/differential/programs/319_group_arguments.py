"""What a GroupChat refuses when it is made, and what it has when nothing is said."""

from autogen import ConversableAgent, GroupChat, GroupChatManager
from support import attempt, report

agents = [ConversableAgent(name, human_input_mode="NEVER") for name in ("ann", "bob")]


def refuses(**settings):
    made = attempt(GroupChat, agents=agents, messages=[], **settings)
    return made if isinstance(made, dict) else "fine"


report(
    message_template=refuses(select_speaker_message_template=""),
    prompt_template=refuses(select_speaker_prompt_template=""),
    role=refuses(role_for_select_speaker_messages=""),
    multiple_template=refuses(select_speaker_auto_multiple_template=""),
    none_template=refuses(select_speaker_auto_none_template=None),
    retries=refuses(max_retries_for_selecting_speaker=-1),
    retries_of_wrong_type=refuses(max_retries_for_selecting_speaker="two"),
    verbose=refuses(select_speaker_auto_verbose="yes"),
    transform=refuses(select_speaker_transform_messages="yes"),
    unknown=refuses(speaker_transitions_type="sometimes"),
)
group = GroupChat(agents, [])
names = (
    "max_round", "admin_name", "func_call_filter", "speaker_selection_method", "max_retries_for_selecting_speaker",
    "allow_repeat_speaker", "speaker_transitions_type", "enable_clear_history", "send_introductions",
    "select_speaker_auto_verbose", "role_for_select_speaker_messages",
)  # fmt: skip
manager = GroupChatManager(group)
report(
    defaults={name: getattr(group, name) for name in names},
    manager=[manager.name, manager.max_consecutive_auto_reply() > 10**6, manager.llm_config, manager.last_speaker],
    positional=GroupChat(agents, [], 3, "Boss", False, "random").speaker_selection_method,
)
group.append({"role": "user", "content": [{"type": "text", "text": "in parts"}]}, agents[0])
group.append({"role": "function", "name": "f", "content": "42"}, agents[1])
report(appended=list(group.messages))
group.reset()
report(after_reset=group.messages, mentioned=group._mentioned_agents("ann and ann, then bobby", None))
