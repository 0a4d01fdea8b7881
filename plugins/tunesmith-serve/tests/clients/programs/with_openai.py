"""Asks a server with the official client: each endpoint, whole, streamed and asynchronous."""

import asyncio
import json
import sys

from openai import AsyncOpenAI, BadRequestError, OpenAI

url, text = sys.argv[1:]
client = OpenAI(base_url=f"{url}/v1", api_key="any")
later = AsyncOpenAI(base_url=f"{url}/v1", api_key="any")
QUESTIONS = [
    {"type": "choice", "instructions": "Satisfied?", "choices": [{"value": "0"}, {"value": "1"}]},
    {"type": "predicate", "instructions": "It is a complaint."},
    {"type": "score", "instructions": "How angry?", "levels": [{"label": "no"}, {"label": "yes"}]},
]
CHAT = {
    "model": "jev-latest",
    "messages": [{"role": "user", "content": "Write a review of a bakery."}],
    "max_tokens": 8,
}
PLAIN = {"model": "jev-latest", "prompt": "A bakery", "max_tokens": 5}

decision = client.decisions.create(model="grooming", input=text, questions=QUESTIONS)
whole = client.chat.completions.create(**CHAT, logprobs=True).choices[0]
stream = client.chat.completions.create(**CHAT, stream=True)
streamed = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
completed = client.completions.create(**PLAIN).choices[0].text
pieces = [chunk.choices[0].text for chunk in client.completions.create(**PLAIN, stream=True)]
try:
    client.chat.completions.create(**CHAT, functions=[{"name": "f"}])
    refused = None
except BadRequestError as error:
    refused = error.param


async def asked() -> tuple[str, str]:
    answer = await later.chat.completions.create(**CHAT)
    chunks = await later.chat.completions.create(**CHAT, stream=True)
    parts = [chunk.choices[0].delta.content or "" async for chunk in chunks]
    await later.close()
    return answer.choices[0].message.content, "".join(parts)


awaited, awaited_stream = asyncio.run(asked())
print(
    json.dumps(
        {
            "models": [model.id for model in client.models.list()],
            "label": decision.answers[0].choice,
            "types": [answer.type for answer in decision.answers],
            "whole": whole.message.content,
            "logprobs": whole.logprobs.content[0].logprob,
            "streamed": streamed,
            "awaited": awaited,
            "awaited stream": awaited_stream,
            "completed": completed,
            "completed stream": "".join(pieces),
            "refused": refused,
        }
    )
)
