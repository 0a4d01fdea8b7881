"""The routes of embeddings and rankings."""

from __future__ import annotations

from pydantic import BaseModel

from tunesmith_emulator.embeddings.requests import EmbeddingRequest, RerankRequest
from tunesmith_emulator.routes.bodies import JsonBody
from tunesmith_emulator.routes.routing import JSON, Route, ServicesOf
from tunesmith_emulator.routes.shapes import InScope


def embed(services: ServicesOf, body: JsonBody) -> JSON:
    """Answer ``text/embeddings``."""
    return services.embeddings.embed(body)


def rank(services: ServicesOf, body: JsonBody) -> JSON:
    """Answer ``text/rerank``."""
    return services.embeddings.rank(body)


class _EmbeddingBody(EmbeddingRequest, InScope):
    """A request of embeddings."""


class _RerankBody(RerankRequest, InScope):
    """A request of a ranking."""


class _Embedding(BaseModel):
    embedding: list[float]
    input: str | None = None


class _Embeddings(BaseModel):
    model_id: str
    created_at: str
    results: list[_Embedding]
    input_token_count: int


class _Ranked(BaseModel):
    index: int
    score: float
    input: JSON | None = None


class _Ranking(BaseModel):
    model_id: str
    created_at: str
    results: list[_Ranked]
    input_token_count: int
    query: str | None = None


ROUTES = (
    Route(
        "POST",
        "/ml/v1/text/embeddings",
        embed,
        ("sdk", "docs"),
        "embeddings",
        body=_EmbeddingBody,
        answer=_Embeddings,
        note=(
            "One model computes for every id: the installed sentence embedding model "
            "(all-MiniLM-L6-v2, 384 numbers), else the mean hidden state of the stand-in base "
            "model, of length 1. The model's spec has the served dimension and names the "
            "stand-in. truncate_input_tokens keeps the start of a text; it does not count the "
            "tokens that the model adds (inferred). crypto is ignored."
        ),
    ),
    Route(
        "POST",
        "/ml/v1/text/rerank",
        rank,
        ("sdk", "docs"),
        "embeddings",
        body=_RerankBody,
        answer=_Ranking,
        note=(
            "The score is the cosine of the embeddings of query and input, also for the ids of "
            "cross-encoders. The best result comes first (inferred)."
        ),
    ),
)
