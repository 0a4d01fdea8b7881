"""The predictor: one request for each text, with an adaptive limit of concurrent requests."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from openai.types.chat import ChatCompletion

from tunesmith.backend import Capabilities, Predictor, Target
from tunesmith.backends.concurrency import RequestLimiter, in_order
from tunesmith.errors import ExperimentError, PredictionError, UnsupportedError
from tunesmith.pipeline.checks import check_generation
from tunesmith.records import (
    Classification,
    Deployment,
    Generation,
    LabelTokens,
    Message,
    Reading,
)
from tunesmith.spec import GenerationParams, TuningSpec
from tunesmith_openai import decisions, label_scores
from tunesmith_openai.catalog import BACKEND, Catalog
from tunesmith_openai.chat import (
    body_of,
    generation_of,
    messages_of,
    parameters,
    positions_of,
    scored,
    usage_of,
)
from tunesmith_openai.connection import Connection
from tunesmith_openai.errors import out_of_credit, retry_after
from tunesmith_openai.label_scores import Position
from tunesmith_openai.offers import Offer, Scores
from tunesmith_openai.store import Store

T = TypeVar("T")
_REMEMBERED = 4096


class OpenAIPredictor(Predictor):
    """Asks for chats and for decisions through the SDK."""

    def __init__(self, connection: Connection, catalog: Catalog, store: Store) -> None:
        self._connection = connection
        self._catalog = catalog
        self._store = store
        self._limiter = RequestLimiter()
        self._answered = _Answered()

    def generate(
        self, target: Target, inputs: Sequence[str], params: GenerationParams | None = None
    ) -> list[Generation]:
        """Generate once for each input, which a chat model reads as the message of a user.

        A text does not include the stop sequence that ended it.

        Raises:
            QuotaError: the rate limit did not end within ``patience_seconds``.
        """
        model, offer = self._asked(target)
        body = self._body(target, offer, params)
        prompts = self._read(target, inputs)
        conversations = [[Message(role="user", content=text)] for text in prompts]
        return self._chats(model, conversations, body, offer, prompts)

    def chat(
        self,
        base_model: str,
        conversations: Sequence[Sequence[Message]],
        params: GenerationParams | None = None,
    ) -> list[Generation]:
        """Answer each conversation. The service puts it into the model's chat template."""
        model, offer = self._asked(base_model)
        return self._chats(model, conversations, self._body(base_model, offer, params), offer)

    def classify(
        self, target: Target, inputs: Sequence[str], labels: Iterable[str]
    ) -> list[Classification]:
        """Return the probability of each label for each input.

        An input that the model has just written an answer to takes no request in the reading
        ``chat``: the answer had the log-probabilities.

        Raises:
            UnsupportedError: the model is read as text, or the labels cannot be told apart.
        """
        names, (model, offer) = list(labels), self._asked(target)
        scores, texts = self._scores(offer), _texts(target, names)
        _check_labels(scores, texts)
        prompts = self._read(target, inputs)
        if scores == "chat":
            found = self._by_chat(model, offer, prompts, texts)
        else:
            found = self._by_decisions(model, scores, prompts, texts)
        return [_by_name(one, names, texts) for one in found]

    def label_tokens(
        self, base_model: str, prompts: Sequence[str], labels: Sequence[str]
    ) -> dict[str, LabelTokens]:
        """Return each label as one token, because the service does not give the others.

        Its ``mass`` is among everything that a chat could write, or among the labels of a decision.
        """
        found = self.classify(base_model, prompts, labels)

        def mean(label: str) -> float:
            masses = ((one, 1.0 if one.mass is None else one.mass) for one in found)
            shares = (one.probabilities[label] * mass for one, mass in masses)
            return math.fsum(shares) / (len(found) or 1)

        return {label: LabelTokens(tokens=(label,), mass=mean(label)) for label in labels}

    def check_answers(self, spec: TuningSpec, prompts: Sequence[str], answer: Reading) -> None:
        """Check the texts of the labels; nothing is asked."""
        super().check_answers(spec, prompts, answer)
        scores = self._catalog.offer(spec.base_model).scores(self._connection.options.reading)
        if answer == "decision" and scores is not None:
            _check_labels(scores, [spec.labels.surface(name) for name in spec.labels])

    def _asked(self, target: Target) -> tuple[str, Offer]:
        """Return the provider's name of a target, and the offer for its base model."""
        if isinstance(target, Deployment):
            self._store.deployments.get(target.id)
            # The tuned model is asked in the way of its base model, so that both can be compared.
            return target.model.id, self._catalog.offer(target.base_model)
        return self._catalog.find(target).name, self._catalog.offer(target)

    def _read(self, target: Target, inputs: Sequence[str]) -> list[str]:
        """Return the texts that the model of a target reads."""
        return list(inputs) if isinstance(target, str) else self.prompts(target, inputs)

    def _scores(self, offer: Offer) -> Scores:
        scores = offer.scores(self._connection.options.reading)
        if scores is None:
            raise UnsupportedError(
                f"label_scores: {offer.model!r} is read as text here; set answer: text"
            )
        return scores

    def _body(
        self, target: Target, offer: Offer, params: GenerationParams | None
    ) -> dict[str, Any]:
        name = target.base_model if isinstance(target, Deployment) else target
        if not offer.chats:
            raise UnsupportedError(
                f"base_inference: {name!r} writes no text at {self._connection.options.host}, it "
                "only decides; set answer: decision"
            )
        if params is not None:
            honored = Capabilities(generation_parameters=parameters(offer))
            check_generation(params, BACKEND, honored)
        return body_of(offer, params)

    def _chats(
        self,
        model: str,
        conversations: Sequence[Sequence[Message]],
        body: dict[str, Any],
        offer: Offer,
        prompts: Sequence[str] | None = None,
    ) -> list[Generation]:
        keeps = offer.scores(self._connection.options.reading) == "chat" and _plain(body)
        asked = {**body, **scored(offer)} if keeps else body

        def answer(index: int, stop: threading.Event) -> Generation:
            got = self._chat(model, messages_of(conversations[index]), asked, stop)
            prompt = None if prompts is None else prompts[index]
            if keeps and prompt is not None:
                self._answered.put(model, prompt, got)
            return generation_of(got, prompt)

        return self._each(len(conversations), answer)

    def _by_chat(
        self, model: str, offer: Offer, prompts: Sequence[str], labels: Sequence[str]
    ) -> list[Classification]:
        needed = label_scores.tokens_needed(labels)
        body = body_of(offer, GenerationParams(max_new_tokens=needed)) | scored(offer)

        def score(index: int, stop: threading.Event) -> Classification:
            positions = self._answered.pop(model, prompts[index], needed)
            if positions is None:
                messages = messages_of([Message(role="user", content=prompts[index])])
                positions = positions_of(self._chat(model, messages, body, stop))
            if not positions:
                raise PredictionError(
                    f"choices[0].logprobs: {model!r} gave none; set --option reading=text"
                )
            return label_scores.read_scores(positions, labels)

        return self._each(len(prompts), score)

    def _by_decisions(
        self, model: str, wire: decisions.Wire, prompts: Sequence[str], labels: Sequence[str]
    ) -> list[Classification]:
        client = self._connection.client

        def decide(index: int, stop: threading.Event) -> Classification:
            text = prompts[index]
            found = self._send(
                model, lambda: decisions.decide(client, wire, model, text, labels), stop
            )
            self._connection.count(found.usage)
            return Classification(probabilities=found.probabilities)

        return self._each(len(prompts), decide)

    def _chat(
        self, model: str, messages: list[Any], body: dict[str, Any], stop: threading.Event
    ) -> ChatCompletion:
        create = self._connection.client.chat.completions.create
        got: ChatCompletion = self._send(
            model, lambda: create(model=model, messages=messages, **body), stop
        )
        self._connection.count(usage_of(got))
        return got

    def _each(self, count: int, work: Callable[[int, threading.Event], T]) -> list[T]:
        stop = threading.Event()
        return in_order(lambda index: work(index, stop), range(count), stop) if count else []

    def _send(self, model: str, request: Callable[[], T], stop: threading.Event) -> T:
        def once() -> T:
            with self._connection.call(f"asking the model {model!r}", PredictionError):
                return request()

        patience = self._connection.options.patience_seconds
        return self._limiter.ask(once, patience, retry_after, final=out_of_credit, stop=stop)


class _Answered:
    """Log-probabilities of answers that were written a moment ago. Each is used once, at most.

    A text and its label scores then take one request. A request whose time is measured is real,
    because its row was used before.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[list[Position], bool]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, model: str, prompt: str, answer: ChatCompletion) -> None:
        ended = answer.choices[0].finish_reason == "stop"
        with self._lock:
            self._kept[model, prompt] = positions_of(answer), ended
            while len(self._kept) > _REMEMBERED:
                self._kept.popitem(last=False)

    def pop(self, model: str, prompt: str, needed: int) -> list[Position] | None:
        with self._lock:
            positions, ended = self._kept.pop((model, prompt), ([], False))
        return positions if ended or len(positions) >= needed else None


def _plain(body: dict[str, Any]) -> bool:
    """Return whether an answer is greedy, so that label scores can be read from it."""
    return body.get("temperature") == 0.0 and "top_p" not in body


def _texts(target: Target, names: Sequence[str]) -> list[str]:
    """Return the texts of labels: those that a deployment was tuned to write, else the labels."""
    if isinstance(target, str):
        return list(names)
    labels = target.model.labels
    if unknown := [name for name in names if name not in labels]:
        raise ExperimentError(
            f"labels: {unknown[0]!r} is none of {', '.join(labels)}; choose of these"
        )
    return [labels.surface(name) for name in names]


def _check_labels(scores: Scores, texts: Sequence[str]) -> None:
    if scores == "chat":
        label_scores.check_labels(texts)
    else:
        decisions.check_labels(texts)


def _by_name(found: Classification, names: Sequence[str], texts: Sequence[str]) -> Classification:
    shares = {name: found.probabilities[text] for name, text in zip(names, texts, strict=True)}
    return Classification(probabilities=shares, mass=found.mass)
