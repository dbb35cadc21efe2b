"""The tutorial: a custom model client, its entry of the config list, and a chat with it."""

from types import SimpleNamespace

from autogen import AssistantAgent, UserProxyAgent, config_list_from_json
from support import report


class CustomModelClient:
    def __init__(self, config, **kwargs):
        print(f"CustomModelClient config: {config}")
        print(f"CustomModelClient arguments: {sorted(kwargs.items())}")
        self.seen = []

    def create(self, params):
        seen.append(sorted(name for name in params if name != "messages"))
        num_of_responses = params.get("n", 1)
        response = SimpleNamespace()
        response.choices = []
        response.model = "model_name"
        for number in range(num_of_responses):
            choice = SimpleNamespace()
            choice.message = SimpleNamespace()
            choice.message.content = f"this is a dummy text response {number}"
            choice.message.function_call = None
            response.choices.append(choice)
        return response

    def message_retrieval(self, response):
        return [choice.message.content for choice in response.choices]

    def cost(self, response) -> float:
        response.cost = 0
        return 0

    @staticmethod
    def get_usage(response):
        return {
            "prompt_tokens": 1,
            "completion_tokens": 2,
            "total_tokens": 3,
            "cost": response.cost,
            "model": response.model,
        }


seen = []
with open("OAI_CONFIG_LIST", "w") as file:
    file.write("""[
        {"model": "gpt-4", "api_key": "sk-not-used"},
        {
            "model": "Open-Orca/Mistral-7B-OpenOrca",
            "model_client_cls": "CustomModelClient",
            "device": "cuda",
            "n": 1,
            "params": {"max_length": 1000}
        }
    ]""")
config_list = config_list_from_json("OAI_CONFIG_LIST", filter_dict={"model_client_cls": ["CustomModelClient"]})
assistant = AssistantAgent("assistant", llm_config={"config_list": config_list})
user = UserProxyAgent(
    "user",
    human_input_mode="NEVER",
    max_consecutive_auto_reply=1,
    code_execution_config={"work_dir": "coding", "use_docker": False},
)
assistant.register_model_client(model_client_cls=CustomModelClient, loaded="a loaded model")
report(
    config_list=config_list,
    result=user.initiate_chat(assistant, message="Write python code to print Hello World!"),
    params=seen,
    usage=[assistant.get_actual_usage(), assistant.get_total_usage()],
)
