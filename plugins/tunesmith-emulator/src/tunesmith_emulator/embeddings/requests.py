"""The bodies of requests for embeddings and rankings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tunesmith_emulator.fields import Body, flag, nested, text

MOST_INPUTS = 1000
"""Texts in one request (``ibm-watsonx-ai`` 1.8.1, ``MAX_INPUTS_LENGTH``)."""
_Text = Annotated[str, Field(min_length=1, description="must be text that is not empty")]


class _EmbeddingOptions(Body):
    input_text: bool = flag()


class _Truncating(Body):
    truncate_input_tokens: int | None = Field(
        None, ge=1, lt=2**31, description="must be a whole number from 1"
    )


class _EmbeddingParameters(_Truncating):
    return_options: _EmbeddingOptions = nested()


class EmbeddingRequest(Body):
    """A request of ``text/embeddings``."""

    model_id: str = text()
    inputs: list[_Text] = Field(
        min_length=1,
        max_length=MOST_INPUTS,
        description=f"must be a list of 1 to {MOST_INPUTS} texts, none of them empty",
    )
    parameters: _EmbeddingParameters = nested()


class _RerankOptions(Body):
    top_n: int | None = Field(None, ge=1, lt=2**31, description="must be a whole number from 1")
    inputs: bool = flag()
    query: bool = flag()


class _RerankParameters(_Truncating):
    return_options: _RerankOptions = nested()


class _Input(Body):
    predicate = "must be an object with the field text"
    text: _Text


class RerankRequest(Body):
    """A request of ``text/rerank``."""

    model_id: str = text()
    query: _Text
    inputs: list[_Input] = Field(
        min_length=1,
        max_length=MOST_INPUTS,
        description=f"must be a list of 1 to {MOST_INPUTS} objects with the field text",
    )
    parameters: _RerankParameters = nested()
