"""LangChain's two classes, on a base model and on a deployment, as a user would write it."""

import json
import sys

from ibm_watsonx_ai import APIClient, Credentials
from langchain_ibm import ChatWatsonx, WatsonxLLM

settings = json.loads(sys.argv[1])
url = settings["url"]
client = APIClient(
    Credentials(
        url=url,
        api_key="any",
        platform_url=url,
        auth_url=f"{url}/identity/token",
        verify=settings["ca_file"],
    ),
    project_id=settings["project_id"],
)
prompts = settings["prompts"]


def with_llm(**target):
    params = {"decoding_method": "greedy", "max_new_tokens": 8}
    llm = WatsonxLLM(watsonx_client=client, params=params, **target)
    return {
        "invoke": llm.invoke(prompts[0]),
        "batch": llm.batch(prompts),
        "stream": list(llm.stream(prompts[0])),
    }


def with_chat(**target):
    chat = ChatWatsonx(watsonx_client=client, params={"max_tokens": 8, "temperature": 0}, **target)
    message = chat.invoke(prompts[0])
    return {
        "invoke": message.content,
        "usage": message.usage_metadata,
        "stream": [chunk.content for chunk in chat.stream(prompts[0])],
    }


model = {"model_id": settings["model_id"]}
deployment = {"deployment_id": settings["deployment"]}
print(
    json.dumps(
        {
            "llm": {"model": with_llm(**model), "deployment": with_llm(**deployment)},
            "chat": {"model": with_chat(**model), "deployment": with_chat(**deployment)},
            "tokens": WatsonxLLM(watsonx_client=client, **model).get_num_tokens(prompts[0]),
        }
    )
)
