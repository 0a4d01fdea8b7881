"""What answers for a target: a base model, changed or not, and what stands around its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tunesmith.methods import PLACEHOLDER
from tunesmith_local.engine.answers import Answers
from tunesmith_local.engine.encoding import EncodedPrompt, encode_prompt
from tunesmith_local.engine.prefix import Prefix
from tunesmith_local.engine.text_states import Suffix
from tunesmith_local.methods.linear_probe import Probe
from tunesmith_local.model.loading import BaseLM


@dataclass(frozen=True, eq=False)
class Answering:
    """A base model, changed or not, with what stands before or behind its inputs, if anything."""

    base: BaseLM
    soft_prompt: Prefix | Suffix | None
    template: str = PLACEHOLDER
    max_input_tokens: int | None = None
    probe: Probe | None = None
    """Answers in place of the language model."""
    spoken: Answers | None = None
    """What a tuned model was tuned to write; None for a base model and a probe."""

    def encode(self, text: str, limit: int | None = None) -> EncodedPrompt:
        """Encode one input as the model reads it; ``limit`` can only lower the model's own."""
        prompt = self.prompt(text, limit)
        if self.spoken is None:
            return prompt
        return replace(prompt, token_ids=self.spoken.behind(prompt).prompt)

    def prompt(self, text: str, limit: int | None = None) -> EncodedPrompt:
        """Return one input after template and cut; an answer may continue its last token."""
        limits = [n for n in (limit, self.max_input_tokens) if n]
        return encode_prompt(
            self.base.tokenizer,
            text,
            template=self.template,
            max_tokens=min(limits, default=None),
        )

    def answers(self, texts: Sequence[str]) -> Answers:
        """Return ``texts`` as answers, of a tuned model in the way in which it was tuned."""
        if self.spoken is None:
            return Answers(self.base, texts, ended=False)
        return self.spoken.extended(texts)
