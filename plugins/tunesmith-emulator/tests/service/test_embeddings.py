"""Embeddings and rankings, asked by the real SDK."""

from __future__ import annotations

import asyncio
import math
import warnings
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from service_rest import Rest, refusal

from tunesmith.plugins import Registry
from tunesmith_emulator import Emulator

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the SDK's imports cause warnings
    from ibm_watsonx_ai.foundation_models import Embeddings, Rerank
    from ibm_watsonx_ai.foundation_models.schema import RerankParameters, RerankReturnOptions

GRANITE, SLATE = "ibm/granite-embedding-278m-multilingual", "ibm/slate-125m-english-rtrvr-v2"
MINILM = "sentence-transformers/all-minilm-l6-v2"
DOG, PUPPY, LOAN = "A dog runs in the park.", "The puppy plays outside.", "The bank grants a loan."
EMBED, RANK = "/ml/v1/text/embeddings", "/ml/v1/text/rerank"


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.fixture
def embedding(sdk: Any) -> Embeddings:
    return Embeddings(model_id=GRANITE, api_client=sdk)


def test_similar_texts_have_similar_vectors_of_length_1(embedding: Embeddings) -> None:
    dog, puppy, loan = embedding.embed_documents([DOG, PUPPY, LOAN])
    assert cosine(dog, puppy) > cosine(dog, loan) + 0.2
    assert all(math.isclose(math.hypot(*v), 1, rel_tol=1e-5) for v in (dog, puppy, loan))
    assert embedding.embed_query(DOG) == dog
    assert asyncio.run(asynchronous(embedding)) == [dog]


async def asynchronous(embedding: Embeddings) -> list[list[float]]:
    found = await embedding.aembed_documents([DOG])
    await embedding._client.async_httpx_client.aclose()  # the SDK would leave it open
    return found


def test_the_spec_has_the_served_dimension_and_names_the_stand_in(
    sdk: Any, embedding: Embeddings
) -> None:
    spec = sdk.foundation_models.get_embeddings_model_specs(GRANITE)
    assert spec["model_limits"]["embedding_dimension"] == len(embedding.embed_query(DOG)) == 384
    assert spec["tunesmith"]["stand_in"] == MINILM
    assert spec["tunesmith"]["dimension_of_the_service"] == 768
    assert sdk.foundation_models.get_embeddings_model_specs(MINILM)["tunesmith"]["stand_in"] is None
    assert sdk.foundation_models.EmbeddingModels.SLATE_125M_ENGLISH_RTRVR_V2 == SLATE
    assert GRANITE not in set(sdk.foundation_models.RerankModels)


def test_a_long_text_is_cut_at_its_end_or_refused(embedding: Embeddings, rest: Rest) -> None:
    dog, cut = (embedding.generate([DOG], params=p) for p in ({}, {"truncate_input_tokens": 2}))
    assert (dog["input_token_count"], cut["input_token_count"]) == (7, 2)
    assert cut["results"] == embedding.generate(["A dog"])["results"]
    long = {"model_id": GRANITE, "inputs": ["short", "word " * 300]}
    error = refusal(rest.ask("POST", EMBED, long), 400)
    assert error["target"]["name"] == "inputs[1]"
    assert error["code"] == "invalid_input_argument"
    assert "254 tokens, and inputs[1] has 300" in error["message"]
    longer = long | {"parameters": {"truncate_input_tokens": 255}}
    assert refusal(rest.ask("POST", EMBED, longer), 400)["target"]["name"] == "inputs[1]"
    fitting = long | {"parameters": {"truncate_input_tokens": 254}}
    assert len(rest.post(EMBED, fitting)["results"]) == 2


def test_a_text_that_the_service_does_not_read_has_its_message(rest: Rest) -> None:
    long = "word " * 600
    error = refusal(rest.ask("POST", EMBED, {"model_id": SLATE, "inputs": [long]}), 400)
    assert error["message"].startswith(
        f"Invalid input argument for Model '{SLATE}': This model's maximum context length is 512 "
        "tokens. However, you requested 600 tokens in the input for embedding generation. Please "
        "reduce the length of the input."
    )
    assert "parameters.truncate_input_tokens of at most 254 would cut inputs[0]" in error["message"]
    ranked = {"model_id": SLATE, "query": long, "inputs": [{"text": DOG}]}
    error = refusal(rest.ask("POST", RANK, ranked), 400)
    assert "you requested 600 tokens" in error["message"]
    assert error["target"]["name"] == "query"


def test_inputs_are_given_back_if_asked(embedding: Embeddings) -> None:
    params = {"return_options": {"input_text": True}}
    (result,) = embedding.generate([DOG], params=params)["results"]
    assert result["input"] == DOG
    assert "input" not in embedding.generate([DOG])["results"][0]


def test_rerank_puts_the_nearest_first(sdk: Any) -> None:
    options = RerankReturnOptions(top_n=2, inputs=True, query=True)
    ranking = Rerank(
        model_id=SLATE, api_client=sdk, params=RerankParameters(return_options=options)
    )
    answer = ranking.generate("Where does the dog play?", [LOAN, PUPPY, DOG])
    first, second = answer["results"]
    assert first["score"] > second["score"]
    assert {first["index"], second["index"]} == {1, 2}
    assert first["input"] == {"text": [LOAN, PUPPY, DOG][first["index"]]}
    assert answer["query"] == "Where does the dog play?"


def test_refusals_name_the_field(rest: Rest) -> None:
    def asked(body: dict[str, Any], path: str = EMBED) -> dict[str, Any]:
        return refusal(rest.ask("POST", path, body), 400)

    assert asked({"inputs": ["a"]})["target"]["name"] == "model_id"
    assert asked({"model_id": GRANITE, "inputs": []})["target"]["name"] == "inputs"
    assert asked({"model_id": GRANITE, "inputs": ["a", ""]})["target"]["name"] == "inputs"
    assert asked({"model_id": GRANITE, "inputs": ["a"] * 1001})["target"]["name"] == "inputs"
    wrong = {"model_id": SLATE, "query": "a", "inputs": ["a"]}
    assert asked(wrong, RANK)["target"]["name"] == "inputs[0]"


def test_a_model_without_the_function_is_not_supported(rest: Rest) -> None:
    body = {"model_id": GRANITE, "query": "a", "inputs": [{"text": "b"}]}
    error = refusal(rest.ask("POST", RANK, body), 404)
    assert error["code"] == "model_not_supported"
    assert SLATE in error["message"]
    near = {"model_id": "ibm/slate-125m-english", "inputs": ["a"]}
    assert "ibm/slate-125m-english-rtrvr" in refusal(rest.ask("POST", EMBED, near), 404)["message"]


def test_a_dated_catalogue_has_the_models_of_its_day(
    start: Callable[..., Emulator], rest_for: Callable[..., Rest]
) -> None:
    rest = rest_for(start(as_of=date(2024, 6, 1)))
    query = {"filters": "function_embedding"}
    listed = {
        spec["model_id"] for spec in rest.get("/ml/v1/foundation_model_specs", **query)["resources"]
    }
    assert MINILM not in listed
    assert "ibm/slate-30m-english-rtrvr" in listed
    error = refusal(rest.ask("POST", EMBED, {"model_id": GRANITE, "inputs": ["a"]}), 404)
    assert "2025-01-15" in error["message"]


def test_without_an_embedding_model_the_base_model_embeds(
    monkeypatch: pytest.MonkeyPatch, start: Callable[..., Emulator], rest_for: Callable[..., Rest]
) -> None:
    monkeypatch.setattr(Registry, "embedders", lambda self: {})  # as if it were not installed
    rest = rest_for(start("local"))
    (spec,) = rest.get("/ml/v1/foundation_model_specs", filters=f"modelid_{GRANITE}")["resources"]
    assert spec["tunesmith"]["stand_in"] == "hidden states of tunesmith/micro-granite"
    first, second, same = rest.post(EMBED, {"model_id": GRANITE, "inputs": [DOG, LOAN, DOG]})[
        "results"
    ]
    assert len(first["embedding"]) == spec["model_limits"]["embedding_dimension"]
    assert first["embedding"] == same["embedding"] != second["embedding"]


def test_without_both_there_are_no_embeddings(
    monkeypatch: pytest.MonkeyPatch, start: Callable[..., Emulator], rest_for: Callable[..., Rest]
) -> None:
    monkeypatch.setattr(Registry, "embedders", lambda self: {})
    rest = rest_for(start("sklearn"))
    query = {"filters": "function_embedding"}
    assert rest.get("/ml/v1/foundation_model_specs", **query)["resources"] == []
    error = refusal(rest.ask("POST", EMBED, {"model_id": GRANITE, "inputs": ["a"]}), 400)
    assert "pip install" in error["message"]
