"""Texts of the base model and of its prompts, whole or piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from tunesmith.backend import Capabilities, Target
from tunesmith.backends.shared import SharedBackend
from tunesmith.records import Generation
from tunesmith.spec import GenerationParams
from tunesmith_serve.conversing import Asked, Conversation, Converser, asked_of_prompt
from tunesmith_serve.lengths import Lengths
from tunesmith_serve.prompts import ServedPrompt
from tunesmith_serve.refusals import Refusal
from tunesmith_serve.streaming import with_own_tokens

NEW_TOKENS = 1024
"""New tokens of the base model if a request names no limit and the model has room."""
NEW_TOKENS_OF_PROMPT = 20
"""New tokens of a prompt if a request names no limit: a tuned model ends its label by itself."""


class Generator:
    """Generates with a base model and its prompts.

    Args:
        shared: the backend.
        base_model: answers if no prompt is asked.
    """

    def __init__(self, shared: SharedBackend, base_model: str) -> None:
        self._shared = shared
        self._base_model = base_model
        self._converser = Converser(shared, base_model)
        self._lengths = Lengths(shared, base_model)

    def asked(
        self, prompt: ServedPrompt | None, conversation: Conversation, params: GenerationParams
    ) -> Asked:
        """Return what a prompt or the base model is asked in a chat.

        Raises:
            Refusal: 400, a field cannot be honored; it is named.
            ExperimentError: the chat template refuses the conversation.
        """
        if prompt is not None:
            return asked_of_prompt(conversation, params)
        return self._converser.asked(conversation, params)

    async def generate(
        self, prompt: ServedPrompt | None, text: str, params: GenerationParams
    ) -> Generation:
        """Generate for one input, in one call with others that wait for the same model.

        Raises:
            Refusal: 400, text and new tokens do not fit into the model.
            TunesmithError: as ``Predictor.generate``.
        """
        params = await asyncio.to_thread(self._fitted, prompt, text, params)
        answer = self._shared.generate(self._target(prompt), text, params)
        return await asyncio.wrap_future(answer)

    def stream(
        self, prompt: ServedPrompt | None, text: str, params: GenerationParams
    ) -> Iterator[Generation]:
        """Generate piece by piece, each with its own tokens; in one piece if need be."""
        params, target = self._fitted(prompt, text, params), self._target(prompt)
        if self._capabilities.streaming:
            predictor = self._shared.backend.predictor
            yield from with_own_tokens(predictor.stream(target, text, params))
        else:
            yield self._shared.generate(target, text, params).result()

    @property
    def _capabilities(self) -> Capabilities:
        return self._shared.capabilities(self._base_model)

    def _target(self, prompt: ServedPrompt | None) -> Target:
        return self._base_model if prompt is None else prompt.deployment

    def _fitted(
        self, prompt: ServedPrompt | None, text: str, params: GenerationParams
    ) -> GenerationParams:
        """Return ``params`` with a limit of new tokens for which the model has room."""
        if "max_new_tokens" not in self._capabilities.generation_parameters:
            return params.model_copy(update={"max_new_tokens": None})
        asked = params.max_new_tokens
        if prompt is not None:
            # A tuned model cuts its input by itself.
            return params.model_copy(update={"max_new_tokens": asked or NEW_TOKENS_OF_PROMPT})
        longest, room = self._lengths.longest, None
        if longest is not None:
            room = longest - self._lengths.tokens(text, longest - (asked or NEW_TOKENS))
        if room is not None and room < (asked or 1):
            raise Refusal(
                400,
                f"the text and {asked or 1} new tokens do not fit into the {longest} tokens of "
                f"{self._base_model!r}; shorten the text or lower max_tokens",
                code="context_length_exceeded",
            )
        new = asked or min(NEW_TOKENS, NEW_TOKENS if room is None else room)
        return params.model_copy(update={"max_new_tokens": new})
