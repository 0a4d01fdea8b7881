"""Asks a server with the official client of the System One API."""

import asyncio
import json
import sys

from typesafe_sdk import AsyncTypeSafeClient, Choice, Noul, TypeSafeClient

url, text = sys.argv[1:]
QUESTIONS = {
    "satisfied": Choice(instructions="Satisfied?", criteria={"0": None, "1": "yes"}),
    "complaint": Noul(instructions="Is it a complaint?"),
}


async def asked() -> str:
    async with AsyncTypeSafeClient(api_key="any", base_url=url) as client:
        found = await client.system_one(state=text, questions=QUESTIONS, model="grooming")
        return found.choices["satisfied"].choice


with TypeSafeClient(api_key="any", base_url=url) as client:
    found = client.system_one(state={"input": text}, questions=QUESTIONS, model="grooming")
answers = {
    "choice": found.choices["satisfied"].choice,
    "noul": found.nouls["complaint"].noul,
    "awaited": asyncio.run(asked()),
}
print(json.dumps(answers))
