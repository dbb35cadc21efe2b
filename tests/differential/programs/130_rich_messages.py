"""Messages that are more than text: parts, pictures, names, roles of one's own, an empty text."""

from autogen import ConversableAgent
from support import ScriptedClient, attempt, llm, plain, report

asked = []
bot = ConversableAgent("bot", llm_config=llm(), human_input_mode="NEVER")
bot.register_model_client(
    ScriptedClient,
    replies=["a picture of a cat", "named", "", "after nothing", {"content": [{"type": "text", "text": "in parts"}]}],
    requests=asked,
)
user = ConversableAgent("user", human_input_mode="NEVER", default_auto_reply="more", max_consecutive_auto_reply=1)
picture = {
    "content": [
        {"type": "text", "text": "What is this? TERMINATE"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
    ]
}
report(
    picture=plain(user.initiate_chat(bot, message=picture, max_turns=1)),
    named=plain(user.initiate_chat(bot, message={"content": "named", "name": "someone"}, max_turns=1)),
    empty=plain(user.initiate_chat(bot, message="say nothing", max_turns=2)),
    answer_in_parts=attempt(user.initiate_chat, bot, message="answer in parts", max_turns=1),
    asked=asked,
)
from_system = ConversableAgent(
    "s", system_message=[{"type": "text", "text": "parts of a system message"}], llm_config=llm()
)
from_system.register_model_client(ScriptedClient, replies=["ok"], requests=[])
report(system=user.initiate_chat(from_system, message="hi", max_turns=1).summary, text=from_system.system_message)
