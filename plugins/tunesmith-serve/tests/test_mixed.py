"""Any mix of requests at once gives the answers that each request gets alone."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import httpx
import pytest

from tunesmith.runs.run import RunDirectory
from tunesmith_serve.app import create_app

LABELS = {"0": None, "1": None}


def requests(tuned: Any) -> list[tuple[str, dict[str, Any]]]:
    choice = {"type": "choice", "criteria": LABELS}
    noul = {"type": "noul", "instructions": "Is it a complaint?"}
    asked = [
        ("/v1/systemone", {"state": text, "model": name, "questions": {"q": choice, "n": noul}})
        for text in tuned.texts[:12]
        for name in ("grooming", "other")
    ]
    asked += [
        ("/v1/chat/completions",
         {"model": "grooming", "messages": [{"role": "user", "content": text}]})
        for text in tuned.texts[:4]
    ]  # fmt: skip
    random.Random(1).shuffle(asked)
    return asked


def test_a_mix_is_answered_as_the_predictor_answers(service: Any, tuned: Any) -> None:
    asked = requests(tuned)
    app = create_app(service)

    async def together() -> list[Any]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            found = await asyncio.gather(*(client.post(path, json=body) for path, body in asked))
            return [one.json() for one in found]

    before = service.shared.statistics
    answers = asyncio.run(together())
    calls = service.shared.statistics.batches - before.batches
    assert calls < len(asked) / 2
    for (path, body), answer in zip(asked, answers, strict=True):
        if path != "/v1/systemone":
            continue
        found = answer["answers"]["q"]
        expected = classified(tuned, body["model"], body["state"])
        assert found["x_raw_probabilities"] == pytest.approx(expected, abs=1e-5)
        assert max(found["x_raw_probabilities"], key=found["x_raw_probabilities"].get) == max(
            expected, key=expected.__getitem__
        )


def classified(tuned: Any, name: str, text: str) -> dict[str, float]:
    deployment = RunDirectory.load(dict(tuned.served)[name]).record.deployment
    return tuned.backend.predictor.classify(deployment, [text], list(LABELS))[0].probabilities
