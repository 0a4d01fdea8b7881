"""The tokens of an answer as it continues the prompt.

A model is tuned to write the same tokens that are scored. Behind a word, an answer
begins with a space, as the model would continue; behind white space or a special token it does
not. A prompt's last white space that would merge with the answer is read as part of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from transformers import PreTrainedTokenizerBase

from tunesmith.errors import ExperimentError
from tunesmith_local.engine.encoding import EncodedPrompt
from tunesmith_local.engine.shared_prefix import shared_prefix
from tunesmith_local.model.loading import BaseLM

Rule = Literal["continued", "apart"]
"""``apart``: an answer is tokenized separately, as in older versions, and not with the prompt."""
_Tokens = tuple[int, ...]
_LAST_WORD = re.compile(r"\S*\s*\Z")


@dataclass(frozen=True)
class Continued:
    """A prompt and its possible answers, as the model reads them."""

    prompt: _Tokens
    answers: tuple[_Tokens, ...]


@dataclass(frozen=True)
class _End:
    """The end of a prompt, which decides how an answer continues it."""

    text: str
    tokens: _Tokens
    joint: str
    """The text between it and an answer: a space or nothing."""


class Answers:
    """The possible answers to prompts.

    Args:
        base: the base model.
        texts: of the answers.
        ended: whether the end-of-text token is part of every answer, as a tuned model writes it.
            Else it is only if one answer's tokens begin another's.
        rule: see :data:`Rule`.
    """

    def __init__(
        self, base: BaseLM, texts: Sequence[str], *, ended: bool, rule: Rule = "continued"
    ) -> None:
        self.texts = tuple(texts)
        self.rule: Rule = rule
        self._base = base
        self._tokenizer = base.tokenizer
        self._ended = ended
        # An encoder reads the prompt: the answer continues nothing.
        self._apart = rule == "apart" or base.is_seq2seq
        self._special = _special_ids(base.tokenizer)
        self._behind: dict[_End, tuple[int, tuple[_Tokens, ...]]] = {}

    def extended(self, texts: Sequence[str]) -> Answers:
        """Return the same answers with ``texts`` after them, if they are not among them."""
        known = tuple(dict.fromkeys([*self.texts, *texts]))
        if known == self.texts:
            return self
        return Answers(self._base, known, ended=self._ended, rule=self.rule)

    def behind(self, prompt: EncodedPrompt) -> Continued:
        """Return the tokens of ``prompt`` and of each answer behind it, in the order of texts."""
        cut, answers = self._continuing(prompt)
        return Continued(prompt.token_ids[: len(prompt.token_ids) - cut], answers)

    def different(
        self, prompts: Iterable[EncodedPrompt]
    ) -> dict[tuple[_Tokens, ...], EncodedPrompt]:
        """Return the different tokens of the answers behind ``prompts``, each with a prompt."""
        return {self._continuing(prompt)[1]: prompt for prompt in prompts}

    def check(self, prompts: Iterable[EncodedPrompt]) -> tuple[int, str]:
        """Return the tokens of the longest answer behind ``prompts``, and its text.

        Raises:
            ExperimentError: an answer does not come back from the tokenizer, or two are alike.
        """
        longest = (0, "")
        for answers, prompt in self.different(prompts).items():
            self._check_returned(answers, prompt)
            self._check_distinct(answers)
            longest = max(longest, *zip(map(len, answers), self.texts, strict=True))
        return longest

    def _continuing(self, prompt: EncodedPrompt) -> tuple[int, tuple[_Tokens, ...]]:
        end = self._end(prompt)
        if end not in self._behind:
            cut, answers = self._read(end, len(prompt.token_ids))
            self._behind[end] = cut, self._finished(answers)
        return self._behind[end]

    def _end(self, prompt: EncodedPrompt) -> _End:
        if self._apart or not prompt.token_ids:
            return _End("", (), "")
        ids, text = prompt.token_ids, prompt.text
        joint = "" if not text or text[-1].isspace() or ids[-1] in self._special else " "
        found = _LAST_WORD.search(text)
        word = found.group() if found else ""
        tokens = self._tokens(word)
        if tokens and ids[-len(tokens) :] == tokens:
            return _End(word, tokens, joint)
        return _End(text, self._tokens(text), joint)

    def _read(self, end: _End, read: int) -> tuple[int, tuple[_Tokens, ...]]:
        whole = self._tokens_of([end.text + end.joint + text for text in self.texts])
        kept = len(shared_prefix([end.tokens, *whole]))
        merged = end.tokens[kept:]
        if len(merged) == read or self._decoded(merged).strip():
            # Nothing would be left to read, or a visible character would be read twice.
            return 0, tuple(self._tokens_of([end.joint + text for text in self.texts]))
        return len(merged), tuple(tokens[kept:] for tokens in whole)

    def _finished(self, answers: tuple[_Tokens, ...]) -> tuple[_Tokens, ...]:
        if not (self._ended or _one_begins_another(answers)):
            return answers
        return tuple((*tokens, int(self._tokenizer.eos_token_id)) for tokens in answers)

    def _tokens(self, text: str) -> _Tokens:
        return self._tokens_of([text])[0]

    def _tokens_of(self, texts: list[str]) -> list[_Tokens]:
        # In one call: a call costs more than the few tokens of a label.
        encoded = self._tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        return [tuple(ids) for ids in encoded]

    def _decoded(self, tokens: Sequence[int]) -> str:
        return str(
            self._tokenizer.decode(
                list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )

    def _check_returned(self, answers: tuple[_Tokens, ...], prompt: EncodedPrompt) -> None:
        for text, tokens in zip(self.texts, answers, strict=True):
            back = self._decoded(tokens)
            if back.strip() == text:
                continue
            end = self._end(prompt)
            if end.joint:
                raise ExperimentError(
                    f"labels: {text!r} has no word-initial form in the tokenizer of "
                    f"{self._base.name!r}: behind {end.text[-20:]!r} it comes back as {back!r}; "
                    "end the template with a line break, or use another word"
                )
            raise ExperimentError(
                f"labels: the tokenizer of {self._base.name!r} gives {text!r} back as {back!r}; "
                "use another word"
            )

    def _check_distinct(self, answers: tuple[_Tokens, ...]) -> None:
        seen: dict[_Tokens, str] = {}
        for text, tokens in zip(self.texts, answers, strict=True):
            if tokens in seen:
                raise ExperimentError(
                    f"labels: the tokenizer of {self._base.name!r} cannot tell {text!r} from "
                    f"{seen[tokens]!r}: both are the tokens {list(tokens)}; use other words"
                )
            seen[tokens] = text


def _special_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    added = tokenizer.added_tokens_decoder
    return frozenset(
        [*tokenizer.all_special_ids, *(i for i, token in added.items() if token.special)]
    )


def _one_begins_another(answers: Sequence[_Tokens]) -> bool:
    # In order, a prefix comes right before a sequence that it begins.
    ordered = sorted(answers)
    return any(b[: len(a)] == a for a, b in pairwise(ordered))
