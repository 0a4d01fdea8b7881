"""The rules of inference: the model that answers, the checks of the request, the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from tunesmith.backend import Capabilities, Target
from tunesmith.errors import ExperimentError, PredictionError
from tunesmith.records import Deployment, Generation
from tunesmith.targets import base_model_of
from tunesmith_emulator.catalogue.entry import Entry
from tunesmith_emulator.catalogue.service import Catalogue
from tunesmith_emulator.deployments.service import Deployments
from tunesmith_emulator.engine import Engine
from tunesmith_emulator.envelope import ServiceError, wrong_field
from tunesmith_emulator.guardrails.detectors import RULES
from tunesmith_emulator.guardrails.moderations import Moderations, moderations_of
from tunesmith_emulator.inference import answers, chat_parameters, parameters
from tunesmith_emulator.inference.parameters import Notice, Spelling, Wanted
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.prompts.filling import chat_body, generation_body
from tunesmith_emulator.prompts.template import Template
from tunesmith_emulator.translation import service_errors
from tunesmith_serve.chat_parameters import read_n
from tunesmith_serve.conversing import (
    Asked,
    Conversation,
    Converser,
    asked_of_prompt,
    refusals_of,
)
from tunesmith_serve.messages import Message, field_of_system, tuned_input
from tunesmith_serve.streaming import with_own_tokens

JSON = dict[str, Any]
T = TypeVar("T")
CHARACTERS_PER_TOKEN = 32
"""More than the average of any text. A longer prompt is refused before it is tokenized."""
UNKNOWN_LENGTH = 32_768
"""Assumed limit of tokens for that check, if the model's limit is not known."""


@dataclass(frozen=True, slots=True)
class Answering:
    """The model that answers a request."""

    model_id: str
    target: Target
    entry: Entry
    template: Template | None = None
    """The prompt template of the deployment, if it has one."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The prompt of text generation."""

    text: str
    """As in the request."""
    read: str
    """What the model reads."""

    def shown(self, generation: Generation, wanted: Wanted) -> str:
        """Return the prompt that the answer starts with, if the request wants it."""
        if not wanted.input_text:
            return ""
        changed = self.read != self.text
        return self.text if changed or generation.prompt is None else generation.prompt


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat that has been checked."""

    who: Answering
    asked: Asked
    attempts: list[Wanted]
    """The limits of new tokens to try in turn."""
    count: int
    """Answers that are wanted."""

    def choices(self, wanted: Wanted) -> list[Wanted]:
        """Return the parameters of each answer."""
        asked = replace(self.asked, params=wanted.params).choices(self.count)
        return [replace(wanted, params=one.params) for one in asked]


class Inference:
    """Text generation, chat and tokenization.

    Every method takes the body of a request. ``deployment`` is the id or serving name in its
    address, or None if the body names a base model. All raise :class:`ServiceError`; an iterator
    raises it when it is read.

    Args:
        engine: the backend.
        catalogue: the models.
        deployments: the models that are deployed.
        chat_prompts: as :attr:`Settings.chat_prompts`.
    """

    def __init__(
        self,
        engine: Engine,
        catalogue: Catalogue,
        deployments: Deployments,
        *,
        chat_prompts: bool = False,
    ) -> None:
        self._engine = engine
        self._catalogue = catalogue
        self._deployments = deployments
        self._chat_prompts = chat_prompts
        self._conversers: dict[str, Converser] = {}

    def generate(self, body: JSON, deployment: str | None = None) -> JSON:
        """Answer ``text/generation``."""
        with service_errors():
            who, prompt, wanted = self._generation(body, deployment)
            guard = moderations_of(body)
            if guard is None:
                return self._answer(who, prompt, wanted)
            wanted = replace(wanted, warnings=(*wanted.warnings, Notice(RULES)))
            return self._guarded(who, prompt, wanted, guard)

    def _answer(self, who: Answering, prompt: Prompt, wanted: Wanted) -> JSON:
        generation = self._generated(who, prompt.read, wanted)
        shown = prompt.shown(generation, wanted) + generation.text
        return {
            **answers.head(who.model_id),
            "results": [answers.result(generation, wanted, shown)],
            **self._system(who, generation, wanted),
        }

    def _guarded(self, who: Answering, prompt: Prompt, wanted: Wanted, guard: Moderations) -> JSON:
        """Return an answer with what was found; nothing is generated for unsuitable input."""
        if not guard.in_input(prompt.text):
            start = len(prompt.text) if wanted.input_text else 0
            return guard.looked_at(self._answer(who, prompt, wanted), start)
        count = self._capabilities(who).tokenize
        read = len(self._engine.tokenize(who.target, prompt.read)) if count else 0
        nothing = Generation(text="", input_token_count=read, generated_token_count=0)
        answer = {
            **answers.head(who.model_id),
            "results": [answers.result(nothing, wanted, "")],
            **self._system(who, nothing, wanted),
        }
        return guard.withheld(answer, prompt.text) or answer

    def generate_stream(self, body: JSON, deployment: str | None = None) -> Iterator[JSON]:
        """Answer ``text/generation_stream``: count and tokens of the input, then the pieces.

        Each body has the number of generated tokens so far. The number of input tokens is 0 after
        the first body.
        """
        with service_errors():
            if moderations_of(body) is not None:
                yield self.generate(body, deployment)  # the whole answer is looked at
                return
            who, prompt, wanted = self._generation(body, deployment)
            shown: str | None = None
            for piece in self._pieces(who, prompt.read, wanted):
                if shown is None:
                    yield self._opening(who, piece, wanted)
                    shown = prompt.shown(piece, wanted)
                own = piece.model_copy(update={"input_tokens": None})
                entry = answers.result(own, wanted, shown + piece.text)
                yield {**answers.head(who.model_id), "results": [entry | {"input_token_count": 0}]}
                shown = ""

    def chat(self, body: JSON, deployment: str | None = None) -> JSON:
        """Answer ``text/chat``."""
        with service_errors():
            chat = self._chat(body, deployment)
            who, asked = chat.who, chat.asked
            with refusals_of(asked):
                generations, wanted = _first_that_fits(
                    chat.attempts,
                    lambda wanted: [
                        self._generated(who, asked.text, one) for one in chat.choices(wanted)
                    ],
                )
        system = self._system(who, generations[0], wanted)
        return answers.ChatAnswer(who.model_id).whole(asked, generations, system)

    def chat_stream(self, body: JSON, deployment: str | None = None) -> Iterator[JSON]:
        """Answer ``text/chat_stream``: the pieces, then the usage without choices."""
        with service_errors():
            chat = self._chat(body, deployment)
            who, asked = chat.who, chat.asked
            with refusals_of(asked):
                first, wanted = _first_that_fits(
                    chat.attempts,
                    lambda wanted: _begun(self._pieces(who, asked.text, chat.choices(wanted)[0])),
                )
                answer, ends = answers.ChatAnswer(who.model_id), list[Generation]()
                others = chat.choices(wanted)[1:]
                streams = chain([first], (self._pieces(who, asked.text, one) for one in others))
                whole = who.entry.whole_calls
                for index, pieces in enumerate(streams):
                    noted = _noting_last(pieces, ends)
                    yield from answer.chunks(asked, index, noted, whole_calls=whole)
            yield answer.last(ends, self._system(who, ends[0], wanted))

    def tokenize(self, body: JSON) -> JSON:
        """Answer ``text/tokenization``."""
        with service_errors():
            who, text = self._answering(body, None), _text_of(body)
            _check_length(text, who)
            given = body.get("parameters") or {}
            spelled = given.get("return_tokens", False) if isinstance(given, Mapping) else None
            if not isinstance(spelled, bool):
                raise wrong_field(
                    "parameters.return_tokens", "parameters.return_tokens must be true or false."
                )
            self._require(self._capabilities(who).tokenize, "tokenization")
            tokens = self._engine.tokenize(who.target, text)
        result = {"token_count": len(tokens), **({"tokens": list(tokens)} if spelled else {})}
        return {"model_id": who.model_id, "result": result}

    def _generation(self, body: JSON, deployment: str | None) -> tuple[Answering, Prompt, Wanted]:
        who = self._answering(body, deployment)
        if who.template is not None:
            body = generation_body(who.template, body)
        text = _text_of(body)
        _check_length(text, who)
        wanted = parameters.read(body.get("parameters"))
        wanted = self._fit(who, wanted, parameters.as_generation)
        prompt = Prompt(text, self._read(who, text, wanted))
        return who, prompt, self._within(who, prompt.read, wanted, parameters.as_generation)

    def _read(self, who: Answering, text: str, wanted: Wanted) -> str:
        """Return what the model reads; a prompt whose tokens are asked for stays as it is."""
        as_it_is = (wanted.params.return_options or {}).get("input_tokens")
        if as_it_is or not self._chat_prompts or not isinstance(who.target, str):
            return text
        return self._asked(who.target, Conversation([Message("user", text)]), wanted).text

    def _chat(self, body: JSON, deployment: str | None) -> Chat:
        who = self._answering(body, deployment)
        if _enabled(body.get("moderations")):
            raise wrong_field(
                "moderations", "moderations are not emulated in a chat; leave guardrails off."
            )
        if who.template is not None:
            body = chat_body(who.template, body)
        talk = chat_parameters.read_talk(body)
        wanted, count = chat_parameters.read_chat(body), read_n(body)
        if isinstance(who.target, Deployment):
            asked = asked_of_prompt(talk, wanted.params)
            unread = tuned_input(talk.messages)[1]
            wanted = replace(wanted, warnings=(*wanted.warnings, *map(Notice, unread)))
        else:
            asked = self._asked(who.target, talk, wanted)
            wanted = replace(wanted, warnings=(*wanted.warnings, *_unreasoned(talk, asked)))
        _check_length(asked.text, who)
        spell = partial(_spelled, asked.field)
        wanted = self._fit(who, replace(wanted, params=asked.params), spell)
        can_limit = "max_new_tokens" in self._capabilities(who).generation_parameters
        limit = who.entry.max_new_tokens
        *others, last = chat_parameters.attempts(wanted, limit) if can_limit else [wanted]
        last = self._within(who, asked.text, last, chat_parameters.as_chat)
        return Chat(who, asked, [*others, last], count)

    def _asked(self, base_model: str, talk: Conversation, wanted: Wanted) -> Asked:
        """Return what a base model is asked, in its chat template if it has one."""
        if base_model not in self._conversers:
            self._conversers[base_model] = Converser(self._engine.shared, base_model)
        try:
            return self._conversers[base_model].asked(talk, wanted.params)
        except ExperimentError as error:
            raise wrong_field(field_of_system(talk.messages), str(error)) from error

    def _answering(self, body: JSON, deployment: str | None) -> Answering:
        _refuse_extras(body)
        if deployment is not None:
            _refuse_named(body)
            found = self._deployments.serving(deployment)
            entry = self._catalogue.find(found.model_id)
            target = entry.served_by if found.target is None else found.target
            return Answering(found.model_id, target, entry, found.template)
        ProjectScope.require(body)
        model_id = body.get("model_id")
        if not isinstance(model_id, str) or not model_id:
            raise wrong_field("model_id", "model_id must name a base model.")
        entry = self._catalogue.find(model_id)
        return Answering(model_id, entry.served_by, entry)

    def _capabilities(self, who: Answering) -> Capabilities:
        return self._engine.capabilities(base_model_of(who.target))

    def _fit(self, who: Answering, wanted: Wanted, spell: Spelling) -> Wanted:
        capabilities = self._capabilities(who)
        if isinstance(who.target, str):
            self._require(capabilities.base_inference, "inference of an untuned base model")
        return parameters.fit(wanted, capabilities, self._engine.name, spell)

    def _require(self, declared: bool, what: str) -> None:
        if not declared:
            raise ServiceError(
                400, "unsupported", f"The emulator's backend {self._engine.name!r} has no {what}."
            )

    def _generated(self, who: Answering, text: str, wanted: Wanted) -> Generation:
        self._check_room(who, text, wanted)
        return self._engine.generate(who.target, text, wanted.params)

    def _pieces(self, who: Answering, text: str, wanted: Wanted) -> Iterator[Generation]:
        """Yield the pieces, each with only its own tokens."""
        self._check_room(who, text, wanted)
        yield from with_own_tokens(self._engine.stream(who.target, text, wanted.params))

    def _opening(self, who: Answering, piece: Generation, wanted: Wanted) -> JSON:
        nothing = Generation(
            text="", input_token_count=piece.input_token_count, input_tokens=piece.input_tokens
        )
        return {
            **answers.head(who.model_id),
            "results": [answers.result(nothing, wanted, "")],
            **self._system(who, piece, wanted),
        }

    def _system(self, who: Answering, generation: Generation, wanted: Wanted) -> JSON:
        ours = answers.notes(generation, wanted, self._engine.name)
        return answers.system([*who.entry.warnings, *ours])

    def _within(self, who: Answering, text: str, wanted: Wanted, spell: Spelling) -> Wanted:
        """Return what the model that answers has positions for; warnings name each change.

        It may have fewer positions than the model that it stands in for. Half of them are kept for
        the answer if the request wants so many tokens; the prompt loses its beginning.

        Raises:
            PredictionError: the service refuses the request.
        """
        self._check_room(who, text, wanted)
        capabilities, new = self._capabilities(who), wanted.new_tokens
        longest = capabilities.max_sequence_length
        if longest is None:
            return wanted
        if isinstance(who.target, Deployment):
            # A tuned model cuts its input by itself, to the length of its tuning.
            return parameters.shortened(wanted, min(new, longest // 2), None, longest, spell)
        read = self._tokens(who.target, text, wanted, longest - new)
        new = min(new, max(longest - read, longest // 2))
        kept = longest - new if read + new > longest else None
        return parameters.shortened(wanted, new, kept, longest, spell)

    def _check_room(self, who: Answering, text: str, wanted: Wanted) -> None:
        new, most, longest = (
            wanted.new_tokens,
            who.entry.max_new_tokens,
            who.entry.max_sequence_length,
        )
        start = f"Invalid input argument for Model '{who.model_id}': the number of"
        if most is not None and new > most:
            raise PredictionError(
                f"{start} max new tokens {new} cannot exceed the limit {most} for this model."
            )
        # A tuned model cuts its input. If it is still too long, the backend refuses it.
        if longest is None or isinstance(who.target, Deployment):
            return
        read = self._tokens(who.target, text, wanted, longest - new)
        if read + new > longest:
            raise PredictionError(
                f"{start} input tokens {read} and of max new tokens {new} cannot exceed the total "
                f"tokens limit {longest} for this model."
            )

    def _tokens(self, base_model: str, text: str, wanted: Wanted, room: int) -> int:
        """Count the tokens of ``text`` that are read; 0 if they surely fit or cannot be counted."""
        # A token spells at least one byte, and models add a few tokens.
        surely_fits = min(len(text.encode()) + 8, wanted.most_read) <= room
        if surely_fits or not self._engine.capabilities(base_model).tokenize:
            return 0
        count = len(self._engine.tokenize(base_model, text))
        return min(count, wanted.params.truncate_input_tokens or count)


def _first_that_fits(attempts: Sequence[Wanted], call: Callable[[Wanted], T]) -> tuple[T, Wanted]:
    """Return the result of the first attempt for which the model has room, and the attempt."""
    for wanted in attempts[:-1]:
        with suppress(PredictionError):
            return call(wanted), wanted
    return call(attempts[-1]), attempts[-1]


def _unreasoned(talk: Conversation, asked: Asked) -> list[Notice]:
    if not talk.reasoning or asked.reasoning:
        return []
    why = "the format of the answer leaves no room for it" if asked.field else (
        "the chat template of the model that answers has none"
    )  # fmt: skip
    return [Notice(f"reasoning has no effect, because {why}")]


def _spelled(origin: str, name: str) -> str:
    """Return the field of a chat that a parameter of text generation comes from."""
    return origin if name == "constraint" else chat_parameters.as_chat(name)


def _noting_last(pieces: Iterator[Generation], ends: list[Generation]) -> Iterator[Generation]:
    piece = Generation(text="")
    for piece in pieces:
        yield piece
    ends.append(piece)


def _begun(pieces: Iterator[Generation]) -> Iterator[Generation]:
    """Return the pieces after making the first one, so that a refusal is raised here."""
    return chain([next(pieces)], pieces)


def _text_of(body: JSON) -> str:
    text = body.get("input")
    if not isinstance(text, str):
        raise wrong_field("input", "Json document validation error: input must be text.")
    return text


def _refuse_extras(body: JSON) -> None:
    if body.get("crypto"):
        raise wrong_field("crypto", "crypto is not emulated; leave it out.")


def _refuse_named(body: JSON) -> None:
    """Refuse a model or a project beside a deployment, which has both (recorded).

    An empty name counts as none: litellm sends one to deployments.
    """
    for names in (("model_id", "model"), ("space_id", "project_id")):
        if any(body.get(name) for name in names):
            raise ServiceError(
                400,
                "json_validation_error",
                f"Json document validation error: {' or '.join(map(repr, names))} cannot be "
                "specified in the request body",
            )


def _enabled(moderations: object) -> bool:
    """Return whether anything in ``moderations`` is on, at any depth."""
    if not isinstance(moderations, Mapping):
        return bool(moderations)
    if "enabled" in moderations:
        return bool(moderations["enabled"])
    return any(_enabled(value) for value in moderations.values())


def _check_length(text: str, who: Answering) -> None:
    """Refuse a text with too many characters before it is tokenized."""
    longest = who.entry.max_sequence_length or UNKNOWN_LENGTH
    if len(text) > longest * CHARACTERS_PER_TOKEN:
        raise PredictionError(
            f"Invalid input argument for Model '{who.model_id}': the input has {len(text)} "
            f"characters, more than the {longest * CHARACTERS_PER_TOKEN} that {longest} tokens "
            "could ever spell."
        )
