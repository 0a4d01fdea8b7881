"""Constrained decoding: a mask on the scores lets each row write only what a constraint allows.

llguidance compiles the constraint for the tokenizer of the model, and says at each step which
tokens may follow what a row has written. So the structure is certain for every model, and the
model chooses among what is allowed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast
from weakref import WeakKeyDictionary

import torch
from llguidance import LLMatcher, LLTokenizer, grammar_from
from llguidance.hf import from_tokenizer

from tunesmith.errors import ExperimentError
from tunesmith.spec import Constraint
from tunesmith_local.model.loading import BaseLM

_TOKENIZERS: WeakKeyDictionary[BaseLM, LLTokenizer] = WeakKeyDictionary()
_JSON: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""The white space of ``json.dumps``. A small model would go on with blanks."""


class Masks:
    """What each row of a batch may write next.

    Args:
        base: the model whose tokens are masked.
        constraint: of every row.
        rows: their number.

    Raises:
        ExperimentError: the constraint is wrong, or has a part that cannot be kept.
    """

    def __init__(self, base: BaseLM, constraint: Constraint, rows: int) -> None:
        tokenizer, grammar = _tokenizer(base), _grammar(constraint)
        first = LLMatcher(tokenizer, grammar, log_level=0)
        if first.is_error():
            raise _refusal(constraint, first.get_error())
        self._matchers = [first, *(first.deep_copy() for _ in range(rows - 1))]
        self._ends = sorted(base.end_ids)

    def apply(self, scores: torch.Tensor) -> torch.Tensor:
        """Return ``[rows, vocab]`` scores in which tokens that may not follow are -infinity."""
        allowed = torch.zeros(scores.shape, dtype=torch.uint8)
        for row, matcher in enumerate(self._matchers):
            if matcher.is_stopped():
                allowed[row, self._ends] = 1
            else:
                bias = torch.frombuffer(bytearray(matcher.compute_logit_bias()), dtype=torch.uint8)
                allowed[row, : len(bias)] = bias
        forbidden = allowed.to(scores.device) == 0
        masked = scores.masked_fill(forbidden, -torch.inf)
        # Nothing may be left of the scores, as behind a minimum length: the constraint decides.
        nothing = masked.amax(-1, keepdim=True) == -torch.inf
        return torch.where(nothing & ~forbidden, 0.0, masked)

    def advance(self, tokens: Sequence[int]) -> None:
        """Add the token that each row has written.

        Raises:
            ExperimentError: the constraint became too large to follow.
        """
        for matcher, token in zip(self._matchers, tokens, strict=True):
            if not matcher.is_stopped() and not matcher.consume_token(token):
                reason = matcher.get_error().partition("\n")[0]
                raise ExperimentError(
                    f"generation.constraint: cannot be followed here ({reason}); simplify it"
                )


def _tokenizer(base: BaseLM) -> LLTokenizer:
    found = _TOKENIZERS.get(base)
    if found is None:
        found = from_tokenizer(
            cast("Any", base.tokenizer), n_vocab=base.score_count, eos_token=sorted(base.end_ids)
        )
        _TOKENIZERS[base] = found
    return found


def _grammar(constraint: Constraint) -> str:
    value = constraint.value
    try:
        if constraint.kind == "json_schema":
            return LLMatcher.grammar_from_json_schema(cast("dict[str, Any]", value), defaults=_JSON)
        if constraint.kind == "regex":
            return LLMatcher.grammar_from_regex(str(value))
        if constraint.kind == "choice":
            # In JSON, a text has the escapes of Lark's syntax.
            choices = " | ".join(json.dumps(text, ensure_ascii=False) for text in value)
            return LLMatcher.grammar_from_lark(f"start: {choices}")
        return grammar_from("grammar", str(value))
    except ValueError as error:
        raise _refusal(constraint, str(error)) from None


def _refusal(constraint: Constraint, problem: str) -> ExperimentError:
    what = constraint.kind.replace("_", " ")
    reason = " ".join(problem.partition("start: ")[0].split())
    return ExperimentError(f"generation.constraint: this {what} cannot be kept: {reason:.300}")
