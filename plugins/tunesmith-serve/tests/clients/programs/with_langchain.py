"""Asks a server with LangChain: chats whole, streamed, awaited and in a batch; and decisions."""

import asyncio
import json
import sys
import warnings

from langchain_core._api import LangChainBetaWarning
from langchain_openai import ChatOpenAI
from langchain_openai.decisions import Choice, OpenAIDecisions, Predicate, Score

warnings.simplefilter("ignore", LangChainBetaWarning)
url, text = sys.argv[1:]
SERVER = {"model": "grooming", "base_url": f"{url}/v1", "api_key": "any", "max_retries": 0}
chat = ChatOpenAI(**SERVER, max_tokens=8)
decisions = OpenAIDecisions(**SERVER)
request = {
    "input": text,
    "questions": {
        "satisfied": Choice(instructions="Satisfied?", choices={"0": "no", "1": "yes"}),
        "complaint": Predicate(instructions="Is it a complaint?"),
        "anger": Score(instructions="How angry?", levels=["calm", "angry"]),
    },
}


async def asked() -> tuple[str, str, str]:
    answer = await chat.ainvoke(text)
    parts = [chunk.text async for chunk in chat.astream(text)]
    decided = await decisions.ainvoke(request)
    return answer.text, "".join(parts), decided.choices["satisfied"].choice


whole = chat.bind(logprobs=True).invoke(text)
found = decisions.invoke(request)
awaited, awaited_stream, awaited_label = asyncio.run(asked())
print(
    json.dumps(
        {
            "whole": whole.text,
            "logprob": whole.response_metadata["logprobs"]["content"][0]["logprob"],
            "tokens": whole.usage_metadata["output_tokens"],
            "streamed": "".join(chunk.text for chunk in chat.stream(text)),
            "awaited": awaited,
            "awaited stream": awaited_stream,
            "batch": [answer.text for answer in chat.batch([text, text])],
            "label": found.choices["satisfied"].choice,
            "awaited label": awaited_label,
            "complaint": found.predicates["complaint"].probability,
            "anger": found.scores["anger"].score,
        }
    )
)
