"""litellm's chat, on a base model, on a deployment and on a model that does not exist."""

import json
import sys

import litellm
import openai

settings = json.loads(sys.argv[1])
litellm.ssl_verify = settings["ca_file"]
litellm.suppress_debug_info = True


def ask(model, **options):
    return litellm.completion(
        model=f"watsonx/{model}",
        api_base=settings["url"],
        api_key="any",
        project_id=settings["project_id"],
        messages=[{"role": "user", "content": settings["prompts"][0]}],
        max_tokens=8,
        temperature=0,
        num_retries=0,
        **options,
    )


def both(model):
    whole = ask(model)
    chunks = [chunk.choices[0].delta.content for chunk in ask(model, stream=True) if chunk.choices]
    return {
        "text": whole.choices[0].message.content,
        "finish_reason": whole.choices[0].finish_reason,
        "usage": whole.usage.model_dump(),
        "stream": [chunk for chunk in chunks if chunk],
    }


def refused(model):
    try:
        ask(model)
    except openai.APIStatusError as error:  # litellm's errors are all of OpenAI's kind
        return {"kind": type(error).__name__, "status": error.status_code, "message": str(error)}
    return None


print(
    json.dumps(
        {
            "model": both(settings["model_id"]),
            "deployment": both(f"deployment/{settings['deployment']}"),
            "serving_name": both(f"deployment/{settings['serving_name']}"),
            "unknown": refused("nobody/no-model"),
        }
    )
)
