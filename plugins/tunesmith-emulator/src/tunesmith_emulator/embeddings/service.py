"""The rules of embeddings and rankings, and the models that are listed for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tunesmith.errors import near_misses
from tunesmith.records import Embedding
from tunesmith_emulator.catalogue.filters import Facts, parse
from tunesmith_emulator.catalogue.lifecycle import shown, stage_on
from tunesmith_emulator.catalogue.service import Catalogue
from tunesmith_emulator.database import utc_now
from tunesmith_emulator.embeddings.model import EmbeddingModel, Function, embedding_models
from tunesmith_emulator.embeddings.requests import EmbeddingRequest, RerankRequest
from tunesmith_emulator.embeddings.source import Source, find_source
from tunesmith_emulator.engine import Engine
from tunesmith_emulator.envelope import ServiceError, Target
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.times import stamp
from tunesmith_emulator.translation import service_errors

JSON = dict[str, Any]
_CALL_TIMES = {"lite": "5m0s", "v2-professional": "10m0s", "v2-standard": "10m0s"}


class Embeddings:
    """Embeddings and rankings by one source: see :mod:`tunesmith_emulator.embeddings.source`.

    Args:
        engine: the backend.
        catalogue: gives the served day.
        base_model: the backend's base model that embeds if nothing else is installed.
    """

    def __init__(self, engine: Engine, catalogue: Catalogue, base_model: str) -> None:
        self._engine = engine
        self._catalogue = catalogue
        self._base_model = base_model
        self._found: Source | None = None

    def embed(self, body: Mapping[str, Any]) -> JSON:
        """Answer ``text/embeddings``.

        Raises:
            ServiceError: 400, names the field; 404, the model is unknown.
        """
        ProjectScope.require(body)
        asked = EmbeddingRequest.read(body)
        model = self._model(asked.model_id, "embedding")
        limit = asked.parameters.truncate_input_tokens
        found = self._embedded(model, asked.inputs, limit, lambda index: f"inputs[{index}]")
        spelled = asked.parameters.return_options.input_text
        return {
            "model_id": model.model_id,
            "created_at": stamp(utc_now()),
            "results": [
                {"embedding": list(one.vector), **({"input": text} if spelled else {})}
                for one, text in zip(found, asked.inputs, strict=True)
            ],
            "input_token_count": sum(one.token_count for one in found),
        }

    def rank(self, body: Mapping[str, Any]) -> JSON:
        """Answer ``text/rerank``: the inputs by the cosine of their embedding and the query's.

        Raises:
            ServiceError: as :meth:`embed`.
        """
        ProjectScope.require(body)
        asked = RerankRequest.read(body)
        model, options = self._model(asked.model_id, "rerank"), asked.parameters.return_options
        texts = [asked.query, *(one.text for one in asked.inputs)]
        limit = asked.parameters.truncate_input_tokens
        query, *found = self._embedded(
            model, texts, limit, lambda index: f"inputs[{index - 1}].text" if index else "query"
        )
        scores = [_cosine(query, one) for one in found]
        ranked = sorted(range(len(scores)), key=lambda index: -scores[index])[: options.top_n]
        return {
            "model_id": model.model_id,
            "created_at": stamp(utc_now()),
            "results": [
                {
                    "index": index,
                    "score": scores[index],
                    **({"input": {"text": asked.inputs[index].text}} if options.inputs else {}),
                }
                for index in ranked
            ],
            "input_token_count": sum(one.token_count for one in (query, *found)),
            **({"query": asked.query} if options.query else {}),
        }

    def specs(self, filters: str | None = None) -> list[JSON]:
        """Return the models of the served day as ``foundation_model_specs``; see Catalogue.specs.

        There are none if nothing computes embeddings.

        Raises:
            ServiceError: 400, the filter is malformed.
        """
        wanted = parse(filters) if filters else lambda facts: True
        day = self._catalogue.as_of
        listed = [
            model
            for model in embedding_models().values()
            if (day is None or model.lifecycle[0].start_date <= day) and wanted(self._facts(model))
        ]
        try:
            return [self._spec(model, self._source()) for model in listed]
        except ServiceError:
            return []

    def _source(self) -> Source:
        with service_errors():
            self._found = self._found or find_source(self._engine, self._base_model)
        return self._found

    def _model(self, model_id: str, function: Function) -> EmbeddingModel:
        model = embedding_models().get(model_id)
        known = [name for name, m in embedding_models().items() if function in m.functions]
        why = ""
        if model is None or function not in model.functions:
            why = f"there is no such model for {function}. There are: {', '.join(known)}."
            why += near_misses(model_id, known)
        elif stage_on(model.lifecycle, self._catalogue.as_of) is None:
            since, day = model.lifecycle[0].start_date, self._catalogue.as_of
            why = f"it is available from {since}, and the catalogue of {day} is served."
        if model is None or why:
            message = f"Model {model_id!r} is not supported for this operation: {why}"
            raise ServiceError(404, "model_not_supported", message)
        return model

    def _embedded(
        self,
        model: EmbeddingModel,
        texts: Sequence[str],
        limit: int | None,
        place: Callable[[int], str],
    ) -> list[Embedding]:
        """Return the embeddings. Without ``limit`` no text may be longer than the model reads."""
        source = self._source()
        room = self._room(model, source)
        limits = [n for n in (limit, room) if n is not None]
        with service_errors():
            found = source.embed(texts, min(limits, default=None))
        for index, one in enumerate(found):
            if one.truncated and (limit is None or (room is not None and limit > room)):
                raise _too_long(model, one, place(index), room)
        return found

    def _room(self, model: EmbeddingModel, source: Source) -> int | None:
        limits = (model.max_sequence_length, source.max_tokens)
        return min((n for n in limits if n is not None), default=None)

    def _facts(self, model: EmbeddingModel) -> Facts:
        return {
            "modelid": frozenset({model.model_id}),
            "provider": frozenset({model.provider}),
            "source": frozenset({model.source}),
            "input_tier": frozenset({model.input_tier}),
            "output_tier": frozenset({model.output_tier}),
            "tier": frozenset({model.input_tier, model.output_tier}),
            "task": frozenset(),
            "lifecycle": frozenset({stage_on(model.lifecycle, self._catalogue.as_of) or ""}),
            "function": frozenset(model.functions),
        }

    def _spec(self, model: EmbeddingModel, source: Source) -> JSON:
        limits = {
            "max_sequence_length": self._room(model, source),
            "embedding_dimension": source.dimension if "embedding" in model.functions else None,
        }
        stages = shown(model.lifecycle, self._catalogue.as_of)
        return {
            "model_id": model.model_id,
            "label": model.label,
            "provider": model.provider,
            "source": model.source,
            "functions": [{"id": name} for name in model.functions],
            "short_description": model.short_description,
            "long_description": model.short_description,
            "input_tier": model.input_tier,
            "output_tier": model.output_tier,
            "number_params": model.number_params,
            "model_limits": {name: limit for name, limit in limits.items() if limit is not None},
            "limits": {plan: {"call_time": time} for plan, time in _CALL_TIMES.items()},
            "lifecycle": [
                {"id": stage.id, "start_date": stage.start_date.isoformat()} for stage in stages
            ],
            "tunesmith": {
                "emulated": True,
                "stand_in": None if source.name == model.model_id else source.name,
                "dimension_of_the_service": model.dimension,
            },
        }


def _too_long(model: EmbeddingModel, one: Embedding, place: str, room: int | None) -> ServiceError:
    """Return the refusal of a text that is not to be cut: the service's if its model has no room.

    The service's message was recorded; how to cut the text is added.
    """
    tokens, longest = one.token_count + one.unread_token_count, model.max_sequence_length
    if longest is not None and tokens > longest:
        why = (
            f"This model's maximum context length is {longest} tokens. However, you requested "
            f"{tokens} tokens in the input for embedding generation. Please reduce the length of "
            "the input."
        )
    else:
        why = f"the model that stands in for it reads {room} tokens, and {place} has {tokens}."
    remedy = f"parameters.truncate_input_tokens of at most {room} would cut {place}."
    message = f"Invalid input argument for Model '{model.model_id}': {why} {remedy}"
    return ServiceError(400, "invalid_input_argument", message, Target("field", place))


def _cosine(one: Embedding, other: Embedding) -> float:
    """Return the cosine of two vectors of length 1, from -1 to 1."""
    product = sum(a * b for a, b in zip(one.vector, other.vector, strict=True))
    return max(-1.0, min(1.0, product))
