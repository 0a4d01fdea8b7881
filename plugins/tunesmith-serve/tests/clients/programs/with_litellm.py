"""Asks a server with litellm's openai provider: chats and completions, whole, streamed, awaited."""

import asyncio
import json
import sys

import litellm
import openai

url, text = sys.argv[1:]
litellm.suppress_debug_info = True
SERVER = {"api_base": f"{url}/v1", "api_key": "any", "num_retries": 0}
CHAT = {
    "model": "openai/grooming",
    "messages": [{"role": "user", "content": text}],
    "max_tokens": 8,
    **SERVER,
}
PLAIN = {"model": "text-completion-openai/grooming", "prompt": text, "max_tokens": 8, **SERVER}


async def asked() -> tuple[str, str]:
    answer = await litellm.acompletion(**CHAT)
    chunks = await litellm.acompletion(**CHAT, stream=True)
    parts = [chunk.choices[0].delta.content or "" async for chunk in chunks]
    return answer.choices[0].message.content, "".join(parts)


whole = litellm.completion(**CHAT)
stream = litellm.completion(**CHAT, stream=True)
awaited, awaited_stream = asyncio.run(asked())
try:
    litellm.completion(**{**CHAT, "model": "openai/nobody"})
    refused = None
except openai.APIStatusError as error:  # litellm's errors are all of OpenAI's kind
    refused = error.status_code
print(
    json.dumps(
        {
            "whole": whole.choices[0].message.content,
            "tokens": whole.usage.completion_tokens,
            "streamed": "".join(chunk.choices[0].delta.content or "" for chunk in stream),
            "awaited": awaited,
            "awaited stream": awaited_stream,
            "completed": litellm.text_completion(**PLAIN).choices[0].text,
            "refused": refused,
        }
    )
)
