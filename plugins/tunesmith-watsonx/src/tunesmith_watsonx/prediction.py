"""The predictor: one request for each prompt, with an adaptive limit of concurrent requests."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, TypeVar, get_args

from ibm_watsonx_ai.foundation_models import ModelInference

from tunesmith.backend import Predictor, Target
from tunesmith.backends.concurrency import RequestLimiter, in_order, retry_after_seconds
from tunesmith.errors import PredictionError, UnsupportedError
from tunesmith.pipeline.checks import check_generation
from tunesmith.pipeline.room import Room, check_room
from tunesmith.records import (
    Classification,
    Deployment,
    Generation,
    LabelTokens,
    Message,
    Reading,
    StopReason,
    TokenInfo,
    TopToken,
)
from tunesmith.spec import GenerationParams, TuningSpec
from tunesmith_watsonx.catalog import BACKEND, Catalog
from tunesmith_watsonx.chat import chat_parameters, generation_of, messages_of
from tunesmith_watsonx.connection import Connection
from tunesmith_watsonx.errors import response_of, status_of
from tunesmith_watsonx.label_scores import (
    PARAMS,
    LabelScores,
    behind,
    check_new_tokens,
    check_tokens,
    new_tokens,
    read_scores,
    texts_of,
)
from tunesmith_watsonx.service_warnings import cut_input, is_scripted

T = TypeVar("T")
_ADDED = 8
"""More than the tokens that a model adds to a prompt."""
_STOP_REASONS = frozenset(get_args(StopReason))


class WatsonxPredictor(Predictor):
    """Generates through the SDK's ``ModelInference``."""

    def __init__(self, connection: Connection, catalog: Catalog, patience: float) -> None:
        """Wait up to ``patience`` seconds for one answer that a rate limit delays."""
        self._connection = connection
        self._catalog = catalog
        self._patience = patience
        self._limiter = RequestLimiter()
        self._tokens: dict[tuple[str, str], tuple[str, ...]] = {}
        self._scripted = 0
        self._lock = threading.Lock()

    @property
    def scripted(self) -> int:
        """The number of answers so far that an emulator was told to give."""
        return self._scripted

    def generate(
        self, target: Target, inputs: Sequence[str], params: GenerationParams | None = None
    ) -> list[Generation]:
        """Generate once for each input; see :meth:`tunesmith.backend.Predictor.generate`.

        A deployment gets the unchanged inputs, and the service adds the template.

        Raises:
            QuotaError: the rate limit did not end within ``patience_seconds``.
        """
        if not inputs:
            return []
        asked = self._asked(target, params)
        model, stop = self._inference(target), threading.Event()

        def answer(text: str) -> Generation:
            # One prompt gives one dictionary; the SDK's annotation allows for lists and streams.
            got: Any = self._send(target, lambda: model.generate(prompt=text, params=asked), stop)
            return _generation(self._counted(got))

        return in_order(answer, inputs, stop)

    def stream(
        self, target: Target, text: str, params: GenerationParams | None = None
    ) -> Iterator[Generation]:
        """Generate piece by piece. The joined pieces are the text of :meth:`generate`."""
        asked = self._asked(target, params)
        model = self._inference(target)

        def begin() -> tuple[Generator[Any, None, None], list[Any]]:
            pieces = model.generate_text_stream(prompt=text, params=asked, raw_response=True)
            return pieces, list(itertools.islice(pieces, 1))

        pieces, first = self._send(target, begin)
        with closing(pieces):
            while first:
                yield _generation(self._counted(first[0]))
                with self._connection.call(f"streaming from {_name(target)}", PredictionError):
                    first = list(itertools.islice(pieces, 1))

    def tokenize(self, target: Target, inputs: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the tokens of each input, without a template.

        The service tokenizes only for base models. For a deployment, its base model is used.
        """
        if not inputs:
            return []
        name = target.base_model if isinstance(target, Deployment) else target
        model, stop = self._inference(name), threading.Event()

        def tokens(text: str) -> tuple[str, ...]:
            if (name, text) not in self._tokens:
                answer = self._send(
                    name, lambda: model.tokenize(prompt=text, return_tokens=True), stop
                )
                self._tokens[name, text] = tuple(map(str, answer["result"]["tokens"]))
            return self._tokens[name, text]

        return in_order(tokens, inputs, stop)

    def chat(
        self,
        base_model: str,
        conversations: Sequence[Sequence[Message]],
        params: GenerationParams | None = None,
    ) -> list[Generation]:
        """Answer each conversation. The service puts it into the model's chat template.

        Unlike in :meth:`generate`, the text does not include a stop sequence.

        Raises:
            UnsupportedError: the model does not chat, or a chat lacks a parameter.
            QuotaError: as :meth:`generate`.
        """
        spec = self._catalog.find(base_model)
        if not spec.capabilities.chat:
            raise UnsupportedError(
                f"chat: {base_model!r} has no chat template at the service; leave it out"
            )
        self._asked(base_model, params)
        asked = chat_parameters(params)
        if not conversations:
            return []
        model, stop = self._inference(base_model), threading.Event()

        def answer(conversation: Sequence[Message]) -> Generation:
            messages = messages_of(conversation)
            got: Any = self._send(
                base_model, lambda: model.chat(messages=messages, params=asked), stop
            )
            return generation_of(self._counted(got))

        return in_order(answer, conversations, stop)

    def classify(
        self, target: Target, inputs: Sequence[str], labels: Iterable[str]
    ) -> list[Classification]:
        """Return the probability of each label for each input of an untuned model.

        Each input takes one request for each label, and one more.

        Raises:
            UnsupportedError: ``target`` is a deployment, the service gives no log-probabilities,
                or one label begins another.
            PredictionError: a log-probability is absent or no number.
        """
        names = list(labels)
        base_model = self._scored(target)
        # First one input alone: if its labels cannot be scored, the others cost nothing.
        first, rest = inputs[:1], inputs[1:]
        scores = [s for part in (first, rest) for s in self._scores(base_model, part, names)]
        return [one.classification for one in scores]

    def label_tokens(
        self, base_model: str, prompts: Sequence[str], labels: Sequence[str]
    ) -> dict[str, LabelTokens]:
        """Return the tokens of each label for the untuned model, with requests as ``classify``."""
        scores = self._scores(self._scored(base_model), prompts, labels)
        return {
            label: LabelTokens(
                tokens=scores[0].tokens[label],
                mass=math.fsum(math.exp(one.log_probs[label]) for one in scores) / len(scores),
            )
            for label in labels
        }

    def check_answers(self, spec: TuningSpec, prompts: Sequence[str], answer: Reading) -> None:
        """Check that no label has more tokens than may be generated, or is a prefix of another.

        The first matters for text, the second for decisions of an untuned model. For both, each
        prompt must fit into the model with its answer, because the service refuses a longer one.
        The service tokenizes the first prompt with each label, and prompts that may be too long;
        nothing is generated. A service that does not tokenize leaves all this unchecked.
        """
        super().check_answers(spec, prompts, answer)
        capabilities = self._catalog.find(spec.base_model).capabilities
        scored = capabilities.base_label_scores or answer == "text"
        if not (prompts and scored and capabilities.tokenize):
            return
        labels = [spec.labels.surface(name) for name in spec.labels]
        prompt, *texts = self.tokenize(spec.base_model, texts_of(prompts[0], labels))
        spelled = dict(zip(labels, texts, strict=True))
        start = behind(prompt, spelled)
        tokens = {label: words[start:] for label, words in spelled.items()}
        if answer == "text":
            check_new_tokens(tokens, spec.generation)
        else:
            check_tokens(tokens)
        if capabilities.max_sequence_length and capabilities.base_inference:
            longest = max(map(len, tokens.values()), default=0)
            self._check_lengths(spec, prompts, answer, capabilities.max_sequence_length, longest)

    def _check_lengths(
        self,
        spec: TuningSpec,
        prompts: Sequence[str],
        answer: Reading,
        positions: int,
        longest: int,
    ) -> None:
        # The untuned model of a tuned run reads the whole prompt: only a tuned model cuts it.
        room = Room(
            positions=positions,
            most=new_tokens(spec.generation),
            longest=longest,
            scored=longest,
            cuts=False,
        )
        # A token spells at least one byte, and models add a few tokens.
        surely_fits = positions - max(room.most, longest) - _ADDED
        long = [text for text in prompts if len(text.encode()) > surely_fits]
        counted = [len(tokens) for tokens in self.tokenize(spec.base_model, long)]
        check_room(spec, counted + [0] * (len(prompts) - len(long)), answer, room)

    def _scored(self, target: Target) -> str:
        # A tuned model ends its label with the end of text, and no input can hold that token.
        if isinstance(target, Deployment):
            raise UnsupportedError(
                "label_scores: watsonx.ai gives no score of the end of text, which follows the "
                "label of a tuned model; set answer: text"
            )
        if not self._catalog.find(target).capabilities.base_label_scores:
            raise UnsupportedError(
                f"base_label_scores: the service gives no log-probabilities of input tokens for "
                f"{target!r}; set answer: text"
            )
        return target

    def _scores(
        self, base_model: str, prompts: Sequence[str], labels: Sequence[str]
    ) -> list[LabelScores]:
        asked = [texts_of(prompt, labels) for prompt in prompts]
        texts = list(dict.fromkeys(text for row in asked for text in row))
        answers = self.generate(base_model, texts, PARAMS)
        tokens = {text: one.input_tokens for text, one in zip(texts, answers, strict=True)}
        return [
            read_scores(tokens[row[0]], dict(zip(labels, map(tokens.get, row[1:]), strict=True)))
            for row in asked
        ]

    def _asked(self, target: Target, params: GenerationParams | None) -> dict[str, Any] | None:
        if isinstance(target, Deployment):
            # The service may have withdrawn its base model.
            spec = self._catalog.served().get(target.base_model)
        else:
            spec = self._catalog.find(target)
            if not spec.generates:
                raise UnsupportedError(
                    f"{target!r} does not generate untuned here (base_inference)"
                )
        if params is not None and spec is not None:
            check_generation(params, BACKEND, spec.capabilities)
        return None if params is None else _wire(params)

    def _counted(self, answer: Any) -> Any:
        """Return ``answer`` after counting it if it is scripted."""
        if is_scripted(answer):
            with self._lock:
                self._scripted += 1
        return answer

    def _inference(self, target: Target) -> ModelInference:
        if isinstance(target, Deployment):
            what: dict[str, Any] = {"deployment_id": target.id}
        else:
            what = {"model_id": self._catalog.find(target).model_id}
        client = self._connection.client
        with self._connection.call(f"opening {_name(target)}"):
            # The limiter retries for all requests together. The SDK would retry each request ten
            # times and ignore Retry-After.
            return ModelInference(api_client=client, validate=False, max_retries=0, **what)

    def _send(
        self, target: Target, request: Callable[[], T], stop: threading.Event | None = None
    ) -> T:
        doing = f"generating with {_name(target)}"

        def once() -> T:
            with self._connection.call(doing, PredictionError):
                return request()

        return self._limiter.ask(once, self._patience, _retry_after, final=_used_up, stop=stop)


def _wire(params: GenerationParams) -> dict[str, Any]:
    asked = params.model_dump(mode="json", exclude_none=True)
    penalty = asked.get("length_penalty", {})
    if "start_index" in penalty:  # the record has floats, the service needs an integer
        penalty["start_index"] = int(penalty["start_index"])
    return asked


def _name(target: Target) -> str:
    return f"deployment {target.id}" if isinstance(target, Deployment) else f"model {target!r}"


def _used_up(error: Exception) -> bool:
    return status_of(error) == 402  # the plan is used up: waiting does not help


def _retry_after(error: Exception) -> float | None:
    response = response_of(error)
    return None if response is None else retry_after_seconds(response.headers.get("Retry-After"))


def _generation(answer: Mapping[str, Any]) -> Generation:
    result = answer["results"][0]
    reason = str(result.get("stop_reason", "not_finished")).lower()
    return Generation(
        text=str(result.get("generated_text", "")),
        input_token_count=result.get("input_token_count"),
        generated_token_count=result.get("generated_token_count"),
        stop_reason=reason if reason in _STOP_REASONS else "not_finished",
        truncated=cut_input(answer),
        tokens=_tokens(result.get("generated_tokens")),
        input_tokens=_tokens(result.get("input_tokens")),
    )


def _tokens(given: Sequence[Mapping[str, Any]] | None) -> tuple[TokenInfo, ...] | None:
    return None if given is None else tuple(map(_token, given))


def _token(token: Mapping[str, Any]) -> TokenInfo:
    top = token.get("top_tokens")
    return TokenInfo(
        text=str(token.get("text", "")),
        logprob=token.get("logprob"),
        rank=token.get("rank"),
        top_tokens=None if top is None else tuple(map(_top_token, top)),
    )


def _top_token(token: Mapping[str, Any]) -> TopToken:
    return TopToken(text=str(token.get("text", "")), logprob=token["logprob"])
